#include "sender/queue/queue_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "absl/strings/str_cat.h"
#include "sender/queue/testing/queue_fixture.h"

namespace wavepost {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class QueueStoreTest : public QueueFixture {
 protected:
  QueueStoreTest() { Open(); }
};

TEST_F(QueueStoreTest, ABatchIsQueuedInItsLanesDueNow) {
  std::vector<LaneDue> lanes;
  std::promise<absl::Status> done;
  store_->AddBatch(
      MakeBatch("b1", 1, {"a@example.org", "b@example.net", "C@example.org"}), now_,
      [&](std::vector<LaneDue> added) { lanes = std::move(added); },
      [&](absl::Status status) { done.set_value(status); });
  ASSERT_TRUE(done.get_future().get().ok());
  ASSERT_THAT(lanes, SizeIs(2));
  EXPECT_EQ(lanes[0].lane, kLane);
  EXPECT_EQ(lanes[0].due_ms, absl::ToUnixMillis(now_));
  EXPECT_EQ(lanes[1].lane.domain, "example.net");
  const std::vector<QueueItem> items = Items();
  ASSERT_THAT(items, SizeIs(2));
  EXPECT_EQ(items[0].id, (RecipientId{1, 0}));
  EXPECT_EQ(items[1].entry.address(), "C@example.org");
  EXPECT_EQ(items[1].entry.values(0), "Jane");
  EXPECT_EQ(items[1].entry.content_id(), kContentId);
  EXPECT_EQ(items[1].entry.accept_ms(), absl::ToUnixMillis(now_));
  EXPECT_EQ(store_->queued(), 3);
}

TEST_F(QueueStoreTest, ARepeatedBatchChangesNothing) {
  ASSERT_TRUE(Add(MakeBatch("b1", 1, {"a@example.org", "b@example.org"})).ok());
  ASSERT_TRUE(Finish(Items()[0]).ok());
  EXPECT_TRUE(Add(MakeBatch("b1", 1, {"a@example.org", "b@example.org"})).ok());
  EXPECT_EQ(store_->queued(), 1);
  Open();
  EXPECT_TRUE(Add(MakeBatch("b1", 1, {"a@example.org", "b@example.org"})).ok());
  EXPECT_EQ(store_->queued(), 1);
}

TEST_F(QueueStoreTest, ABatchIdIsForgottenOnlyWhenToldSo) {
  for (const char* id : {"b1", "b2", "b3"}) ASSERT_TRUE(Add(MakeBatch(id, id[1], {"a@example.org"})).ok());
  for (const QueueItem& item : Items()) ASSERT_TRUE(Finish(item).ok());
  store_->ForgetBatchesExcept({"b2", "b3", "unknown"});
  store_->ForgetBatches({"b3"});
  ASSERT_TRUE(Add(MakeBatch("b2", '2', {"a@example.org"})).ok());
  EXPECT_EQ(store_->queued(), 0) << "b2 is remembered";
  ASSERT_TRUE(Add(MakeBatch("b1", '1', {"a@example.org"})).ok());
  ASSERT_TRUE(Add(MakeBatch("b3", '3', {"a@example.org"})).ok());
  EXPECT_EQ(store_->queued(), 2);
}

TEST_F(QueueStoreTest, ARecipientThatIsQueuedIsSkipped) {
  ASSERT_TRUE(Add(MakeBatch("b1", 1, {"a@example.org"})).ok());
  now_ += absl::Seconds(1);
  ASSERT_TRUE(Add(MakeBatch("b2", 1, {"a@example.org", "b@example.org"})).ok());
  cluster::v1::Batch twice = MakeBatch("b3", 2, {"c@example.org", "c@example.org"});
  twice.mutable_recipients(1)->set_recipient_id(twice.recipients(0).recipient_id());
  ASSERT_TRUE(Add(twice).ok());
  EXPECT_EQ(store_->queued(), 3);
  EXPECT_EQ(CountEntries(), 3);
}

TEST_F(QueueStoreTest, RefusesWhatDoesNotFitAsAWhole) {
  options_.queue_max = 3;
  Open();
  ASSERT_TRUE(Add(MakeBatch("b1", 1, {"a@example.org", "b@example.org"})).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(Add(MakeBatch("b2", 2, {"a@example.org", "b@example.org"}))));
  EXPECT_EQ(CountEntries(), 2);
  ASSERT_TRUE(Finish(Items()[0]).ok());
  EXPECT_TRUE(Add(MakeBatch("b2", 2, {"a@example.org", "b@example.org"})).ok()) << "was not remembered as taken";
  EXPECT_EQ(CountEntries(), 3);
}

struct BadBatch {
  const char* name;
  std::function<void(cluster::v1::Batch*)> spoil;
};

class BadBatchTest : public QueueFixture, public testing::WithParamInterface<BadBatch> {};

TEST_P(BadBatchTest, IsRefusedAsAWhole) {
  Open();
  cluster::v1::Batch batch = MakeBatch("b1", 1, {"a@example.org", "b@example.org"});
  GetParam().spoil(&batch);
  EXPECT_TRUE(absl::IsInvalidArgument(Add(batch)));
  EXPECT_EQ(store_->queued(), 0);
  EXPECT_EQ(CountEntries(), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Batches, BadBatchTest,
    testing::Values(
        BadBatch{"NoId", [](auto* b) { b->clear_batch_id(); }},
        BadBatch{"LongId", [](auto* b) { b->set_batch_id(std::string(65, 'x')); }},
        BadBatch{"NoDomain", [](auto* b) { b->mutable_recipients(1)->set_address("b@"); }},
        BadBatch{"NoAt", [](auto* b) { b->mutable_recipients(1)->set_address("b"); }},
        BadBatch{"NulInAddress",
                 [](auto* b) { b->mutable_recipients(1)->set_address(std::string("b@ex\0ample.org", 14)); }},
        BadBatch{"LongAddress",
                 [](auto* b) { b->mutable_recipients(1)->set_address(std::string(5000, 'x') + "@x.org"); }},
        BadBatch{"NulInIp", [](auto* b) { b->mutable_recipients(1)->set_egress_ip(std::string("1\0002", 3)); }},
        BadBatch{"NoIp", [](auto* b) { b->mutable_recipients(1)->clear_egress_ip(); }}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_F(QueueStoreTest, AnEmptyBatchIsRemembered) {
  ASSERT_TRUE(Add(MakeBatch("b1", 1, {})).ok());
  ASSERT_TRUE(Add(MakeBatch("b1", 1, {"a@example.org"})).ok());
  EXPECT_EQ(store_->queued(), 0);
}

TEST_F(QueueStoreTest, FinishTakesTheEntryAndReports) {
  ASSERT_TRUE(Add(MakeBatch("b1", 1, {"a@example.org", "b@example.org"})).ok());
  const QueueItem item = Items()[0];
  ASSERT_TRUE(Mark(item).ok());
  ASSERT_TRUE(Finish(item).ok());
  EXPECT_EQ(store_->queued(), 1);
  const std::vector<cluster::v1::Report> reports = Outbox();
  ASSERT_THAT(reports, SizeIs(1));
  EXPECT_EQ(reports[0].sequence(), 1);
  EXPECT_EQ(reports[0].recipient_id(), item.id.packed());
  EXPECT_EQ(reports[0].outcome(), v1::DELIVERED);
  EXPECT_EQ(reports[0].status().code(), 250);

  EXPECT_TRUE(Finish(item).ok()) << "again: changes nothing";
  EXPECT_TRUE(Defer(item, 5).ok()) << "too late: changes nothing";
  EXPECT_TRUE(absl::IsNotFound(Mark(item)));
  EXPECT_EQ(store_->queued(), 1);
  EXPECT_THAT(Outbox(), SizeIs(1));
  EXPECT_EQ(CountEntries(), 1);
  Open();
  EXPECT_THAT(Outbox(), SizeIs(1)) << "the mark went with the entry";
}

TEST_F(QueueStoreTest, DeferMovesTheEntry) {
  ASSERT_TRUE(Add(MakeBatch("b1", 1, {"a@example.org", "b@example.org"})).ok());
  const QueueItem item = Items()[0];
  const int64_t due_ms = item.due_ms + 300'000;
  ASSERT_TRUE(Mark(item).ok());
  ASSERT_TRUE(Defer(item, due_ms).ok());
  EXPECT_EQ(store_->queued(), 2);
  std::vector<QueueItem> items = Items();
  ASSERT_THAT(items, SizeIs(2));
  EXPECT_EQ(items[1].id, item.id);
  EXPECT_EQ(items[1].due_ms, due_ms);
  EXPECT_EQ(items[1].entry.attempts(), 1);
  EXPECT_TRUE(Defer(item, due_ms + 1).ok()) << "is not there any more: changes nothing";
  EXPECT_THAT(Outbox(), SizeIs(1));
  EXPECT_EQ(Outbox()[0].outcome(), v1::OUTCOME_UNSPECIFIED);
  Open();
  items = Items();
  ASSERT_THAT(items, SizeIs(2));
  EXPECT_EQ(items[1].due_ms, due_ms) << "a restart is no stampede";
  EXPECT_EQ(items[1].entry.attempts(), 1) << "the mark went with the deferral";
  ASSERT_TRUE(Finish(items[1]).ok());
  EXPECT_EQ(store_->queued(), 1);
}

TEST_F(QueueStoreTest, DeferToTheSameTimeKeepsTheEntry) {
  ASSERT_TRUE(Add(MakeBatch("b1", 1, {"a@example.org"})).ok());
  ASSERT_TRUE(Mark(Items()[0]).ok());
  ASSERT_TRUE(Defer(Items()[0], Items()[0].due_ms).ok());
  EXPECT_THAT(Items(), SizeIs(1));
  EXPECT_EQ(store_->queued(), 1);
  Open();
  EXPECT_EQ(Items()[0].entry.attempts(), 1) << "the mark went with the deferral";
}

TEST_F(QueueStoreTest, LanesComeInOrderWithTheirFirstDueTime) {
  ASSERT_TRUE(Add(MakeBatch("b1", 1, {"a@b.org", "a@a.org", "b@a.org"}, "127.0.0.2")).ok());
  ASSERT_TRUE(Add(MakeBatch("b2", 2, {"a@b.org"}, "127.0.0.10")).ok());
  const LaneKey lane = {.egress_ip = "127.0.0.2", .domain = "a.org"};
  const int64_t now_ms = absl::ToUnixMillis(now_);
  ASSERT_TRUE(Defer(Items(lane)[0], now_ms + 10).ok());
  ASSERT_TRUE(Defer(Items(lane)[0], now_ms + 7).ok());
  std::vector<std::string> lanes;
  const auto read = store_->ReadLanes(nullptr, 100);
  ASSERT_TRUE(read.ok());
  for (const LaneDue& l : *read) {
    lanes.push_back(absl::StrCat(l.lane.egress_ip, " ", l.lane.domain, " ", l.lane.wave, l.lane.retry ? "r " : "f ",
                                 l.due_ms - now_ms));
  }
  EXPECT_THAT(lanes, ElementsAre("127.0.0.10 b.org 2f 0", "127.0.0.2 a.org 1r 7", "127.0.0.2 b.org 1f 0"));
}

TEST_F(QueueStoreTest, ALaneIsReadInPagesByDueTime) {
  std::vector<std::string> addresses;
  for (int i = 0; i < 10; ++i) addresses.push_back(absl::StrCat("u", i, "@example.org"));
  ASSERT_TRUE(Add(MakeBatch("b1", 1, addresses)).ok());
  ASSERT_TRUE(Add(MakeBatch("b2", 2, {"x@example.orga", "y@example.or"})).ok());
  const int64_t now_ms = absl::ToUnixMillis(now_);
  ASSERT_TRUE(Defer(Items()[9], now_ms + 100).ok());

  auto page = store_->ReadLane(kLane, nullptr, now_ms, 4).value();
  ASSERT_THAT(page.items, SizeIs(4));
  EXPECT_EQ(page.next_due_ms, now_ms);
  const QueueItem last = page.items[3];
  ASSERT_TRUE(Finish(last).ok());  // `after` need not be there any more
  page = store_->ReadLane(kLane, &last, now_ms, 100).value();
  ASSERT_THAT(page.items, SizeIs(5));
  EXPECT_EQ(page.items[0].id.index, 4u);
  EXPECT_EQ(page.next_due_ms, std::nullopt) << "the deferred one waits elsewhere";
  LaneKey retries = kLane;
  retries.retry = true;
  page = store_->ReadLane(retries, nullptr, now_ms, 100).value();
  EXPECT_THAT(page.items, IsEmpty());
  EXPECT_EQ(page.next_due_ms, now_ms + 100) << "not due yet";
  page = store_->ReadLane(retries, nullptr, now_ms + 100, 100).value();
  ASSERT_THAT(page.items, SizeIs(1));
  EXPECT_EQ(page.next_due_ms, std::nullopt);
  LaneKey other = kLane;
  other.domain = "example.o";
  EXPECT_THAT(store_->ReadLane(other, nullptr, now_ms, 9).value().items, IsEmpty());
  page = store_->ReadLane(kLane, nullptr, now_ms, 0).value();
  EXPECT_EQ(page.next_due_ms, now_ms);
}

TEST_F(QueueStoreTest, OutboxSequencesRiseForEver) {
  ASSERT_TRUE(Add(MakeBatch("b1", 1, {"a@example.org", "b@example.org", "c@example.org", "d@example.org"})).ok());
  ASSERT_TRUE(Finish(Items()[0]).ok());
  ASSERT_TRUE(Finish(Items()[0]).ok());
  store_->ForgetReports(2);
  Open();
  EXPECT_THAT(Outbox(), IsEmpty());
  ASSERT_TRUE(Finish(Items()[0]).ok());
  ASSERT_THAT(Outbox(), SizeIs(1));
  EXPECT_EQ(Outbox()[0].sequence(), 3);
  store_->ForgetReports(2);  // old news
  store_->ForgetReports(INT64_MAX);
  ASSERT_TRUE(Finish(Items()[0]).ok());
  ASSERT_THAT(Outbox(), SizeIs(1));
  EXPECT_EQ(Outbox()[0].sequence(), 4) << "not forgotten before it was there";
}

TEST_F(QueueStoreTest, TheOutboxIsReadInPagesAndTellsOfNews) {
  std::atomic<int> calls = 0;
  store_->OnReports([&] { ++calls; });
  ASSERT_TRUE(Add(MakeBatch("b1", 1, {"a@example.org", "b@example.org", "c@example.org"})).ok());
  EXPECT_EQ(calls, 0);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Finish(Items()[0]).ok());
  EXPECT_EQ(calls, 3);
  auto reports = store_->ReadOutbox(1, 1).value();
  ASSERT_THAT(reports, SizeIs(1));
  EXPECT_EQ(reports[0].sequence(), 2);
  EXPECT_THAT(store_->ReadOutbox(3, 10).value(), IsEmpty());
}

TEST_F(QueueStoreTest, ContentsAndFactsOutliveARestart) {
  EXPECT_EQ(store_->lease_end(), absl::InfinitePast());
  ASSERT_TRUE(PutTenantContent().ok());
  ASSERT_TRUE(Suppress({MakeSuppression(7, "x@example.org")}).ok());
  store_->PutLeaseEnd(now_);
  Open();
  EXPECT_EQ(store_->GetContent(kContentId)->tenant(), kTenant);
  EXPECT_TRUE(absl::IsNotFound(store_->GetContent("x").status()));
  EXPECT_EQ(store_->suppression_cursor(), 7);
  EXPECT_EQ(store_->lease_end(), now_);
}

TEST_F(QueueStoreTest, AFolderInUseIsRefused) {
  const auto second = QueueStore::Open(options_, now_, absl::Minutes(1));
  EXPECT_TRUE(absl::IsFailedPrecondition(second.status()));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("in use"));
}

TEST_F(QueueStoreTest, CallsAfterStopAreRefusedNotLost) {
  ASSERT_TRUE(Add(MakeBatch("b1", 1, {"a@example.org"})).ok());
  const QueueItem item = Items()[0];
  store_->Stop();
  EXPECT_TRUE(absl::IsCancelled(Finish(item)));
}

}  // namespace
}  // namespace wavepost
