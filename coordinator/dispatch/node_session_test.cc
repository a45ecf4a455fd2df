#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/dispatch/node_session_fixture.h"

namespace wavepost {
namespace {

TEST_F(NodeSessionTest, StartsWithWelcomeLogAndBatches) {
  session_ = std::make_unique<NodeSession>(NodeSession::Options{}, HelloWith(100), Node(), kStart);
  EXPECT_THAT(Do(session_->Start({"a", "b"}, 0)), ElementsAre("welcome 2", "heads>0", "log>0", "orders>0"));
  EXPECT_EQ(session_->follow_after(), std::nullopt);
}

TEST_F(NodeSessionTest, ContentAndKeyOncePerStreamBeforeTheBatch) {
  Settle(1000);
  EXPECT_THAT(Do(session_->OnHeads({Pending("a", 1, 10), Pending("b", 2, 10)})), ElementsAre("read a"));
  EXPECT_THAT(Do(session_->OnBatch(Loaded("a", 10))),
              ElementsAre("content content-1", "keys example.com 1", "batch a", "read b"));
  EXPECT_THAT(Do(session_->OnBatch(Loaded("b", 10))), ElementsAre("batch b"));
}

TEST_F(NodeSessionTest, ChangedKeySetIsSentAgain) {
  Settle(1000);
  session_->OnHeads({Pending("a", 1, 10), Pending("b", 2, 10)});
  session_->OnBatch(Loaded("a", 10));
  LoadedBatch second = Loaded("b", 10);
  second.keys = std::make_shared<const cluster::v1::KeySet>(KeysOf("example.com", "2"));
  EXPECT_THAT(Do(session_->OnBatch(std::move(second))), ElementsAre("keys example.com 2", "batch b"));
}

TEST_F(NodeSessionTest, ChangedKeysReachANodeThatHasThemWithoutABatch) {
  Settle(1000);
  session_->OnHeads({Pending("a", 1, 10)});
  session_->OnBatch(Loaded("a", 10));
  EXPECT_THAT(Do(session_->OnStoreChange(0, 1)), testing::Contains("keys? example.com"));
  EXPECT_THAT(Do(session_->OnKeys(KeysOf("example.com", "2"))), testing::Contains("keys example.com 2"));
  EXPECT_THAT(Do(session_->OnStoreChange(0, 1)), testing::Not(testing::Contains("keys? example.com")));
}

TEST_F(NodeSessionTest, NoCreditNoBatch) {
  Settle(0);
  EXPECT_THAT(Do(session_->OnStoreChange(0, 0)), ElementsAre());
  EXPECT_THAT(Do(session_->OnMessage(StatusOf(50), kStart)), ElementsAre("heads>0"));
  EXPECT_THAT(Do(session_->OnHeads({Pending("a", 1, 80)})), ElementsAre()) << "larger than the credit";
  EXPECT_THAT(Do(session_->OnMessage(StatusOf(79), kStart)), ElementsAre());
  EXPECT_THAT(Do(session_->OnMessage(StatusOf(80), kStart)), ElementsAre("read a"));
  session_->OnBatch(Loaded("a", 80));
  EXPECT_EQ(session_->credit(), 0);
}

TEST_F(NodeSessionTest, SmallNodeThatHoldsNothingGetsABatchAllTheSame) {
  Settle(0);
  session_->OnMessage(StatusOf(50, 0), kStart);
  EXPECT_THAT(Do(session_->OnHeads({Pending("a", 1, 80), Pending("b", 2, 10)})), ElementsAre("read a"));
  EXPECT_THAT(Words(session_->OnBatch(Loaded("a", 80))),
              ElementsAre("content content-1", "keys example.com 1", "batch a"));
  EXPECT_LT(session_->credit(), 0);
}

// What is on its way cannot be in the node's count yet.
TEST_F(NodeSessionTest, UnacknowledgedBatchesAreTakenOffEachStatement) {
  Settle(100);
  session_->OnHeads({Pending("a", 1, 80), Pending("b", 2, 80)});
  session_->OnBatch(Loaded("a", 80));
  EXPECT_THAT(Do(session_->OnMessage(StatusOf(100), kStart)), ElementsAre());
  EXPECT_EQ(session_->credit(), 20);
  Drain(3);
  EXPECT_THAT(Do(session_->OnMessage(AckOf("a"), kStart)), ElementsAre("acknowledge a"));
  EXPECT_THAT(Do(session_->OnMessage(StatusOf(90), kStart)), ElementsAre("read b"));
}

TEST_F(NodeSessionTest, AckIsStoredThenForgotten) {
  Settle(1000);
  session_->OnHeads({Pending("a", 1, 10)});
  session_->OnBatch(Loaded("a", 10));
  Drain(3);
  EXPECT_THAT(Do(session_->OnMessage(AckOf("a"), kStart)), ElementsAre("acknowledge a"));
  EXPECT_THAT(Do(session_->OnForgotten("a")), ElementsAre("forget 1"));
}

TEST_F(NodeSessionTest, AckOfAnUnknownBatchIsAnsweredToo) {
  Settle(1000);
  EXPECT_THAT(Do(session_->OnMessage(AckOf("from before"), kStart)), ElementsAre("acknowledge from before"));
  EXPECT_THAT(Do(session_->OnForgotten("from before")), ElementsAre("forget 1"));
}

// A node that comes back acknowledges what it had stored: that must not go out again, whatever was being read
// meanwhile.
TEST_F(NodeSessionTest, LateAckStopsABatchThatWaits) {
  Settle(10);
  session_->OnHeads({Pending("a", 1, 10), Pending("b", 2, 10)});
  session_->OnMessage(AckOf("b"), kStart);
  session_->OnForgotten("b");
  session_->OnBatch(Loaded("a", 10));
  EXPECT_THAT(Do(session_->OnMessage(StatusOf(1000), kStart)), testing::Not(testing::Contains("read b")));
}

TEST_F(NodeSessionTest, LateAckStopsABatchThatIsBeingRead) {
  Settle(1000);
  EXPECT_THAT(Do(session_->OnHeads({Pending("a", 1, 10)})), ElementsAre("read a"));
  session_->OnMessage(AckOf("a"), kStart);
  session_->OnForgotten("a");
  EXPECT_THAT(Do(session_->OnBatch(Loaded("a", 10))), ElementsAre());
  EXPECT_EQ(session_->credit(), 1000);
}

TEST_F(NodeSessionTest, LateAckStopsABatchWhoseListIsBeingRead) {
  Settle(1000);
  session_->OnMessage(AckOf("a"), kStart);  // the reading of heads from Start() is still under way
  session_->OnForgotten("a");
  EXPECT_THAT(Do(session_->OnHeads({Pending("a", 1, 10), Pending("b", 2, 10)})), ElementsAre("read b"));
}

TEST_F(NodeSessionTest, AsksAgainOnlyWhenTheStoreHasChanged) {
  Settle(1000);
  EXPECT_THAT(Do(session_->OnHeads({})), ElementsAre());
  EXPECT_THAT(Do(session_->OnMessage(StatusOf(1000), kStart)), ElementsAre());
  EXPECT_THAT(Do(session_->OnStoreChange(0, 0)), ElementsAre("heads>0"));
  EXPECT_THAT(Do(session_->OnStoreChange(0, 0)), ElementsAre()) << "one reading at a time";
  EXPECT_THAT(Do(session_->OnHeads({})), ElementsAre("heads>0")) << "it changed while it was read";
}

TEST_F(NodeSessionTest, FullQueueHoldsEverythingBack) {
  Settle(1'000'000);
  std::vector<PendingHead> heads;
  for (int i = 1; i <= 16; ++i) heads.push_back(Pending(absl::StrCat("b", i), i, 10));
  session_->OnHeads(heads);
  size_t sent = 0;
  std::string next = "b1";
  for (int i = 1; i <= 16; ++i) {
    NodeSession::Effects effects = session_->OnBatch(Loaded(absl::StrCat("b", i), 10));
    sent += effects.send.size();
    if (!effects.load_batch.has_value()) break;
  }
  EXPECT_LE(sent, NodeSession::kQueuedMax + 4);
  EXPECT_THAT(Do(session_->OnApplied(5)), ElementsAre()) << "waits for room";
  EXPECT_THAT(Do(session_->OnNewSuppressions({Change(1)}, true)), ElementsAre());
  NodeSession::Effects effects;
  std::vector<std::string> later;
  for (size_t i = 0; i < sent; ++i) {
    for (const std::string& word : Words(session_->OnWritten())) later.push_back(word);
  }
  EXPECT_THAT(later, testing::IsSupersetOf({"report_ack 5", "log>0"}));
}

TEST_F(NodeSessionTest, SuppressionLogInPagesThenLive) {
  session_ = std::make_unique<NodeSession>(NodeSession::Options{}, HelloWith(0), Node(), kStart);
  session_->Start({}, 0);
  std::vector<SuppressionChange> page;
  for (int64_t i = 1; i <= 1000; ++i) page.push_back(Change(i));
  EXPECT_THAT(Do(session_->OnSuppressions(page)), ElementsAre("suppressions 1000", "log>1000"));
  EXPECT_THAT(Do(session_->OnNewSuppressions({Change(1001)}, true)), ElementsAre()) << "it reads by itself";
  EXPECT_THAT(Do(session_->OnSuppressions({Change(1001)})), ElementsAre("suppressions 1"));
  EXPECT_EQ(session_->follow_after(), 1001);
  EXPECT_THAT(Do(session_->OnNewSuppressions({Change(1001), Change(1002)}, true)), ElementsAre("suppressions 1"));
  EXPECT_EQ(session_->follow_after(), 1002);
  EXPECT_THAT(Do(session_->OnNewSuppressions({Change(1003)}, false)), ElementsAre("suppressions 1", "log>1003"));
}

TEST_F(NodeSessionTest, ReportsAreAppliedAndAcknowledgedByTheHighest) {
  Settle(0);
  NodeMessage message;
  for (int i = 1; i <= 3; ++i) message.mutable_reports()->add_reports()->set_sequence(i);
  EXPECT_THAT(Do(session_->OnMessage(message, kStart)), ElementsAre("apply 3"));
  EXPECT_THAT(Do(session_->OnApplied(3)), ElementsAre("report_ack 3"));
}

TEST_F(NodeSessionTest, StoredReportsAreAcknowledgedAtOnce) {
  StoredNode node = Node();
  node.set_report_sequence(41);
  session_ = std::make_unique<NodeSession>(NodeSession::Options{}, HelloWith(0), node, kStart);
  EXPECT_THAT(Do(session_->Start({}, 0)), ElementsAre("welcome 0", "report_ack 41", "log>0", "orders>0"));
}

TEST_F(NodeSessionTest, ReadsNoMoreThanTheStoreTakes) {
  Settle(0);
  NodeMessage message;
  message.mutable_reports()->add_reports()->set_sequence(1);
  for (size_t i = 0; i < NodeSession::kPendingMax; ++i) {
    EXPECT_TRUE(session_->CanRead());
    session_->OnMessage(message, kStart);
  }
  EXPECT_FALSE(session_->CanRead());
  session_->OnApplied(1);
  EXPECT_TRUE(session_->CanRead());
}

TEST_F(NodeSessionTest, LeaseIsRenewedAndSilenceEndsTheStream) {
  Settle(0);
  EXPECT_THAT(Do(session_->OnTick(kStart + absl::Seconds(9))), ElementsAre());
  EXPECT_THAT(Do(session_->OnTick(kStart + absl::Seconds(10))), ElementsAre("lease"));
  EXPECT_THAT(Do(session_->OnTick(kStart + absl::Seconds(11))), ElementsAre());
  session_->OnMessage(StatusOf(0), kStart + absl::Seconds(50));
  Drain();
  EXPECT_THAT(Do(session_->OnTick(kStart + absl::Seconds(109))), ElementsAre("lease"));
  EXPECT_THAT(Do(session_->OnTick(kStart + absl::Seconds(110))), ElementsAre("close SILENT"));
}

TEST_F(NodeSessionTest, MisuseEndsTheStream) {
  Settle(0);
  NodeMessage hello;
  *hello.mutable_hello() = HelloWith(1);
  EXPECT_THAT(Do(session_->OnMessage(hello, kStart)), ElementsAre("close SECOND_HELLO"));
  NodeMessage many;
  for (size_t i = 0; i <= NodeSession::kReportsMax; ++i) many.mutable_reports()->add_reports();
  EXPECT_THAT(Do(session_->OnMessage(many, kStart)), ElementsAre("close TOO_MANY_REPORTS"));
}

}  // namespace
}  // namespace wavepost
