// Drops of a campaign: who is cancelled, who is not, in pages, over restarts, while planning and dispatch go on.
#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "common/rpc/status.h"
#include "coordinator/store/drop_rules.h"
#include "coordinator/store/store_test_util.h"

namespace wavepost {
namespace {

class DropsTest : public StoreTest {
 protected:
  // A wave that is started and not planned: `count` recipients, every other one @odd.example.
  void Started(int count) {
    Open();
    ASSERT_TRUE(MakeDraft(store_.get()).ok());
    std::vector<NewRecipient> rows = Rows(0, count);
    for (int i = 1; i < count; i += 2) rows[i].recipient.set_address(absl::StrCat("user", i, "@odd.example"));
    ASSERT_TRUE(store_->ImportChunk(kWave, std::move(rows), {}, {}).ok());
    ASSERT_TRUE(store_->StartWave(kWave, {.token_key_id = 1}).ok());
  }

  absl::StatusOr<v1::QueueOrder> Drop(const std::string& domain = "", const std::string& egress_ip = "",
                                      const std::string& site = "") {
    v1::QueueOrder order;
    order.set_kind(v1::QueueOrder::DROP);
    order.mutable_selector()->set_campaign(kCampaign);
    order.mutable_selector()->set_domain(domain);
    order.mutable_selector()->set_egress_ip(egress_ip);
    order.mutable_selector()->set_site(site);
    return store_->CreateOrder(order, "operator", {});
  }

  // To its end, with a restart after each page if wanted; books balanced all the way. Returns the pages.
  int Advance(bool restart = false) {
    for (int pages = 1;; ++pages) {
      const auto more = store_->AdvanceDrops();
      EXPECT_TRUE(more.ok()) << more.status();
      ExpectBalanced();
      if (!more.ok() || !*more) return pages;
      if (restart) Open();
    }
  }

  absl::Status PlanPage(size_t size) {
    const auto rows = store_->ReadPlanPage(kWaveNumber, size);
    if (!rows.ok()) return rows.status();
    Plan plan{.wave = kWaveNumber, .from_index = rows->first, .through_index = rows->second.back().id.index + 1};
    for (const PlanRow& row : rows->second) plan.assignments.push_back({row.id, "sender-0", "127.0.0.11"});
    return store_->RecordPlan(plan);
  }
};

TEST_F(DropsTest, WhatIsNotPlannedAndWhatNoNodeHasIsCancelled) {
  Started(5000);
  ASSERT_TRUE(PlanPage(1500).ok());
  const auto heads = store_->PendingHeads("sender-0", 0, 10);
  ASSERT_EQ(heads->size(), 3u);
  ASSERT_TRUE(Acknowledge(store_.get(), "sender-0", heads->at(0).batch_id).ok());
  ASSERT_TRUE(Drop().ok());
  EXPECT_GT(Advance(/*restart=*/true), 2) << "in pages";
  EXPECT_EQ(Counts().cancelled(), 4500);
  EXPECT_EQ(Counts().open(), 500) << "these are at the node";
  EXPECT_EQ(At(499).outcome(), v1::OUTCOME_UNSPECIFIED);
  EXPECT_EQ(At(500).outcome(), v1::CANCELLED);
  EXPECT_TRUE(store_->PendingHeads("sender-0", 0, 10)->empty()) << "empty batches need not go out";
  EXPECT_EQ(*store_->Backlog("sender-0"), 0);
  EXPECT_FALSE(*store_->AdvanceDrops());

  std::vector<cluster::v1::Report> reports;
  for (int i = 0; i < 500; ++i) reports.push_back(Outcome(i + 1, i, i < 100 ? v1::DELIVERED : v1::CANCELLED));
  ASSERT_TRUE(Apply(store_.get(), std::move(reports)).ok());
  ExpectBalanced();
  EXPECT_EQ(Counts().cancelled(), 4900);
  EXPECT_EQ(store_->GetWave(kWave)->wave().state(), v1::Wave::COMPLETED);
  EXPECT_EQ(EventsOf(v1::Event::WAVE_COMPLETED).size(), 1u);
}

TEST_F(DropsTest, AWaveThatNoNodeHasCompletes) {
  Started(10);
  ASSERT_TRUE(Drop().ok());
  Advance();
  EXPECT_EQ(store_->GetWave(kWave)->wave().state(), v1::Wave::COMPLETED);
  EXPECT_TRUE(store_->WavesToPlan()->empty());
  EXPECT_EQ(EventsOf(v1::Event::OUTCOME_RECORDED).size(), 10u);
}

TEST_F(DropsTest, OnlyTheDomainThatWasNamed) {
  Started(100);
  ASSERT_TRUE(PlanPage(50).ok());
  ASSERT_TRUE(Drop("odd.example").ok());
  Advance();
  EXPECT_EQ(Counts().cancelled(), 50);
  EXPECT_EQ(At(1).outcome(), v1::CANCELLED);
  EXPECT_EQ(At(99).outcome(), v1::CANCELLED);
  EXPECT_EQ(At(98).outcome(), v1::OUTCOME_UNSPECIFIED);
  ASSERT_TRUE(PlanPage(1000).ok());
  ExpectBalanced();
  EXPECT_EQ(Counts().assigned(), 50);
  int in_batches = 0;
  const auto batches = store_->PendingBatches("sender-0", 0, 10);
  for (const auto& batch : *batches) {
    in_batches += store_->ReadBatch(batch)->recipients_size();
  }
  EXPECT_EQ(in_batches, 50);
}

TEST_F(DropsTest, OnlyTheEgressIpThatWasNamed) {
  Started(100);
  ASSERT_TRUE(PlanPage(50).ok());
  ASSERT_TRUE(Drop("", "127.0.0.99").ok());
  Advance();
  EXPECT_EQ(Counts().cancelled(), 0);
  ASSERT_TRUE(Drop("", "127.0.0.11").ok());
  Advance();
  EXPECT_EQ(Counts().cancelled(), 50) << "those without an IP yet stay";
}

TEST_F(DropsTest, ADropForASiteIsTheNodesAlone) {
  Started(10);
  ASSERT_TRUE(Drop("", "", "google").ok());
  EXPECT_FALSE(*store_->AdvanceDrops());
  EXPECT_EQ(Counts().cancelled(), 0);
}

// Between the order and its last page nothing slips through.
TEST_F(DropsTest, PlansAndBatchesLeaveOutWhatIsDropped) {
  Started(100);
  ASSERT_TRUE(PlanPage(40).ok());
  const auto pending = store_->PendingBatches("sender-0", 0, 10);
  ASSERT_TRUE(Drop().ok());
  EXPECT_EQ(store_->ReadBatch(pending->at(0))->recipients_size(), 0);
  EXPECT_EQ(Counts().cancelled(), 40);
  ASSERT_TRUE(PlanPage(40).ok());
  EXPECT_EQ(Counts().cancelled(), 80);
  EXPECT_EQ(store_->PendingBatches("sender-0", 0, 10)->size(), 1u);
  ExpectBalanced();
  Advance();
  EXPECT_EQ(Counts().cancelled(), 100);
}

TEST_F(DropsTest, WavesThatStartLaterAreNotMeant) {
  Open();
  ASSERT_TRUE(MakeDraft(store_.get()).ok());
  ASSERT_TRUE(store_->ImportChunk(kWave, Rows(0, 10), {}, {}).ok());
  ASSERT_TRUE(Drop().ok());
  ASSERT_TRUE(store_->StartWave(kWave, {.token_key_id = 1}).ok());
  EXPECT_GT(store_->GetWave(kWave)->started_after_order(), 0);
  ASSERT_TRUE(PlanPage(5).ok());
  Advance();
  EXPECT_EQ(Counts().cancelled(), 0);
  ASSERT_TRUE(Drop().ok());
  Advance();
  EXPECT_EQ(Counts().cancelled(), 10);
}

TEST_F(DropsTest, OtherCampaignsAreNotTouched) {
  Started(10);
  cluster::v1::StoredCampaign other;
  const std::string name = std::string(kCampaign) + "2";  // a prefix of it is the name of the first
  other.mutable_campaign()->set_name(name);
  ASSERT_TRUE(store_->CreateCampaign(other, {}).ok());
  ASSERT_TRUE(store_->CreateWave(name, name + "/waves/w", {}).ok());
  ASSERT_TRUE(store_->ImportChunk(name + "/waves/w", Rows(0, 10), {}, {}).ok());
  ASSERT_TRUE(store_->StartWave(name + "/waves/w", {.token_key_id = 1}).ok());
  ASSERT_TRUE(Drop().ok());
  Advance();
  EXPECT_EQ(Counts().cancelled(), 10);
  EXPECT_EQ(store_->GetWave(name + "/waves/w")->wave().counts().open(), 10);
}

// A batch had gone out, its acknowledgement was on its way: what the node says of its recipients is the truth.
TEST_F(DropsTest, TheNodesWordReplacesOurs) {
  Started(3);
  ASSERT_TRUE(PlanPage(3).ok());
  ASSERT_TRUE(Drop().ok());
  Advance();
  EXPECT_EQ(Counts().cancelled(), 3);
  ASSERT_TRUE(Apply(store_.get(), {Outcome(1, 0, v1::DELIVERED), Outcome(2, 1, v1::CANCELLED)}).ok());
  EXPECT_EQ(At(0).outcome(), v1::DELIVERED);
  EXPECT_EQ(At(1).outcome(), v1::CANCELLED);
  EXPECT_EQ(Counts().cancelled(), 2);
  ExpectBalanced();
}

TEST_F(DropsTest, SeveralDropsAreCarriedOutInOrder) {
  Started(4000);
  ASSERT_TRUE(Drop("odd.example").ok());
  ASSERT_TRUE(Drop("example.com").ok());
  Advance(/*restart=*/true);
  EXPECT_EQ(Counts().cancelled(), 4000);
  EXPECT_EQ(Counts().open(), 0);
}

struct RuleRow {
  const char* name;
  const char* domain;
  const char* selector_ip;
  const char* address;
  const char* egress_ip;
  bool taken;
};

class TakesInTest : public testing::TestWithParam<RuleRow> {};

TEST_P(TakesInTest, Matches) {
  v1::QueueSelector selector;
  selector.set_domain(GetParam().domain);
  selector.set_egress_ip(GetParam().selector_ip);
  EXPECT_EQ(TakesIn(selector, GetParam().address, GetParam().egress_ip), GetParam().taken);
}

INSTANTIATE_TEST_SUITE_P(Rows, TakesInTest,
                         testing::Values(RuleRow{"Everything", "", "", "a@b.example", "", true},
                                         RuleRow{"Domain", "b.example", "", "a@b.example", "192.0.2.1", true},
                                         RuleRow{"OtherDomain", "c.example", "", "a@b.example", "192.0.2.1", false},
                                         RuleRow{"Subdomain", "b.example", "", "a@x.b.example", "192.0.2.1", false},
                                         RuleRow{"QuotedAt", "b.example", "", "\"a@c.example\"@b.example", "", true},
                                         RuleRow{"NoDomain", "b.example", "", "nobody", "", false},
                                         RuleRow{"Ip", "", "192.0.2.1", "a@b.example", "192.0.2.1", true},
                                         RuleRow{"OtherIp", "", "192.0.2.2", "a@b.example", "192.0.2.1", false},
                                         RuleRow{"NoIpYet", "", "192.0.2.2", "a@b.example", "", false},
                                         RuleRow{"BothMustFit", "c.example", "192.0.2.1", "a@b.example", "192.0.2.1",
                                                 false}),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace wavepost
