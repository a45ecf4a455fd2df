#include "sender/engine/site_path.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace wavepost {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'800'000'000);

class SitePathTest : public ::testing::Test {
 protected:
  SitePathTest() { Make({}); }

  void Make(SitePath::Options options, SiteLimits limits = {}) {
    path_ = std::make_unique<SitePath>("192.0.2.1",
                                       ProviderBook::Site{.name = "mx.test", .mx_set = "mx.test", .limits = limits},
                                       options, cluster::v1::PathState(), now_);
  }

  // A group that has passed already: its gate is open.
  PathGroup* Known(const std::string& mx_set) {
    cluster::v1::GreylistState state;
    state.set_passed_ms(absl::ToUnixMillis(now_));
    state.set_last_passed_ms(absl::ToUnixMillis(now_));
    return path_->FindOrAddGroup(mx_set, state);
  }

  ReadyLane* Lane(PathGroup* group, int64_t ready, FlowKey flow = {}) {
    lanes_.push_back(std::make_unique<ReadyLane>());
    lanes_.back()->flow = flow;
    path_->Attach(lanes_.back().get(), group);
    path_->Offer(lanes_.back().get(), ready);
    return lanes_.back().get();
  }

  PathGroup* Connect() {
    PathGroup* group = path_->NextOpening(now_).group;
    if (group != nullptr) path_->OnConnecting(group, now_);
    return group;
  }

  void Accept(PathGroup* group, const SitePath::Turn& turn) {
    path_->OnSending(*turn.lane, now_);
    path_->OnAnswered(group, true, turn, std::nullopt, now_);
  }

  absl::Time now_ = kStart;
  std::vector<std::unique_ptr<ReadyLane>> lanes_;
  std::unique_ptr<SitePath> path_;
};

TEST_F(SitePathTest, NothingWaitsNothingOpens) {
  EXPECT_EQ(path_->NextOpening(now_).group, nullptr);
  EXPECT_EQ(path_->NextOpening(now_).look_again, absl::InfiniteFuture());
}

TEST_F(SitePathTest, AHandfulIsNotWorthASecondConnection) {
  PathGroup* group = Known("a");
  Lane(group, 4);
  EXPECT_EQ(Connect(), group);
  EXPECT_EQ(Connect(), nullptr);
  Lane(group, 1);
  EXPECT_EQ(Connect(), group);
}

TEST_F(SitePathTest, NeverMoreConnectionsThanAllowed) {
  Make({}, {.connections = 3, .connections_per_minute = SiteLimits::kUnlimited});
  Lane(Known("a"), 1000);
  Lane(Known("b"), 1000);
  int opened = 0;
  while (Connect() != nullptr) ++opened;
  EXPECT_EQ(opened, 3);
  path_->OnClosed(path_->FindGroup("a"));
  EXPECT_NE(Connect(), nullptr) << "one that closes makes room";
}

TEST_F(SitePathTest, TheConnectionRateSaysWhenToLookAgain) {
  Make({}, {.connections = 100, .connections_per_minute = 6});
  Lane(Known("a"), 1000);
  while (Connect() != nullptr) {
  }
  const absl::Time again = path_->NextOpening(now_).look_again;
  EXPECT_GT(again, now_);
  EXPECT_LE(again, now_ + absl::Seconds(10));
  now_ = again;
  EXPECT_NE(Connect(), nullptr);
}

TEST_F(SitePathTest, OneMessageGoesAheadToAStranger) {
  PathGroup* group = path_->FindOrAddGroup("a", {});
  Lane(group, 100);
  ASSERT_EQ(Connect(), group);
  EXPECT_EQ(Connect(), nullptr) << "one connection for one probe";
  const SitePath::Turn probe = path_->Next(group, now_);
  ASSERT_NE(probe.lane, nullptr);
  EXPECT_TRUE(probe.probe);
  EXPECT_EQ(path_->Next(group, now_).lane, nullptr) << "the others wait for its reply";
  Accept(group, probe);
  EXPECT_NE(path_->Next(group, now_).lane, nullptr);
  EXPECT_NE(Connect(), nullptr) << "now there may be more";
}

TEST_F(SitePathTest, AProbeThatWasNotTriedLetsAnotherOneGo) {
  PathGroup* group = path_->FindOrAddGroup("a", {});
  ReadyLane* lane = Lane(group, 2);
  ASSERT_EQ(Connect(), group);
  const SitePath::Turn probe = path_->Next(group, now_);
  path_->PutBack(lane, probe, now_);
  EXPECT_EQ(lane->ready, 2);
  EXPECT_TRUE(path_->Next(group, now_).probe);
}

TEST_F(SitePathTest, RetriesAndUrgentMailPassAClosedGate) {
  PathGroup* group = path_->FindOrAddGroup("a", {});
  Lane(group, 10);
  ASSERT_EQ(Connect(), group);
  const SitePath::Turn probe = path_->Next(group, now_);
  path_->OnGreylisted(group, probe, now_, 1, /*after_rcpt=*/false, absl::Minutes(5), now_, 0);
  EXPECT_EQ(path_->Next(group, now_).lane, nullptr);
  ReadyLane* retry = Lane(group, 1, {.retry = true});
  ReadyLane* urgent = Lane(group, 1, {.urgent = true});
  EXPECT_EQ(path_->Next(group, now_).lane, urgent);
  EXPECT_EQ(path_->Next(group, now_).lane, retry);
  EXPECT_EQ(path_->Next(group, now_).lane, nullptr);
}

TEST_F(SitePathTest, AGateOpensByTimeAlone) {
  PathGroup* group = path_->FindOrAddGroup("a", {});
  Lane(group, 10);
  ASSERT_EQ(Connect(), group);
  const SitePath::Turn probe = path_->Next(group, now_);
  path_->OnGreylisted(group, probe, now_, 1, /*after_rcpt=*/false, absl::Minutes(5), now_, 0);
  path_->OnClosed(group);
  const SitePath::Opening opening = path_->NextOpening(now_);
  EXPECT_EQ(opening.group, nullptr);
  ASSERT_LT(opening.look_again, now_ + absl::Hours(1));
  now_ = opening.look_again;
  EXPECT_EQ(path_->NextOpening(now_).group, group);
}

TEST_F(SitePathTest, TenantsTakeTurnsAcrossGroups) {
  Make({}, {.connections = 1, .connections_per_minute = SiteLimits::kUnlimited});
  // A wave of one tenant over many hosts must not stand before another tenant's few.
  for (int i = 0; i < 50; ++i) Lane(Known("big" + std::to_string(i)), 1, {.tenant = 1});
  PathGroup* small = Known("small");
  Lane(small, 1, {.tenant = 2});
  bool served = false;
  for (int i = 0; i < 3 && !served; ++i) {
    PathGroup* group = Connect();
    ASSERT_NE(group, nullptr);
    served = group == small;
    Accept(group, path_->Next(group, now_));
    path_->OnClosed(group);
  }
  EXPECT_TRUE(served);
}

TEST_F(SitePathTest, AConnectionMakesRoomForUrgentMailOfAnotherGroup) {
  Make({}, {.connections = 2, .connections_per_minute = SiteLimits::kUnlimited});
  PathGroup* bulk = Known("bulk");
  Lane(bulk, 1000);
  ASSERT_EQ(Connect(), bulk);
  ASSERT_EQ(Connect(), bulk);
  EXPECT_NE(path_->Next(bulk, now_).lane, nullptr);
  PathGroup* reset = Known("reset");
  Lane(reset, 1, {.urgent = true});
  EXPECT_TRUE(path_->Next(bulk, now_).close);
  EXPECT_FALSE(path_->Next(bulk, now_).close) << "one is enough";
  path_->OnClosed(bulk);
  EXPECT_EQ(Connect(), reset);
}

TEST_F(SitePathTest, APauseClosesEverything) {
  PathGroup* group = Known("a");
  Lane(group, 100);
  ASSERT_EQ(Connect(), group);
  path_->StopUntil(now_ + absl::Minutes(1), "address gone");
  EXPECT_TRUE(path_->Next(group, now_).close);
  path_->OnClosed(group);
  EXPECT_EQ(path_->NextOpening(now_).group, nullptr);
  EXPECT_EQ(path_->NextOpening(now_).look_again, now_ + absl::Minutes(1));
}

TEST_F(SitePathTest, WarmUpHoldsBulkAndLetsUrgentPass) {
  auto plan = std::make_shared<WarmUpPlan>();
  plan->start = kStart - absl::Hours(1);
  plan->caps = {10, 20};
  Make({.warm_up = plan});
  PathGroup* group = Known("a");
  Lane(group, 1000);
  ASSERT_EQ(Connect(), group);
  int sent = 0;
  for (SitePath::Turn turn = path_->Next(group, now_); turn.lane != nullptr; turn = path_->Next(group, now_)) {
    Accept(group, turn);
    ++sent;
  }
  EXPECT_LE(sent, 10);
  EXPECT_GT(path_->Next(group, now_).wait_until, now_);
  ReadyLane* urgent = Lane(group, 1, {.urgent = true});
  EXPECT_EQ(path_->Next(group, now_).lane, urgent);
}

TEST_F(SitePathTest, ATenantAtItsCeilingDoesNotStopTheOthers) {
  Ceilings ceilings;
  ceilings.SetTenant(1, 1, now_);
  Make({.ceilings = &ceilings});
  PathGroup* group = Known("a");
  ReadyLane* capped = Lane(group, 100, {.tenant = 1});
  ReadyLane* free = Lane(group, 100, {.tenant = 2});
  ASSERT_EQ(Connect(), group);
  std::map<const ReadyLane*, int> sent;
  for (int i = 0; i < 50; ++i) {
    const SitePath::Turn turn = path_->Next(group, now_);
    ASSERT_NE(turn.lane, nullptr);
    Accept(group, turn);
    ++sent[turn.lane];
  }
  EXPECT_EQ(sent[capped], 1);
  EXPECT_EQ(sent[free], 49);
  path_->Withdraw(free);
  const SitePath::Turn wait = path_->Next(group, now_);
  EXPECT_EQ(wait.lane, nullptr);
  EXPECT_LE(wait.wait_until, now_ + absl::Seconds(1));
}

TEST_F(SitePathTest, WhatIsWithdrawnIsNotSentAndComesBackWhole) {
  PathGroup* group = Known("a");
  ReadyLane* lane = Lane(group, 10);
  ASSERT_EQ(Connect(), group);
  Accept(group, path_->Next(group, now_));
  path_->Withdraw(lane);
  EXPECT_EQ(path_->Next(group, now_).lane, nullptr);
  path_->Offer(lane, 9);
  EXPECT_EQ(path_->Next(group, now_).lane, lane);
}

TEST_F(SitePathTest, AGroupGoesWithItsLastLaneAndConnection) {
  PathGroup* group = Known("a");
  ReadyLane* lane = Lane(group, 1);
  ASSERT_EQ(Connect(), group);
  Accept(group, path_->Next(group, now_));
  path_->Detach(lane);
  EXPECT_EQ(path_->FindGroup("a"), group) << "its connection is open";
  path_->OnClosed(group);
  EXPECT_EQ(path_->FindGroup("a"), nullptr);
}

TEST_F(SitePathTest, WhatWasLearnedOutlivesARestart) {
  PathGroup* group = Known("a");
  Lane(group, 100);
  ASSERT_EQ(Connect(), group);
  const SitePath::Turn turn = path_->Next(group, now_);
  path_->OnThrottled(group, turn, Throttle::kPause, absl::Minutes(10), now_, 0);
  const SitePath again("192.0.2.1", path_->site(), {}, path_->State(now_), now_ + absl::Minutes(1));
  EXPECT_EQ(again.shaper().ConnectionsAllowed(now_ + absl::Minutes(1)), 0);
  EXPECT_EQ(again.shaper().ConnectionsAllowed(now_ + absl::Minutes(12)), 1) << "a probe, not a stampede";
}

}  // namespace
}  // namespace wavepost
