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
