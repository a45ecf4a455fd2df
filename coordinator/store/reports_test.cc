// What senders and bouncers tell, in the books.
#include <gmock/gmock.h>

#include "coordinator/store/store_test_util.h"

namespace wavepost {
namespace {

using ReportsTest = StoreTest;

TEST_F(ReportsTest, OutcomesCountersAndEventsChangeTogether) {
  Running(4);
  ASSERT_TRUE(Apply(store_.get(), {Deferral(1, 0), Outcome(2, 1, v1::DELIVERED), Outcome(3, 2, v1::EXPIRED),
                                   Outcome(4, 0, v1::DELIVERED)})
                  .ok());
  EXPECT_EQ(Counts().delivered(), 2);
  EXPECT_EQ(Counts().expired(), 1);
  EXPECT_EQ(Counts().deferrals(), 1);
  EXPECT_EQ(Counts().open(), 1);
  EXPECT_EQ(Counts().assigned(), 1);
  EXPECT_EQ(At(0).outcome(), v1::DELIVERED);
  EXPECT_FALSE(At(0).has_next_attempt_time());
  EXPECT_EQ(At(0).status().code(), 250);
  ASSERT_EQ(EventsOf(v1::Event::DEFERRED).size(), 1u);
  EXPECT_EQ(EventsOf(v1::Event::DEFERRED)[0].recipient(), std::string(kWave) + "/recipients/w1-0");
  EXPECT_EQ(EventsOf(v1::Event::DEFERRED)[0].next_attempt_time().seconds(), 300);
  EXPECT_EQ(EventsOf(v1::Event::OUTCOME_RECORDED).size(), 3u);
  EXPECT_EQ(EventsOf(v1::Event::OUTCOME_RECORDED)[0].address(), "user1@example.com");
  ExpectBalanced();
}

TEST_F(ReportsTest, RepeatedSequencesAreSkippedPerNode) {
  Running(4);
  ASSERT_TRUE(Apply(store_.get(), {Outcome(1, 0, v1::DELIVERED), Deferral(2, 1)}).ok());
  Open();
  ASSERT_TRUE(Apply(store_.get(), {Outcome(1, 0, v1::DELIVERED), Deferral(2, 1), Deferral(3, 1)}).ok());
  EXPECT_EQ(Counts().deferrals(), 2);
  ASSERT_TRUE(Apply(store_.get(), {Outcome(1, 2, v1::DELIVERED)}, "sender-1").ok());
  EXPECT_EQ(Counts().delivered(), 2);
  EXPECT_EQ(store_->ListNodes()->at(0).report_sequence(), 3);
  EXPECT_EQ(store_->ListNodes()->at(1).report_sequence(), 1);
  EXPECT_EQ(EventsOf(v1::Event::DEFERRED).size(), 2u);
}

TEST_F(ReportsTest, AWaveCompletesWithItsLastOutcome) {
  Running(2);
  ASSERT_TRUE(Apply(store_.get(), {Outcome(1, 0, v1::DELIVERED)}).ok());
  EXPECT_EQ(store_->GetWave(kWave)->wave().state(), v1::Wave::RUNNING);
  clock_.Advance(absl::Hours(1));
  ASSERT_TRUE(Apply(store_.get(), {Outcome(2, 1, v1::BOUNCED)}).ok());
  const auto wave = store_->GetWave(kWave);
  EXPECT_EQ(wave->wave().state(), v1::Wave::COMPLETED);
  EXPECT_EQ(wave->wave().complete_time().seconds(), 1003600);
  EXPECT_EQ(EventsOf(v1::Event::WAVE_COMPLETED).size(), 1u);
  // Later reports still move recipients.
  ASSERT_TRUE(ApplyBounces(store_.get(), {Returned(1, 0, v1::SOFT)}).ok());
  EXPECT_EQ(Counts().bounced(), 2);
  EXPECT_EQ(EventsOf(v1::Event::WAVE_COMPLETED).size(), 1u);
  ExpectBalanced();
}

TEST_F(ReportsTest, ReportsAboutNobodyAreCountedAndSkipped) {
  Running(2);
  cluster::v1::Report stranger = Outcome(2, 0, v1::DELIVERED);
  stranger.set_recipient_id(RecipientId{77, 1}.packed());
  ASSERT_TRUE(Apply(store_.get(), {Outcome(1, 99, v1::DELIVERED), stranger, Outcome(3, 1, v1::DELIVERED)}).ok());
  EXPECT_EQ(store_->UnknownRecipientReports(), 2);
  EXPECT_EQ(Counts().delivered(), 1);
  EXPECT_EQ(store_->ListNodes()->at(0).report_sequence(), 3);
  ExpectBalanced();
}

TEST_F(ReportsTest, AHardBounceSuppresses) {
  Running(3);
  ASSERT_TRUE(Apply(store_.get(), {HardBounce(1, 1)}).ok());
  const auto entry = store_->GetSuppression(kTenant, "User1@example.com");
  ASSERT_TRUE(entry.ok()) << entry.status();
  EXPECT_EQ(entry->cause(), v1::Suppression::HARD_BOUNCE);
  EXPECT_EQ(entry->evidence(), "no such user");
  EXPECT_EQ(entry->recipient(), std::string(kWave) + "/recipients/w1-1");
  const auto changes = store_->SuppressionChanges(0, 10);
  ASSERT_EQ(changes->size(), 1u);
  EXPECT_EQ((*changes)[0].address(), "user1@example.com");
  EXPECT_EQ((*changes)[0].tenant(), kTenant);
  ASSERT_EQ(EventsOf(v1::Event::SUPPRESSION_ADDED).size(), 1u);
  EXPECT_EQ(EventsOf(v1::Event::SUPPRESSION_ADDED)[0].tenant(), kTenant);
  EXPECT_EQ(EventsOf(v1::Event::SUPPRESSION_ADDED)[0].recipient(), std::string(kWave) + "/recipients/w1-1");
}

TEST_F(ReportsTest, TwoReportsAboutOneAddressSuppressItOnce) {
  Running(3);
  ASSERT_TRUE(Apply(store_.get(), {Outcome(1, 0, v1::DELIVERED)}).ok());
  ASSERT_TRUE(ApplyBounces(store_.get(), {Returned(1, 0, v1::HARD), Returned(2, 0, v1::COMPLAINT)}).ok());
  EXPECT_EQ(store_->SuppressionChanges(0, 10)->size(), 1u);
  EXPECT_EQ(At(0).outcome(), v1::BOUNCED);
  EXPECT_EQ(At(0).status().text(), "it came back");
  ASSERT_EQ(EventsOf(v1::Event::REPORT_RECEIVED).size(), 2u);
  EXPECT_EQ(EventsOf(v1::Event::REPORT_RECEIVED)[0].outcome(), v1::BOUNCED);
  EXPECT_EQ(EventsOf(v1::Event::REPORT_RECEIVED)[1].outcome(), v1::OUTCOME_UNSPECIFIED);
  ASSERT_TRUE(ApplyBounces(store_.get(), {Returned(2, 1, v1::HARD)}).ok());  // sequence seen
  EXPECT_EQ(EventsOf(v1::Event::REPORT_RECEIVED).size(), 2u);
  EXPECT_EQ(store_->GetBouncer("bouncer-0")->report_sequence(), 2);
  ExpectBalanced();
}

TEST_F(ReportsTest, AReportThatOvertakesTheOutcomeIsNotLost) {
  Running(2);
  ASSERT_TRUE(ApplyBounces(store_.get(), {Returned(1, 0, v1::HARD)}).ok());
  EXPECT_EQ(At(0).outcome(), v1::OUTCOME_UNSPECIFIED);
  EXPECT_TRUE(store_->GetSuppression(kTenant, "user0@example.com").ok());
  Open();
  ASSERT_TRUE(Apply(store_.get(), {Outcome(1, 0, v1::DELIVERED)}).ok());
  EXPECT_EQ(At(0).outcome(), v1::BOUNCED);
  EXPECT_EQ(At(0).status().text(), "it came back");
  EXPECT_EQ(Counts().bounced(), 1);
  EXPECT_EQ(Counts().delivered(), 0);
  ExpectBalanced();
}

}  // namespace
}  // namespace wavepost
