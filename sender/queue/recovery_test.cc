// Crashes, power cuts and full disks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <map>
#include <random>
#include <set>

#include "absl/strings/str_cat.h"
#include "sender/queue/testing/queue_fixture.h"

namespace wavepost {
namespace {

using ::testing::SizeIs;

class RecoveryTest : public QueueFixture {
 protected:
  RecoveryTest() { Open(); }
};

TEST_F(RecoveryTest, WhatWasInFlightWaitsAsMaybeDelivered) {
  ASSERT_TRUE(Add(MakeBatch("b1", 1, {"a@example.org", "b@example.org"})).ok());
  const QueueItem item = Items()[0];
  ASSERT_TRUE(Mark(item).ok());
  now_ += absl::Minutes(1);
  CutPowerAndReopen();
  EXPECT_EQ(store_->queued(), 2);
  std::vector<QueueItem> items = Items();
  ASSERT_THAT(items, SizeIs(2));
  EXPECT_EQ(items[1].id, item.id);
  EXPECT_EQ(items[1].due_ms, absl::ToUnixMillis(now_ + absl::Minutes(15)));
  EXPECT_EQ(items[1].entry.attempts(), 1);
  EXPECT_EQ(items[1].entry.first_attempt_ms(), item.due_ms);
  EXPECT_TRUE(items[1].entry.maybe_delivered());
  EXPECT_EQ(items[1].entry.address(), "a@example.org");
  EXPECT_FALSE(items[0].entry.maybe_delivered());
  ASSERT_THAT(Outbox(), SizeIs(1));
  const cluster::v1::Report report = Outbox()[0];
  EXPECT_EQ(report.outcome(), v1::OUTCOME_UNSPECIFIED);
  EXPECT_EQ(report.sequence(), 1);
  EXPECT_TRUE(report.status().maybe_delivered());
  EXPECT_EQ(report.status().mx_host(), "mx.example.org");
  EXPECT_EQ(report.status().egress_ip(), kLane.egress_ip);
  EXPECT_EQ(report.next_attempt_time().seconds() * 1000, items[1].due_ms);

  const int64_t due_ms = items[1].due_ms;
  now_ += absl::Minutes(1);
  CutPowerAndReopen();
  EXPECT_EQ(Items()[1].entry.attempts(), 1) << "recovered once, not twice";
  EXPECT_EQ(Items()[1].due_ms, due_ms) << "what a recovery did is synced";
  EXPECT_THAT(Outbox(), SizeIs(1));
}

TEST_F(RecoveryTest, AFullDiskIsAnErrorAndNothingIsHalfDone) {
  ASSERT_TRUE(Add(MakeBatch("b1", 1, {"a@example.org", "b@example.org", "c@example.org"})).ok());
  ASSERT_TRUE(Finish(Items()[0]).ok());
  const std::vector<QueueItem> items = Items();
  disk_.SetFull(true);
  EXPECT_TRUE(absl::IsResourceExhausted(Add(MakeBatch("b2", 2, {"a@example.org"}))));
  EXPECT_FALSE(Finish(items[0]).ok());
  EXPECT_FALSE(Defer(items[1], items[1].due_ms + 5).ok());
  EXPECT_FALSE(Suppress({MakeSuppression(1, "c@example.org")}).ok());
  EXPECT_EQ(store_->queued(), 2);
  EXPECT_EQ(store_->suppression_cursor(), 0);
  EXPECT_EQ(CountEntries(), 2);
  EXPECT_THAT(Outbox(), SizeIs(1));
  disk_.SetFull(false);
  Open();
  EXPECT_EQ(store_->queued(), 2);
  EXPECT_EQ(CountEntries(), 2);
  ASSERT_TRUE(Add(MakeBatch("b2", 2, {"a@example.org"})).ok());
  ASSERT_TRUE(Finish(items[0]).ok());
  EXPECT_EQ(store_->queued(), 2);
  ASSERT_THAT(Outbox(), SizeIs(2));
  EXPECT_EQ(Outbox()[1].sequence(), 2);
}

// A random life of a node against a small model, ended by a power cut after a random number of disk operations. What
// the store had acknowledged, or shown to the coordinator, must be there afterwards.
class PowerCutTest : public QueueFixture, public testing::WithParamInterface<int> {
 protected:
  struct Known {            // of a recipient whose batch was acknowledged
    bool marked = false;    // a mark was acknowledged after the last deferral
    bool finished = false;  // its outcome was acknowledged
    int attempts = 0;       // acknowledged ones
  };

  // True if somebody was told that it is done. When the power is gone nobody is left to be told.
  bool Told(const absl::Status& status) const { return status.ok() && !disk_.power_is_cut(); }

  // One step. False: the power is gone.
  bool Step(std::mt19937_64* random) {
    const std::vector<LaneKey> lanes = {{.egress_ip = "127.0.0.11", .domain = "a.org"},
                                        {.egress_ip = "127.0.0.12", .domain = "b.org"}};
    const LaneKey lane = lanes[(*random)() % 2];
    std::vector<QueueItem> items = Items(lane);
    if (items.size() > 8) items.resize(8);
    const uint64_t dice = (*random)() % 10;
    if (items.empty() || dice == 0) {
      const uint32_t wave = ++waves_;
      const int count = static_cast<int>(1 + (*random)() % 40);
      std::vector<std::string> addresses;
      for (int i = 0; i < count; ++i) addresses.push_back(absl::StrCat("u", wave, "-", i, "@", lane.domain));
      wave_sizes_[wave] = count;
      if (!Told(Add(MakeBatch(absl::StrCat("batch", wave), wave, addresses, lane.egress_ip)))) return false;
      for (int i = 0; i < count; ++i) known_[RecipientId{wave, static_cast<uint32_t>(i)}.packed()] = {};
      return true;
    }
    const QueueItem& item = items[(*random)() % items.size()];
    Known& known = known_[item.id.packed()];
    if (dice <= 3) {
      if (!Told(Mark(item))) return false;
      known.marked = true;
    } else if (dice <= 6) {
      unsure_.insert(item.id.packed());
      if (!Told(Finish(item))) return false;
      unsure_.erase(item.id.packed());
      known.finished = true;
    } else if (dice <= 8) {
      unsure_.insert(item.id.packed());
      if (!Told(Defer(item, item.due_ms + static_cast<int64_t>((*random)() % 1000)))) return false;
      unsure_.erase(item.id.packed());
      known.marked = false;
      ++known.attempts;
    } else {
      const auto reports = store_->ReadOutbox(shown_, 50).value();
      for (const cluster::v1::Report& report : reports) {
        EXPECT_EQ(report.sequence(), ++shown_);
        shown_reports_[report.sequence()] = report.SerializeAsString();
      }
    }
    return !disk_.power_is_cut();
  }

  void CheckLaws() {
    std::map<uint64_t, QueueItem> queued;
    int64_t count = 0;
    std::map<uint32_t, int> of_wave;
    for (const LaneKey& lane : Lanes()) {
      const QueueStore::LanePage page = store_->ReadLane(lane, nullptr, INT64_MAX, 1'000'000).value();
      for (const QueueItem& item : page.items) {
        ++count;
        ++of_wave[item.id.wave];
        EXPECT_TRUE(queued.emplace(item.id.packed(), item).second) << item.id.ToString() << " is queued twice";
      }
    }
    EXPECT_EQ(store_->queued(), count);
    if (of_wave[waves_] > 0 && !known_.contains(RecipientId{waves_, 0}.packed())) {
      EXPECT_EQ(of_wave[waves_], wave_sizes_[waves_]) << "half a batch";
    }
    std::set<uint64_t> ended;
    std::map<int64_t, std::string> outbox;
    int64_t sequence = 0;
    for (const cluster::v1::Report& report : Outbox()) {
      EXPECT_EQ(report.sequence(), ++sequence) << "a gap in the outbox";
      outbox[report.sequence()] = report.SerializeAsString();
      if (report.outcome() == v1::OUTCOME_UNSPECIFIED) continue;
      EXPECT_TRUE(ended.insert(report.recipient_id()).second) << "two outcomes";
    }
    for (const auto& [number, bytes] : shown_reports_) EXPECT_EQ(outbox[number], bytes) << "report " << number;
    for (const auto& [id, known] : known_) {
      const std::string name = RecipientId::FromPacked(id).ToString();
      EXPECT_EQ(queued.contains(id) + ended.contains(id), 1) << name << " lost or doubled";
      EXPECT_LE(known.finished, ended.contains(id)) << name << ": its outcome is lost";
      const auto it = queued.find(id);
      if (it == queued.end() || unsure_.contains(id)) continue;
      EXPECT_LE(known.marked, it->second.entry.maybe_delivered()) << name << ": its mark is lost";
      EXPECT_GE(it->second.entry.attempts(), known.attempts) << name;
    }
  }

  uint32_t waves_ = 0;
  std::map<uint32_t, int> wave_sizes_;
  std::map<uint64_t, Known> known_;
  std::set<uint64_t> unsure_;  // the power went while their end or deferral was being written
  int64_t shown_ = 0;
  std::map<int64_t, std::string> shown_reports_;
};

TEST_P(PowerCutTest, KeepsWhatItAcknowledged) {
  std::mt19937_64 random(GetParam());
  options_.memory_bytes = 1 << 20;  // flushes and compactions happen too
  Open();
  disk_.CutPowerAt(static_cast<int64_t>(1 + random() % 600));
  while (Step(&random)) {
  }
  CutPowerAndReopen(GetParam());
  if (HasFatalFailure()) return;
  CheckLaws();
  // And it goes on: a new report gets a number that nobody has seen.
  const int64_t last = static_cast<int64_t>(Outbox().size());
  ASSERT_TRUE(Add(MakeBatch("new", 9999, {"n@example.org"})).ok());
  ASSERT_TRUE(Finish(Items()[0]).ok());
  EXPECT_EQ(Outbox().back().sequence(), last + 1);
}

INSTANTIATE_TEST_SUITE_P(Seeds, PowerCutTest, testing::Range(1, 41));

TEST_F(RecoveryTest, ANewFolderStartsItsReportsWhereItIsTold) {
  options_.data_dir += "_lost";
  options_.sequence_start = 1000;
  Open();
  ASSERT_TRUE(PutTenantContent().ok());
  ASSERT_TRUE(Add(MakeBatch("b1", 1, {"a@example.org", "b@example.org"})).ok());
  ASSERT_TRUE(Finish(Items()[0]).ok());
  options_.sequence_start = 5000;
  Open();
  ASSERT_TRUE(Finish(Items()[0]).ok());
  ASSERT_THAT(Outbox(), SizeIs(2));
  EXPECT_EQ(Outbox()[0].sequence(), 1001);
  EXPECT_EQ(Outbox()[1].sequence(), 1002) << "only a new folder asks";
}

TEST_F(RecoveryTest, ReportsAreShownOnlyOnceTheyAreSynced) {
  ASSERT_TRUE(PutTenantContent().ok());
  ASSERT_TRUE(Add(MakeBatch("b1", 1, {"a@example.org"})).ok());
  const std::vector<QueueItem> items = Items();
  disk_.FailAt(2);  // the log takes the change; its sync fails
  EXPECT_FALSE(Finish(items[0]).ok());
  EXPECT_THAT(Items(), testing::IsEmpty()) << "it was applied";
  EXPECT_THAT(Outbox(), testing::IsEmpty()) << "a report that a power cut can take back was shown";
}

}  // namespace
}  // namespace wavepost
