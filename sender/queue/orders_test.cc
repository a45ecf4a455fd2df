// Orders and what was learned, across restarts.
#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "sender/queue/testing/queue_fixture.h"

namespace wavepost {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class QueueOrdersTest : public QueueFixture {
 protected:
  QueueOrdersTest() { Open(); }

  static cluster::v1::Order PauseOrder(int64_t sequence, const std::string& name) {
    cluster::v1::Order order;
    order.set_sequence(sequence);
    order.mutable_pause()->set_name(name);
    return order;
  }
  static cluster::v1::Order Drop(int64_t sequence) {
    cluster::v1::Order order;
    order.set_sequence(sequence);
    order.mutable_queue()->set_kind(v1::QueueOrder::DROP);
    return order;
  }
  absl::Status Apply(std::vector<cluster::v1::Order> orders) {
    return Await([&](QueueStore::Done done) { store_->ApplyOrders(std::move(orders), std::move(done)); });
  }
  using Work = absl::StatusOr<QueueStore::LaneWork>;
  Work Do(const std::function<void(QueueStore::LaneWorkDone)>& call) {
    std::promise<Work> promise;
    call([&promise](Work work) { promise.set_value(std::move(work)); });
    return promise.get_future().get();
  }
};

TEST_F(QueueOrdersTest, PausesOutliveARestartUntilTheyAreResumed) {
  ASSERT_TRUE(Apply({PauseOrder(1, "pauses/1"), PauseOrder(2, "pauses/2")}).ok());
  CutPowerAndReopen();
  ASSERT_THAT(*store_->ReadPauses(), SizeIs(2));
  EXPECT_EQ(store_->order_cursor(), 2);
  cluster::v1::Order resume;
  resume.set_sequence(3);
  resume.set_resume("pauses/1");
  ASSERT_TRUE(Apply({resume}).ok());
  CutPowerAndReopen();
  ASSERT_THAT(*store_->ReadPauses(), SizeIs(1));
  EXPECT_EQ((*store_->ReadPauses())[0].name(), "pauses/2");
}

TEST_F(QueueOrdersTest, AFlushOrDropIsOpenUntilItIsDoneAndARepeatDoesNotStartItAgain) {
  ASSERT_TRUE(Apply({Drop(7)}).ok());
  CutPowerAndReopen();
  ASSERT_THAT(*store_->ReadOpenOrders(), SizeIs(1));
  EXPECT_EQ((*store_->ReadOpenOrders())[0].sequence, 7);
  store_->OrderDone(7);
  ASSERT_TRUE(Apply({Drop(7)}).ok());
  EXPECT_THAT(*store_->ReadOpenOrders(), IsEmpty());
}

TEST_F(QueueOrdersTest, AFlushMakesEverythingOfTheLaneDueInPages) {
  ASSERT_TRUE(Add(MakeBatch("b1", 1, {"a@example.org", "b@example.org", "c@example.org"})).ok());
  const int64_t now_ms = absl::ToUnixMillis(now_);
  for (const QueueItem& item : Items()) ASSERT_TRUE(Defer(item, now_ms + 3'600'000).ok());
  LaneKey retries = kLane;
  retries.retry = true;
  Work work = Do([&](auto done) { store_->FlushLane(retries, now_, 2, done); });
  ASSERT_TRUE(work.ok());
  EXPECT_EQ(work->changed, 2);
  EXPECT_TRUE(work->more);
  work = Do([&](auto done) { store_->FlushLane(retries, now_, 2, done); });
  EXPECT_EQ(work->changed, 1);
  EXPECT_FALSE(work->more);
  CutPowerAndReopen();
  ASSERT_THAT(Items(), SizeIs(3));
  for (const QueueItem& item : Items()) {
    EXPECT_EQ(item.due_ms, now_ms);
    EXPECT_TRUE(Finish(item).ok());
  }
  EXPECT_EQ(store_->queued(), 0) << "the address index moved with the entries";
}

TEST_F(QueueOrdersTest, ADropEndsWhatWaitsButNotWhatIsPastTheDot) {
  ASSERT_TRUE(Add(MakeBatch("b1", 1, {"a@example.org", "b@example.org", "c@example.org"})).ok());
  const QueueItem in_flight = Items()[1];
  ASSERT_TRUE(Mark(in_flight).ok());
  Work work = Do([&](auto done) { store_->DropLane(kLane, now_, 1, done); });
  ASSERT_TRUE(work.ok());
  EXPECT_EQ(work->changed, 1);
  EXPECT_TRUE(work->more);
  work = Do([&](auto done) { store_->DropLane(kLane, now_, 10, done); });
  EXPECT_EQ(work->changed, 1);
  EXPECT_EQ(store_->queued(), 1);
  ASSERT_THAT(Outbox(), SizeIs(2));
  EXPECT_EQ(Outbox()[0].outcome(), v1::CANCELLED);
  ASSERT_TRUE(Finish(in_flight).ok());
  ASSERT_THAT(Outbox(), SizeIs(3));
  EXPECT_EQ(Outbox()[2].outcome(), v1::DELIVERED);
}

TEST_F(QueueOrdersTest, ADroppedRecipientCannotBeMarkedAnyMore) {
  ASSERT_TRUE(Add(MakeBatch("b1", 1, {"a@example.org"})).ok());
  const QueueItem item = Items()[0];
  ASSERT_TRUE(Do([&](auto done) { store_->DropLane(kLane, now_, 10, done); }).ok());
  EXPECT_TRUE(absl::IsNotFound(Mark(item)));
}

TEST_F(QueueOrdersTest, AWaveIsKnownByItsFacts) {
  cluster::v1::Batch batch = MakeBatch("b1", 5, {"a@example.org"});
  batch.set_campaign("tenants/acme/campaigns/spring");
  batch.set_priority(v1::URGENT);
  ASSERT_TRUE(Add(batch).ok());
  CutPowerAndReopen();
  const auto facts = store_->GetWave(5);
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->tenant(), "tenants/acme");
  EXPECT_EQ(facts->campaign(), "tenants/acme/campaigns/spring");
  EXPECT_EQ(facts->priority(), v1::URGENT);
  EXPECT_TRUE(absl::IsNotFound(store_->GetWave(6).status()));
}

TEST_F(QueueOrdersTest, WhatWasLearnedIsForgottenAfterThirtyFiveDays) {
  cluster::v1::PathState path;
  path.set_change_ms(absl::ToUnixMillis(now_));
  path.mutable_shaper()->set_rate(2.5);
  store_->PutPathState("127.0.0.1", "google", path);
  cluster::v1::GreylistState greylist;
  greylist.set_passed_ms(absl::ToUnixMillis(now_));
  store_->PutGreylistState("127.0.0.1", "mx.example.org", greylist);
  Open();
  EXPECT_EQ(store_->GetPathState("127.0.0.1", "google")->shaper().rate(), 2.5);
  now_ += absl::Hours(24 * 34);
  Open();
  EXPECT_TRUE(store_->GetGreylistState("127.0.0.1", "mx.example.org").ok());
  EXPECT_TRUE(absl::IsNotFound(store_->GetPathState("127.0.0.2", "google").status()));
  now_ += absl::Hours(24 * 2);
  Open();
  EXPECT_TRUE(absl::IsNotFound(store_->GetPathState("127.0.0.1", "google").status()));
  EXPECT_TRUE(absl::IsNotFound(store_->GetGreylistState("127.0.0.1", "mx.example.org").status()));
}

TEST_F(QueueOrdersTest, WaitingRecipientsAreFoundByAddressAndByDomain) {
  ASSERT_TRUE(Add(MakeBatch("b1", 1, {"A@example.org", "b@example.org", "c@example.orga"})).ok());
  ASSERT_TRUE(Add(MakeBatch("b2", 2, {"a@example.org"}, "127.0.0.12")).ok());
  EXPECT_THAT(*store_->FindWaiting("a@example.org", 10), SizeIs(2));
  EXPECT_THAT(*store_->FindWaiting("@example.org", 10), SizeIs(3));
  EXPECT_THAT(*store_->FindWaiting("@example.org", 1), SizeIs(1));
  EXPECT_THAT(*store_->FindWaiting("nobody@example.org", 10), IsEmpty());
}

TEST_F(QueueOrdersTest, TheFolderKeepsItsId) {
  const std::string id = store_->data_id();
  EXPECT_EQ(id.size(), 16u);
  Open();
  EXPECT_EQ(store_->data_id(), id);
}

}  // namespace
}  // namespace wavepost
