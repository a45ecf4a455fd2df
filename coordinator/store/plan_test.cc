// From the plan to the node's acknowledgement.
#include <gmock/gmock.h>

#include <set>

#include "coordinator/store/store_test_util.h"

namespace wavepost {
namespace {

using PlanTest = StoreTest;

absl::Status Suppress(Store* store, std::string address, absl::Time until = absl::InfiniteFuture()) {
  v1::Suppression suppression;
  suppression.set_address(std::move(address));
  suppression.set_cause(v1::Suppression::MANUAL);
  if (until != absl::InfiniteFuture()) suppression.mutable_expire_time()->set_seconds(absl::ToUnixSeconds(until));
  return store->CreateSuppression(kTenant, suppression, {}).status();
}

TEST_F(PlanTest, EveryRecipientIsInOneBatchOfItsNode) {
  Running(1201);
  std::set<uint32_t> seen;
  std::set<std::string> ids;
  for (const std::string node : {"sender-0", "sender-1"}) {
    const auto batches = store_->PendingBatches(node, 0, 100);
    ASSERT_TRUE(batches.ok());
    ASSERT_EQ(batches->size(), 2u);  // pages of 1000, then 201
    int64_t backlog = 0;
    for (const cluster::v1::PendingBatch& pending : *batches) {
      EXPECT_TRUE(ids.insert(pending.batch_id()).second);
      EXPECT_EQ(pending.batch_id().size(), 16u);
      const auto batch = store_->ReadBatch(pending);
      ASSERT_TRUE(batch.ok()) << batch.status();
      EXPECT_LE(batch->recipients_size(), 500);
      backlog += batch->recipients_size();
      for (const auto& recipient : batch->recipients()) {
        const RecipientId id = RecipientId::FromPacked(recipient.recipient_id());
        EXPECT_EQ(id.wave, kWaveNumber);
        EXPECT_TRUE(seen.insert(id.index).second);
        EXPECT_EQ(recipient.address(), "user" + std::to_string(id.index) + "@example.com");
        EXPECT_EQ(recipient.egress_ip(), node == "sender-0" ? "127.0.0.11" : "127.0.0.12");
        EXPECT_EQ(recipient.values(0), "Name" + std::to_string(id.index));
      }
    }
    EXPECT_EQ(store_->Backlog(node).value(), backlog);
    EXPECT_EQ(store_->PendingBatches(node, (*batches)[0].sequence(), 100)->size(), 1u);
  }
  EXPECT_EQ(seen.size(), 1201u);
  EXPECT_EQ(Counts().assigned(), 1201);
  EXPECT_THAT(*store_->WavesToPlan(), testing::IsEmpty());
  EXPECT_TRUE(store_->ReadPlanPage(kWaveNumber, 10)->second.empty());
  ExpectBalanced();
}

TEST_F(PlanTest, AcknowledgedBatchesAreLetGo) {
  Running(1201);
  const auto batches = store_->PendingBatches("sender-0", 0, 100);
  ASSERT_TRUE(Acknowledge(store_.get(), "sender-0", (*batches)[0].batch_id()).ok());
  ASSERT_TRUE(Acknowledge(store_.get(), "sender-0", (*batches)[0].batch_id()).ok());
  ASSERT_TRUE(Acknowledge(store_.get(), "sender-0", "unknown").ok());
  for (int i = 0; i < 2; ++i) {
    const auto left = store_->PendingBatches("sender-0", 0, 100);
    ASSERT_EQ(left->size(), 1u);
    EXPECT_EQ((*left)[0].batch_id(), (*batches)[1].batch_id());
    EXPECT_EQ(store_->Backlog("sender-0").value(), 101);
    Open();  // and the same from disk
  }
  EXPECT_EQ(store_->Backlog("nobody").value(), 0);
}

TEST_F(PlanTest, TheSuppressedGetTheirOutcomeAndNoMail) {
  Open();
  ASSERT_TRUE(MakeDraft(store_.get()).ok());
  ASSERT_TRUE(Suppress(store_.get(), "USER1@example.com").ok());
  ASSERT_TRUE(Suppress(store_.get(), "user2@example.com", clock_.Now() + absl::Hours(1)).ok());
  ASSERT_TRUE(Suppress(store_.get(), "user3@example.com", clock_.Now() + absl::Hours(3)).ok());
  clock_.Advance(absl::Hours(2));
  ASSERT_TRUE(store_->ImportChunk(kWave, Rows(0, 4), {}, {}).ok());
  ASSERT_TRUE(store_->StartWave(kWave, {.token_key_id = 1}).ok());
  ASSERT_TRUE(PlanAll(store_.get()).ok());
  EXPECT_EQ(At(0).state(), v1::Recipient::ASSIGNED);
  EXPECT_EQ(At(1).outcome(), v1::SUPPRESSED);
  EXPECT_EQ(At(2).state(), v1::Recipient::ASSIGNED);  // its entry has run out
  EXPECT_EQ(At(3).outcome(), v1::SUPPRESSED);
  EXPECT_EQ(Counts().suppressed(), 2);
  EXPECT_EQ(Counts().assigned(), 2);
  EXPECT_EQ(EventsOf(v1::Event::OUTCOME_RECORDED).at(0).address(), "user1@example.com");
  ExpectBalanced();
}

TEST_F(PlanTest, AWaveOfSuppressedRecipientsIsCompletedByItsPlan) {
  Open();
  ASSERT_TRUE(MakeDraft(store_.get()).ok());
  ASSERT_TRUE(Suppress(store_.get(), "user0@example.com").ok());
  ASSERT_TRUE(store_->ImportChunk(kWave, Rows(0, 1), {}, {}).ok());
  ASSERT_TRUE(store_->StartWave(kWave, {.token_key_id = 1}).ok());
  ASSERT_TRUE(PlanAll(store_.get()).ok());
  EXPECT_EQ(store_->GetWave(kWave)->wave().state(), v1::Wave::COMPLETED);
  EXPECT_EQ(EventsOf(v1::Event::WAVE_COMPLETED).size(), 1u);
}

TEST_F(PlanTest, ASuppressionThatCameAfterThePlanIsHonouredByTheBatch) {
  Running(10);
  ASSERT_TRUE(Suppress(store_.get(), "user4@example.com").ok());
  const auto pending = store_->PendingBatches("sender-0", 0, 10);
  const auto batch = store_->ReadBatch((*pending)[0]);
  ASSERT_TRUE(batch.ok());
  EXPECT_EQ(batch->recipients_size(), 4);
  EXPECT_EQ(At(4).outcome(), v1::SUPPRESSED);
  ExpectBalanced();
  // The batch had gone out before, and the node had it: its word counts.
  ASSERT_TRUE(Apply(store_.get(), {Outcome(1, 4, v1::DELIVERED)}).ok());
  EXPECT_EQ(At(4).outcome(), v1::DELIVERED);
  EXPECT_EQ(Counts().suppressed(), 0);
  ExpectBalanced();
}

TEST_F(PlanTest, ABatchLeavesOutWhoHasAnOutcome) {
  Running(10);
  ASSERT_TRUE(Apply(store_.get(), {Outcome(1, 0, v1::DELIVERED)}).ok());
  const auto pending = store_->PendingBatches("sender-0", 0, 10);
  EXPECT_EQ(store_->ReadBatch((*pending)[0])->recipients_size(), 4);
}

TEST_F(PlanTest, RefusesPlansThatWouldLoseOrRepeatSomebody) {
  Open();
  ASSERT_TRUE(MakeDraft(store_.get()).ok());
  ASSERT_TRUE(store_->ImportChunk(kWave, Rows(0, 4), {}, {}).ok());
  const auto at = [](uint32_t index) { return Assignment{{kWaveNumber, index}, "sender-0", "127.0.0.11"}; };
  const Plan good{.wave = 1, .from_index = 0, .through_index = 2, .assignments = {at(0), at(1)}};
  EXPECT_EQ(store_->RecordPlan(good).code(), absl::StatusCode::kFailedPrecondition);  // not started
  ASSERT_TRUE(store_->StartWave(kWave, {.token_key_id = 1}).ok());

  Plan gap = good, twice = good, foreign = good, beyond = good, both = good;
  gap.assignments.pop_back();
  twice.assignments[1] = at(0);
  foreign.assignments[1] = at(2);
  beyond.through_index = 5;
  both.suppressed = {{kWaveNumber, 1}};
  for (const Plan& bad : {gap, twice, foreign, beyond, both}) {
    EXPECT_EQ(store_->RecordPlan(bad).code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(Counts().assigned(), 0);
  EXPECT_TRUE(store_->RecordPlan(good).ok());
  EXPECT_EQ(store_->RecordPlan(good).code(), absl::StatusCode::kFailedPrecondition);  // planned already
  EXPECT_EQ(Counts().assigned(), 2);
  EXPECT_EQ(store_->ReadPlanPage(kWaveNumber, 10)->first, 2u);
  ExpectBalanced();
}

TEST_F(PlanTest, WhoHasAnOutcomeBeforeThePlanIsNotSentTo) {
  Open();
  ASSERT_TRUE(MakeDraft(store_.get()).ok());
  ASSERT_TRUE(store_->ImportChunk(kWave, Rows(0, 4), {}, {}).ok());
  ASSERT_TRUE(store_->StartWave(kWave, {.token_key_id = 1}).ok());
  ASSERT_TRUE(Apply(store_.get(), {Outcome(1, 2, v1::DELIVERED)}).ok());
  ASSERT_TRUE(PlanAll(store_.get()).ok());
  EXPECT_EQ(At(2).outcome(), v1::DELIVERED);
  EXPECT_EQ(Counts().assigned(), 3);
  EXPECT_EQ(store_->ReadBatch(store_->PendingBatches("sender-0", 0, 1)->at(0))->recipients_size(), 1);
  ExpectBalanced();
}

}  // namespace
}  // namespace wavepost
