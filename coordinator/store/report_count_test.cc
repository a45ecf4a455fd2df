// Reports of one recipient counted, and what a failure says about the address.
#include <gtest/gtest.h>

#include <string>

#include "coordinator/store/transition.h"

namespace wavepost {
namespace {

cluster::v1::BounceReport ReportOf(v1::BounceClass bounce_class, v1::Reason reason = v1::REASON_UNSPECIFIED,
                                   v1::Fault fault = v1::FAULT_UNSPECIFIED) {
  cluster::v1::BounceReport report;
  report.set_bounce_class(bounce_class);
  report.mutable_status()->set_reason(reason);
  report.mutable_status()->set_fault(fault);
  report.set_evidence("as it came");
  return report;
}

cluster::v1::RecipientState Delivered(v1::WaveCounts* counts) {
  cluster::v1::RecipientState state;
  state.set_state(v1::Recipient::DONE);
  state.set_outcome(v1::DELIVERED);
  counts->set_accepted(1);
  counts->set_delivered(1);
  return state;
}

TEST(ReportCountTest, AThousandOfAKindAreOneEventAndACounter) {
  v1::WaveCounts counts;
  cluster::v1::RecipientState state = Delivered(&counts);
  int events = 0;
  for (int i = 0; i < 1000; ++i) {
    const Effect effect =
        ApplyBounceReport(ReportOf(v1::AUTO_REPLY, v1::VACATION), absl::FromUnixSeconds(10 + i), &state, &counts);
    EXPECT_TRUE(effect.changed);
    if (effect.event.has_value() && !effect.only_if_suppressed) ++events;
    if (effect.event.has_value()) {
      EXPECT_EQ(effect.event->evidence(), "as it came");
    }
  }
  EXPECT_EQ(events, 1);
  ASSERT_EQ(state.reports_size(), 1);
  EXPECT_EQ(state.reports(0).count(), 1000);
  EXPECT_EQ(state.reports(0).first_time().seconds(), 10);
  EXPECT_EQ(state.reports(0).last_time().seconds(), 1009);
  ApplyBounceReport(ReportOf(v1::AUTO_REPLY), absl::FromUnixSeconds(5000), &state, &counts);  // another reason
  EXPECT_EQ(state.reports_size(), 2);
}

TEST(ReportCountTest, WhatChangesSomethingIsAlwaysAnEvent) {
  v1::WaveCounts counts;
  cluster::v1::RecipientState state;
  state.set_state(v1::Recipient::ASSIGNED);
  counts.set_accepted(1);
  counts.set_open(1);
  counts.set_assigned(1);
  // Counted while the recipient was open, and again when it had been delivered by a retry.
  ApplyBounceReport(ReportOf(v1::POLICY), absl::UnixEpoch(), &state, &counts);
  state.clear_early_report();
  state.set_state(v1::Recipient::DONE);
  state.set_outcome(v1::DELIVERED);
  counts.set_open(0);
  counts.set_assigned(0);
  counts.set_delivered(1);
  const Effect moved = ApplyBounceReport(ReportOf(v1::POLICY), absl::UnixEpoch(), &state, &counts);
  ASSERT_TRUE(moved.event.has_value());
  EXPECT_FALSE(moved.only_if_suppressed);
  EXPECT_EQ(moved.event->outcome(), v1::BOUNCED);
  // A hard one that came before is told again only if it suppresses: whether it does, the list knows.
  ApplyBounceReport(ReportOf(v1::HARD), absl::UnixEpoch(), &state, &counts);
  const Effect again = ApplyBounceReport(ReportOf(v1::HARD), absl::UnixEpoch(), &state, &counts);
  EXPECT_TRUE(again.event.has_value());
  EXPECT_TRUE(again.only_if_suppressed);
  EXPECT_EQ(again.suppress, v1::Suppression::HARD_BOUNCE);
}

TEST(ReportCountTest, WhatWouldBeA17thKindCountsInTheLast) {
  v1::WaveCounts counts;
  cluster::v1::RecipientState state = Delivered(&counts);
  for (int reason = 0; reason < 20; ++reason) {
    ApplyBounceReport(ReportOf(v1::NOT_A_BOUNCE, static_cast<v1::Reason>(reason)), absl::FromUnixSeconds(reason),
                      &state, &counts);
  }
  ASSERT_EQ(state.reports_size(), kReportKindsMax);
  int64_t total = 0;
  for (const v1::ReportCount& kind : state.reports()) total += kind.count();
  EXPECT_EQ(total, 20);
  EXPECT_EQ(state.reports(15).count(), 5);
  EXPECT_EQ(state.reports(15).last_time().seconds(), 19);
}

struct SignRow {
  const char* name;
  AddressSign sign;
  v1::Outcome outcome;  // UNSPECIFIED: a report that came back
  v1::BounceClass bounce_class;
  v1::Fault fault;
};

class SignTest : public testing::TestWithParam<SignRow> {};

TEST_P(SignTest, Says) {
  const SignRow& row = GetParam();
  v1::WaveCounts counts;
  cluster::v1::RecipientState state;
  if (row.outcome == v1::OUTCOME_UNSPECIFIED) {
    state = Delivered(&counts);
    EXPECT_EQ(
        ApplyBounceReport(ReportOf(row.bounce_class, v1::MAILBOX_FULL, row.fault), absl::UnixEpoch(), &state, &counts)
            .sign,
        row.sign);
    EXPECT_EQ(
        ApplyBounceReport(ReportOf(row.bounce_class, v1::MAILBOX_FULL, row.fault), absl::UnixEpoch(), &state, &counts)
            .sign,
        row.sign)
        << "each says it: the address's history counts one of a recipient";
    return;
  }
  state.set_state(v1::Recipient::ASSIGNED);
  counts.set_accepted(1);
  counts.set_open(1);
  counts.set_assigned(1);
  cluster::v1::Report report;
  report.set_outcome(row.outcome);
  report.mutable_status()->set_bounce_class(row.bounce_class);
  report.mutable_status()->set_fault(row.fault);
  EXPECT_EQ(ApplyReport(report, absl::UnixEpoch(), &state, &counts).sign, row.sign);
}

constexpr auto kNoClass = v1::BOUNCE_CLASS_UNSPECIFIED;
constexpr auto kReport = v1::OUTCOME_UNSPECIFIED;
INSTANTIATE_TEST_SUITE_P(
    Address, SignTest,
    testing::Values(SignRow{"Delivered", AddressSign::kDelivery, v1::DELIVERED, kNoClass, v1::FAULT_UNSPECIFIED},
                    SignRow{"SoftInSession", AddressSign::kSoftBounce, v1::BOUNCED, v1::SOFT, v1::RECIPIENT},
                    SignRow{"SoftThatBlamesUs", AddressSign::kNone, v1::BOUNCED, v1::SOFT, v1::SENDER},
                    SignRow{"HardInSession", AddressSign::kNone, v1::BOUNCED, v1::HARD, v1::RECIPIENT},
                    SignRow{"PolicyInSession", AddressSign::kNone, v1::BOUNCED, v1::POLICY, v1::RECIPIENT},
                    SignRow{"FullUntilExpired", AddressSign::kSoftBounce, v1::EXPIRED, kNoClass, v1::RECIPIENT},
                    SignRow{"UnreachableUntilExpired", AddressSign::kNone, v1::EXPIRED, kNoClass, v1::NETWORK_FAULT},
                    SignRow{"GreylistedUntilExpired", AddressSign::kNone, v1::EXPIRED, kNoClass, v1::SENDER},
                    SignRow{"ExpiredWithoutBlame", AddressSign::kNone, v1::EXPIRED, kNoClass, v1::FAULT_UNSPECIFIED},
                    SignRow{"SoftReport", AddressSign::kSoftBounce, kReport, v1::SOFT, v1::RECIPIENT},
                    SignRow{"SoftReportWithoutBlame", AddressSign::kSoftBounce, kReport, v1::SOFT,
                            v1::FAULT_UNSPECIFIED},
                    SignRow{"SoftReportOfADeadHost", AddressSign::kNone, kReport, v1::SOFT, v1::NETWORK_FAULT},
                    SignRow{"PolicyReport", AddressSign::kNone, kReport, v1::POLICY, v1::RECIPIENT},
                    SignRow{"DelayNotice", AddressSign::kNone, kReport, v1::DELAY_NOTICE, v1::RECIPIENT},
                    SignRow{"AutoReply", AddressSign::kNone, kReport, v1::AUTO_REPLY, v1::RECIPIENT},
                    SignRow{"Challenge", AddressSign::kNone, kReport, v1::CHALLENGE, v1::RECIPIENT}),
    [](const auto& instance) { return std::string(instance.param.name); });

}  // namespace
}  // namespace wavepost
