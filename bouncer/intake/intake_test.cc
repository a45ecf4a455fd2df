#include "bouncer/intake/intake.h"

#include <gtest/gtest.h>

#include <future>
#include <mutex>
#include <utility>

#include "absl/status/status.h"

namespace wavepost {
namespace {

class RecordingStore final : public ReportStore {
 public:
  void Append(std::vector<cluster::v1::BounceReport> reports, Done done) override {
    if (before_aggregate && reports[0].source() == cluster::v1::BounceReport::AGGREGATE_MAIL) before_aggregate();
    {
      const std::lock_guard lock(mutex_);
      for (auto& report : reports) stored_.push_back(std::move(report));
    }
    done(status);
  }
  std::vector<cluster::v1::BounceReport> stored() {
    const std::lock_guard lock(mutex_);
    return stored_;
  }
  absl::Status status;
  std::function<void()> before_aggregate;

 private:
  std::mutex mutex_;
  std::vector<cluster::v1::BounceReport> stored_;
};

class IntakeTest : public ::testing::Test {
 protected:
  absl::Status Take(Envelope envelope) {
    std::promise<absl::Status> answer;
    intake_.Take({.head = "Subject: out of office\r\nAuto-Submitted: auto-replied\r\n\r\naway\r\n",
                  .envelope = std::move(envelope)},
                 "192.0.2.1", [&](absl::Status status) { answer.set_value(std::move(status)); });
    return answer.get_future().get();
  }

  const SystemClock clock_;
  const TokenKeys keys_ = TokenKeys::ForTest();
  RecordingStore store_;
  absl::Status keep_status_;
  std::vector<std::string> kept_;
  Intake intake_{&keys_, &store_,
                 [this](std::string mail, const std::string& /*client*/, const Intake::Done& done) {
                   kept_.push_back(std::move(mail));
                   done(keep_status_);
                 },
                 &clock_};
};

TEST_F(IntakeTest, StoresThenSaysYesAndCounts) {
  EXPECT_TRUE(Take({.recipients = {{1, 2}}}).ok());
  ASSERT_EQ(store_.stored().size(), 1u);
  EXPECT_EQ(intake_.counters().by_class[v1::AUTO_REPLY].load(), 1);
  EXPECT_EQ(intake_.counters().by_source[cluster::v1::BounceReport::RETURN_PATH].load(), 1);
  EXPECT_TRUE(kept_.empty());
}

TEST_F(IntakeTest, WhatTheDiskDoesNotTakeIsAnError) {
  store_.status = absl::UnavailableError("disk");
  EXPECT_EQ(Take({.recipients = {{1, 2}}}).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(intake_.counters().not_stored.load(), 1);
  EXPECT_EQ(intake_.counters().by_class[v1::AUTO_REPLY].load(), 0);
}

TEST_F(IntakeTest, MailForPeopleIsKeptAsItIs) {
  EXPECT_TRUE(Take({.keep = true}).ok());
  ASSERT_EQ(kept_.size(), 1u);
  EXPECT_NE(kept_[0].find("away"), std::string::npos);
  EXPECT_TRUE(store_.stored().empty());
  EXPECT_EQ(intake_.counters().kept.load(), 1);
}

TEST_F(IntakeTest, WhatCannotBeKeptIsAnErrorAndNothingIsStored) {
  keep_status_ = absl::ResourceExhaustedError("full");
  EXPECT_EQ(Take({.recipients = {{1, 2}}, .keep = true}).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(store_.stored().empty());
  EXPECT_EQ(intake_.counters().kept.load(), 0);
}

TEST_F(IntakeTest, AMailToSeveralDoorsIsStoredAsOne) {
  EXPECT_TRUE(Take({.recipients = {{1, 2}}, .aggregate = true, .keep = true}).ok());
  const auto stored = store_.stored();
  ASSERT_EQ(stored.size(), 2u);
  EXPECT_EQ(stored[0].source(), cluster::v1::BounceReport::AGGREGATE_MAIL);
  EXPECT_EQ(stored[1].source(), cluster::v1::BounceReport::RETURN_PATH);
  EXPECT_EQ(kept_.size(), 1u);
}

TEST_F(IntakeTest, AggregateReportsHoldUpNoBounce) {
  // The first one waits in the store for as long as we like, on the thread that read it.
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  std::promise<void> reached;
  bool first = true;
  store_.before_aggregate = [&] {
    if (!std::exchange(first, false)) return;
    reached.set_value();
    released.wait();
  };
  std::atomic<int> refused{0};
  std::atomic<int> stored{0};
  const auto take = [&] {
    intake_.Take({.head = "x", .envelope = {.aggregate = true}}, "192.0.2.1", [&](const absl::Status& status) {
      (absl::IsResourceExhausted(status) ? refused : stored).fetch_add(1);
    });
  };
  take();
  reached.get_future().wait();
  for (int i = 0; i < Intake::kAggregatesWaitingMax + 5; ++i) take();
  EXPECT_EQ(refused.load(), 5);
  EXPECT_TRUE(Take({.recipients = {{1, 2}}}).ok());
  release.set_value();
  intake_.Stop();
  EXPECT_EQ(stored.load(), Intake::kAggregatesWaitingMax + 1);
}

TEST_F(IntakeTest, IngestTellsWhatItStored) {
  std::promise<std::pair<absl::Status, size_t>> answer;
  intake_.Ingest("Subject: x\r\n\r\nx\r\n", "", [&](const absl::Status& status, const Intake::Records& records) {
    answer.set_value({status, records.size()});
  });
  const auto [status, count] = answer.get_future().get();
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(count, 1u);
  EXPECT_EQ(intake_.counters().unattributed.load(), 1);
}

TEST_F(IntakeTest, StopWorksOffWhatWasHandedIn) {
  int answered = 0;
  for (int i = 0; i < 100; ++i) {
    intake_.Take({.head = "x", .envelope = {.recipients = {{1, 2}}}}, "c", [&](const absl::Status&) { ++answered; });
  }
  intake_.Stop();
  EXPECT_EQ(answered, 100);
}

}  // namespace
}  // namespace wavepost
