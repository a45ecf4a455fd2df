// Suppressions against every state that a recipient can be in.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sender/queue/testing/queue_fixture.h"

namespace wavepost {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class SuppressionsTest : public QueueFixture {
 protected:
  SuppressionsTest() {
    Open();
    EXPECT_TRUE(PutTenantContent().ok());
  }

  QueueItem AddOne(uint32_t wave = 1) {
    EXPECT_TRUE(Add(MakeBatch("w" + std::to_string(wave), wave, {"Jane@example.org"})).ok());
    return Items().back();
  }
  const std::vector<cluster::v1::SuppressionChange> jane_ = {MakeSuppression(3, "jane@example.org")};
};

TEST_F(SuppressionsTest, QueuedOnesAreWithdrawn) {
  AddOne(1);
  const QueueItem second = AddOne(2);
  ASSERT_TRUE(Add(MakeBatch("other", 3, {"jane@example.orga", "ane@example.org", "jane@example.net"})).ok());
  ASSERT_TRUE(Defer(second, second.due_ms + 1000).ok());
  const QueueItem moved = Items().back();
  ASSERT_TRUE(Suppress({jane_[0], jane_[0]}).ok());
  EXPECT_EQ(store_->queued(), 3);
  EXPECT_EQ(CountEntries(), 3);
  const auto reports = Outbox();
  ASSERT_THAT(reports, SizeIs(3));
  for (int i : {1, 2}) {
    EXPECT_EQ(reports[i].outcome(), v1::SUPPRESSED);
    EXPECT_EQ(reports[i].recipient_id(), RecipientId({static_cast<uint32_t>(i), 0}).packed());
    EXPECT_EQ(reports[i].attempts(), i - 1);
    EXPECT_EQ(reports[i].time().seconds(), absl::ToUnixSeconds(now_));
  }
  EXPECT_EQ(store_->suppression_cursor(), 3);
  EXPECT_TRUE(Suppress(jane_).ok());
  EXPECT_THAT(Outbox(), SizeIs(3)) << "a repeat changes nothing";

  EXPECT_TRUE(absl::IsNotFound(Mark(moved))) << "somebody had read it before: must not send it";
  EXPECT_TRUE(Finish(moved).ok());
  EXPECT_TRUE(Defer(moved, 1).ok());
  EXPECT_THAT(Outbox(), SizeIs(3));
  EXPECT_EQ(store_->queued(), 3);
}

TEST_F(SuppressionsTest, OtherTenantsAndRemovalsWithdrawNothing) {
  AddOne();
  ASSERT_TRUE(Suppress({MakeSuppression(4, "jane@example.org", "tenants/other")}).ok());
  cluster::v1::SuppressionChange removal = MakeSuppression(5, "jane@example.org");
  removal.set_removed(true);
  ASSERT_TRUE(Suppress({removal}).ok());
  ASSERT_TRUE(Suppress({MakeSuppression(6, "")}).ok());
  EXPECT_EQ(store_->queued(), 1);
  EXPECT_THAT(Outbox(), IsEmpty());
  EXPECT_EQ(store_->suppression_cursor(), 6);
}

TEST_F(SuppressionsTest, TheCursorNeverGoesBack) {
  ASSERT_TRUE(Suppress({MakeSuppression(9, "x@example.org")}).ok());
  ASSERT_TRUE(Suppress({MakeSuppression(4, "y@example.org")}).ok());
  EXPECT_EQ(store_->suppression_cursor(), 9);
}

TEST_F(SuppressionsTest, InFlightThenDeliveredIsDelivered) {
  const QueueItem item = AddOne();
  ASSERT_TRUE(Mark(item).ok());
  ASSERT_TRUE(Suppress(jane_).ok());
  EXPECT_EQ(store_->queued(), 1);
  ASSERT_TRUE(Finish(item).ok());
  ASSERT_THAT(Outbox(), SizeIs(1));
  EXPECT_EQ(Outbox()[0].outcome(), v1::DELIVERED);
  Open();
  EXPECT_THAT(Outbox(), SizeIs(1)) << "the mark went with the outcome";
  EXPECT_EQ(store_->queued(), 0);
}

TEST_F(SuppressionsTest, InFlightThenDeferredIsSuppressed) {
  const QueueItem item = AddOne();
  ASSERT_TRUE(Mark(item).ok());
  ASSERT_TRUE(Suppress(jane_).ok());
  ASSERT_TRUE(Defer(item, item.due_ms + 1000).ok());
  EXPECT_EQ(store_->queued(), 0);
  EXPECT_EQ(CountEntries(), 0);
  ASSERT_THAT(Outbox(), SizeIs(1));
  EXPECT_EQ(Outbox()[0].outcome(), v1::SUPPRESSED);
  EXPECT_EQ(Outbox()[0].status().code(), 451) << "what the other side said is kept";
  EXPECT_FALSE(Outbox()[0].has_next_attempt_time());
}

TEST_F(SuppressionsTest, OnItsWayButBeforeTheDotIsStopped) {
  const QueueItem item = AddOne();  // a connection has read it
  ASSERT_TRUE(Suppress(jane_).ok());
  EXPECT_TRUE(absl::IsNotFound(Mark(item)));
  EXPECT_EQ(store_->queued(), 0);
  ASSERT_THAT(Outbox(), SizeIs(1));
  EXPECT_EQ(Outbox()[0].outcome(), v1::SUPPRESSED);
}

TEST_F(SuppressionsTest, InFlightThenCrashIsSuppressedAndMaybeDelivered) {
  const QueueItem item = AddOne();
  ASSERT_TRUE(Mark(item).ok());
  ASSERT_TRUE(Suppress(jane_).ok());
  Open();
  EXPECT_EQ(store_->queued(), 0);
  EXPECT_EQ(CountEntries(), 0);
  ASSERT_THAT(Outbox(), SizeIs(1));
  EXPECT_EQ(Outbox()[0].outcome(), v1::SUPPRESSED);
  EXPECT_EQ(Outbox()[0].attempts(), 1);
  EXPECT_TRUE(Outbox()[0].status().maybe_delivered());
  Open();
  EXPECT_THAT(Outbox(), SizeIs(1));
}

TEST_F(SuppressionsTest, ALaterWaveToTheSameAddressIsJudgedAnew) {
  const QueueItem item = AddOne(1);
  ASSERT_TRUE(Mark(item).ok());
  ASSERT_TRUE(Suppress(jane_).ok());
  ASSERT_TRUE(Finish(item).ok());
  const QueueItem later = AddOne(2);  // taken off the list meanwhile, says the coordinator
  ASSERT_TRUE(Mark(later).ok());
  ASSERT_TRUE(Defer(later, later.due_ms + 1).ok());
  EXPECT_EQ(store_->queued(), 1);
}

}  // namespace
}  // namespace wavepost
