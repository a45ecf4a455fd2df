#include "coordinator/store/transition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wavepost {
namespace {

using ::testing::IsEmpty;
using v1::Recipient;

// One row: a recipient before, what arrives, what is there afterwards.
struct Case {
  std::string name;
  Recipient::State state;
  v1::Outcome outcome = v1::OUTCOME_UNSPECIFIED;  // before; for DONE
  bool withdrawn = false;
  v1::BounceClass early_report = v1::BOUNCE_CLASS_UNSPECIFIED;

  v1::Outcome report = v1::OUTCOME_UNSPECIFIED;  // a sender's, if bounce_report is not set
  v1::BounceClass report_class = v1::BOUNCE_CLASS_UNSPECIFIED;
  v1::Fault fault = v1::FAULT_UNSPECIFIED;
  bool bounce_report = false;

  v1::Outcome after = v1::OUTCOME_UNSPECIFIED;
  bool changed = true;
  v1::Event::Kind event = v1::Event::KIND_UNSPECIFIED;
  v1::Outcome event_outcome = v1::OUTCOME_UNSPECIFIED;
  v1::Suppression::Cause suppress = v1::Suppression::CAUSE_UNSPECIFIED;
};

constexpr auto kAccepted = Recipient::ACCEPTED;
constexpr auto kAssigned = Recipient::ASSIGNED;
constexpr auto kDone = Recipient::DONE;
constexpr auto kRecorded = v1::Event::OUTCOME_RECORDED;
constexpr auto kReceived = v1::Event::REPORT_RECEIVED;
constexpr auto kHard = v1::Suppression::HARD_BOUNCE;

std::vector<Case> Cases() {
  return {
      {.name = "Delivered",
       .state = kAssigned,
       .report = v1::DELIVERED,
       .after = v1::DELIVERED,
       .event = kRecorded,
       .event_outcome = v1::DELIVERED},
      {.name = "DeliveredBeforeItWasPlannedAfterARestoredBackup",
       .state = kAccepted,
       .report = v1::DELIVERED,
       .after = v1::DELIVERED,
       .event = kRecorded,
       .event_outcome = v1::DELIVERED},
      {.name = "Expired",
       .state = kAssigned,
       .report = v1::EXPIRED,
       .after = v1::EXPIRED,
       .event = kRecorded,
       .event_outcome = v1::EXPIRED},
      {.name = "SuppressedBySender",
       .state = kAssigned,
       .report = v1::SUPPRESSED,
       .after = v1::SUPPRESSED,
       .event = kRecorded,
       .event_outcome = v1::SUPPRESSED},
      {.name = "HardBounceThatBlamesTheRecipientSuppresses",
       .state = kAssigned,
       .report = v1::BOUNCED,
       .report_class = v1::HARD,
       .fault = v1::RECIPIENT,
       .after = v1::BOUNCED,
       .event = kRecorded,
       .event_outcome = v1::BOUNCED,
       .suppress = kHard},
      {.name = "HardBounceThatBlamesUsDoesNot",
       .state = kAssigned,
       .report = v1::BOUNCED,
       .report_class = v1::HARD,
       .fault = v1::SENDER,
       .after = v1::BOUNCED,
       .event = kRecorded,
       .event_outcome = v1::BOUNCED},
      {.name = "HardBounceOfNoKnownFaultDoesNot",
       .state = kAssigned,
       .report = v1::BOUNCED,
       .report_class = v1::HARD,
       .after = v1::BOUNCED,
       .event = kRecorded,
       .event_outcome = v1::BOUNCED},
      {.name = "PolicyBounceDoesNot",
       .state = kAssigned,
       .report = v1::BOUNCED,
       .report_class = v1::POLICY,
       .fault = v1::RECIPIENT,
       .after = v1::BOUNCED,
       .event = kRecorded,
       .event_outcome = v1::BOUNCED},
      {.name = "Deferral", .state = kAssigned, .after = v1::OUTCOME_UNSPECIFIED, .event = v1::Event::DEFERRED},
      {.name = "DeferralAfterOutcomeIsIgnored",
       .state = kDone,
       .outcome = v1::DELIVERED,
       .after = v1::DELIVERED,
       .changed = false},
      {.name = "FirstOutcomeStays",
       .state = kDone,
       .outcome = v1::DELIVERED,
       .report = v1::BOUNCED,
       .report_class = v1::HARD,
       .fault = v1::RECIPIENT,
       .after = v1::DELIVERED,
       .changed = false},
      {.name = "PlannersSuppressionStays",
       .state = kDone,
       .outcome = v1::SUPPRESSED,
       .report = v1::DELIVERED,
       .after = v1::SUPPRESSED,
       .changed = false},
      {.name = "WithdrawnButDeliveredIsDelivered",
       .state = kDone,
       .outcome = v1::SUPPRESSED,
       .withdrawn = true,
       .report = v1::DELIVERED,
       .after = v1::DELIVERED,
       .event = kRecorded,
       .event_outcome = v1::DELIVERED},
      {.name = "WithdrawnAndTheNodeAgrees",
       .state = kDone,
       .outcome = v1::SUPPRESSED,
       .withdrawn = true,
       .report = v1::SUPPRESSED,
       .after = v1::SUPPRESSED},
      {.name = "WithdrawnAndDeferredStays",
       .state = kDone,
       .outcome = v1::SUPPRESSED,
       .withdrawn = true,
       .after = v1::SUPPRESSED,
       .changed = false},
      {.name = "UnknownOutcomeIsIgnored",
       .state = kAssigned,
       .report = static_cast<v1::Outcome>(99),
       .after = v1::OUTCOME_UNSPECIFIED,
       .changed = false},
      {.name = "DeliveredAfterItsBounceIsBounced",
       .state = kAssigned,
       .early_report = v1::SOFT,
       .report = v1::DELIVERED,
       .after = v1::BOUNCED,
       .event = kRecorded,
       .event_outcome = v1::BOUNCED},
      {.name = "ExpiredAfterItsBounceIsBounced",
       .state = kAssigned,
       .early_report = v1::HARD,
       .report = v1::EXPIRED,
       .after = v1::BOUNCED,
       .event = kRecorded,
       .event_outcome = v1::BOUNCED},
      {.name = "WithdrawnByTheNodeAfterItsBounceIsBounced",
       .state = kAssigned,
       .early_report = v1::HARD,
       .report = v1::SUPPRESSED,
       .after = v1::BOUNCED,
       .event = kRecorded,
       .event_outcome = v1::BOUNCED},

      {.name = "HardReportMovesDelivered",
       .state = kDone,
       .outcome = v1::DELIVERED,
       .report_class = v1::HARD,
       .bounce_report = true,
       .after = v1::BOUNCED,
       .event = kReceived,
       .event_outcome = v1::BOUNCED,
       .suppress = kHard},
      {.name = "HardReportThatBlamesUsMovesButDoesNotSuppress",
       .state = kDone,
       .outcome = v1::DELIVERED,
       .report_class = v1::HARD,
       .fault = v1::SENDER,
       .bounce_report = true,
       .after = v1::BOUNCED,
       .event = kReceived,
       .event_outcome = v1::BOUNCED},
      {.name = "SoftReportMovesDelivered",
       .state = kDone,
       .outcome = v1::DELIVERED,
       .report_class = v1::SOFT,
       .bounce_report = true,
       .after = v1::BOUNCED,
       .event = kReceived,
       .event_outcome = v1::BOUNCED},
      {.name = "PolicyReportMovesDelivered",
       .state = kDone,
       .outcome = v1::DELIVERED,
       .report_class = v1::POLICY,
       .bounce_report = true,
       .after = v1::BOUNCED,
       .event = kReceived,
       .event_outcome = v1::BOUNCED},
      {.name = "SecondReportIsAnEventOnly",
       .state = kDone,
       .outcome = v1::BOUNCED,
       .report_class = v1::HARD,
       .bounce_report = true,
       .after = v1::BOUNCED,
       .event = kReceived,
       .suppress = kHard},
      {.name = "ReportOfAnExpiredOneIsAnEventOnly",
       .state = kDone,
       .outcome = v1::EXPIRED,
       .report_class = v1::SOFT,
       .bounce_report = true,
       .after = v1::EXPIRED,
       .event = kReceived},
      {.name = "ComplaintSuppressesAndLeavesTheOutcome",
       .state = kDone,
       .outcome = v1::DELIVERED,
       .report_class = v1::COMPLAINT,
       .bounce_report = true,
       .after = v1::DELIVERED,
       .event = kReceived,
       .suppress = v1::Suppression::SPAM_COMPLAINT},
      {.name = "UnsubscribeSuppressesAndLeavesTheOutcome",
       .state = kDone,
       .outcome = v1::DELIVERED,
       .report_class = v1::UNSUBSCRIBE,
       .bounce_report = true,
       .after = v1::DELIVERED,
       .event = kReceived,
       .suppress = v1::Suppression::UNSUBSCRIBED},
      {.name = "AutoReplyIsAnEventOnly",
       .state = kDone,
       .outcome = v1::DELIVERED,
       .report_class = v1::AUTO_REPLY,
       .bounce_report = true,
       .after = v1::DELIVERED,
       .event = kReceived},
      {.name = "DelayNoticeOfAnOpenOneIsAnEventOnly",
       .state = kAssigned,
       .report_class = v1::DELAY_NOTICE,
       .bounce_report = true,
       .after = v1::OUTCOME_UNSPECIFIED,
       .event = kReceived},
      {.name = "HardReportOfAnOpenOneIsRemembered",
       .state = kAssigned,
       .report_class = v1::HARD,
       .bounce_report = true,
       .after = v1::OUTCOME_UNSPECIFIED,
       .event = kReceived,
       .suppress = kHard},
      {.name = "ReportOfAWithdrawnOneIsRemembered",
       .state = kDone,
       .outcome = v1::SUPPRESSED,
       .withdrawn = true,
       .report_class = v1::SOFT,
       .bounce_report = true,
       .after = v1::SUPPRESSED,
       .event = kReceived},
      {.name = "FirstEarlyReportStays",
       .state = kAssigned,
       .early_report = v1::SOFT,
       .report_class = v1::POLICY,
       .bounce_report = true,
       .after = v1::OUTCOME_UNSPECIFIED,
       .event = kReceived},
  };
}

class TransitionTest : public testing::TestWithParam<Case> {};

TEST_P(TransitionTest, Holds) {
  const Case& c = GetParam();
  cluster::v1::RecipientState state;
  state.set_state(c.state);
  state.set_outcome(c.outcome);
  state.set_withdrawn(c.withdrawn);
  if (c.early_report != v1::BOUNCE_CLASS_UNSPECIFIED) state.mutable_early_report()->set_bounce_class(c.early_report);
  v1::WaveCounts counts;  // three recipients: this one, an open one, a delivered one
  counts.set_accepted(3);
  counts.set_delivered(1);
  counts.set_open(1);
  if (c.state == kDone) {
    AddToOutcome(c.outcome, 1, &counts);
  } else {
    counts.set_open(2);
    counts.set_assigned(c.state == kAssigned ? 1 : 0);
  }
  v1::WaveCounts expected = counts;
  if (c.after != c.outcome) {
    if (c.outcome == v1::OUTCOME_UNSPECIFIED) {
      expected.set_open(1);
      expected.set_assigned(0);
    } else {
      AddToOutcome(c.outcome, -1, &expected);
    }
    AddToOutcome(c.after, 1, &expected);
  }
  if (c.event == v1::Event::DEFERRED) expected.set_deferrals(1);

  const absl::Time now = absl::FromUnixSeconds(5);
  Effect effect;
  if (c.bounce_report) {
    cluster::v1::BounceReport report;
    report.set_bounce_class(c.report_class);
    report.mutable_status()->set_fault(c.fault);
    effect = ApplyBounceReport(report, now, &state, &counts);
  } else {
    cluster::v1::Report report;
    report.set_outcome(c.report);
    report.set_attempts(2);
    report.mutable_status()->set_bounce_class(c.report_class);
    report.mutable_status()->set_fault(c.fault);
    effect = ApplyReport(report, now, &state, &counts);
  }
  EXPECT_EQ(state.outcome(), c.after);
  EXPECT_EQ(state.state() == kDone, c.after != v1::OUTCOME_UNSPECIFIED);
  EXPECT_EQ(effect.changed, c.changed);
  EXPECT_EQ(effect.event.has_value() ? effect.event->kind() : v1::Event::KIND_UNSPECIFIED, c.event);
  if (effect.event.has_value()) {
    EXPECT_EQ(effect.event->outcome(), c.event_outcome);
  }
  EXPECT_EQ(effect.suppress, c.suppress);
  EXPECT_EQ(counts.SerializeAsString(), expected.SerializeAsString()) << counts.DebugString();
  EXPECT_THAT(CheckCounts("after", counts), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Recipient, TransitionTest, testing::ValuesIn(Cases()),
                         [](const auto& instance) { return instance.param.name; });

AddressSign SignOfReport(v1::BounceClass bounce_class, v1::Reason reason, v1::Fault fault, absl::Time now,
                         cluster::v1::RecipientState* state) {
  cluster::v1::BounceReport report;
  report.set_bounce_class(bounce_class);
  report.mutable_status()->set_reason(reason);
  report.mutable_status()->set_fault(fault);
  v1::WaveCounts counts;
  return ApplyBounceReport(report, now, state, &counts).sign;
}

cluster::v1::RecipientState BouncedState() {
  cluster::v1::RecipientState state;
  state.set_state(kDone);
  state.set_outcome(v1::BOUNCED);
  return state;
}

TEST(SoftReportTest, CountsThoughOneThatBlamedTheSenderCameBefore) {
  cluster::v1::RecipientState state = BouncedState();
  const absl::Time now = absl::FromUnixSeconds(1'000'000);
  const auto reason = static_cast<v1::Reason>(1);
  EXPECT_EQ(SignOfReport(v1::SOFT, reason, v1::SENDER, now, &state), AddressSign::kNone);
  EXPECT_EQ(SignOfReport(v1::SOFT, reason, v1::RECIPIENT, now, &state), AddressSign::kSoftBounce);
  const absl::Time late = now + kTakenBackWithin + absl::Seconds(1);
  EXPECT_EQ(SignOfReport(v1::SOFT, reason, v1::RECIPIENT, late, &state), AddressSign::kNone);
}

TEST(SoftReportTest, CountsThoughItIsOneKindTooMany) {
  cluster::v1::RecipientState state = BouncedState();
  const absl::Time now = absl::FromUnixSeconds(1'000'000);
  for (int i = 0; i < kReportKindsMax; ++i) {
    SignOfReport(v1::AUTO_REPLY, static_cast<v1::Reason>(i), v1::FAULT_UNSPECIFIED, now, &state);
  }
  EXPECT_EQ(SignOfReport(v1::SOFT, static_cast<v1::Reason>(1), v1::RECIPIENT, now, &state), AddressSign::kSoftBounce);
  EXPECT_EQ(state.reports_size(), kReportKindsMax);
}

TEST(AssignTest, AssignsOnlyWhatIsAccepted) {
  v1::WaveCounts counts;
  counts.set_accepted(1);
  counts.set_open(1);
  cluster::v1::RecipientState state;
  EXPECT_TRUE(Assign("sender-0", "127.0.0.11", &state, &counts));
  EXPECT_FALSE(Assign("sender-1", "127.0.0.12", &state, &counts));
  EXPECT_EQ(state.node(), "sender-0");
  EXPECT_EQ(counts.assigned(), 1);
  EXPECT_TRUE(Suppress(absl::UnixEpoch(), true, &state, &counts).changed);
  EXPECT_FALSE(Suppress(absl::UnixEpoch(), true, &state, &counts).changed);
  EXPECT_FALSE(Assign("sender-1", "127.0.0.12", &state, &counts));
  EXPECT_EQ(counts.assigned(), 0);
  EXPECT_EQ(counts.suppressed(), 1);
}

TEST(CompletionTest, AWaveCompletesOnceAndOnlyWhenItRuns) {
  v1::Wave wave;
  wave.set_state(v1::Wave::DRAFT);
  EXPECT_FALSE(CompleteIfDone(absl::UnixEpoch(), &wave));
  wave.set_state(v1::Wave::RUNNING);
  wave.mutable_counts()->set_open(1);
  EXPECT_FALSE(CompleteIfDone(absl::UnixEpoch(), &wave));
  wave.mutable_counts()->set_open(0);
  EXPECT_TRUE(CompleteIfDone(absl::UnixEpoch(), &wave));
  EXPECT_EQ(wave.state(), v1::Wave::COMPLETED);
  EXPECT_FALSE(CompleteIfDone(absl::UnixEpoch(), &wave));
}

TEST(CountsTest, FindsWhatIsWrong) {
  v1::WaveCounts good;
  good.set_accepted(2);
  good.set_delivered(1);
  good.set_open(1);
  EXPECT_THAT(CheckCounts("x", good), IsEmpty());
  v1::WaveCounts lost = good;
  lost.set_delivered(0);
  EXPECT_EQ(CheckCounts("x", lost).size(), 1u);
  v1::WaveCounts negative = good;
  negative.set_open(-1);
  negative.set_delivered(3);
  EXPECT_EQ(CheckCounts("x", negative).size(), 2u);  // below zero, and fewer open than assigned
  v1::WaveCounts assigned = good;
  assigned.set_assigned(2);
  EXPECT_EQ(CheckCounts("x", assigned).size(), 1u);
  EXPECT_EQ(CompareCounts(good, lost), std::vector<std::string>{"delivered: the counter says 0, the recipients say 1"});
}

}  // namespace
}  // namespace wavepost
