#include "sender/policy/trouble.h"

#include <gtest/gtest.h>

#include <string>

namespace wavepost {
namespace {

using Failure = AttemptResult::Failure;
using Kind = Decision::Kind;

const absl::Time kNow = absl::FromUnixSeconds(1'000'000);

cluster::v1::QueueEntry Entry() {
  cluster::v1::QueueEntry entry;
  entry.set_accept_ms(absl::ToUnixMillis(kNow - absl::Minutes(1)));
  return entry;
}

struct ReplyCase {
  std::string name;
  Phase phase;
  int code;
  std::string text;
  Kind kind;
  v1::Outcome outcome;
  v1::Reason reason;
  v1::BounceClass bounce_class;
  Lesson lesson;
};

class TroubleReplyTest : public ::testing::TestWithParam<ReplyCase> {};

TEST_P(TroubleReplyTest, Decides) {
  const ReplyCase& row = GetParam();
  AttemptResult result;
  result.phase = row.phase;
  result.reply = MakeReply(row.code, row.text);
  const Decision decision = Decide(result, Entry(), kNow, {}, 0);
  EXPECT_EQ(decision.kind, row.kind);
  EXPECT_EQ(decision.outcome, row.outcome);
  EXPECT_EQ(decision.status.reason(), row.reason) << v1::Reason_Name(decision.status.reason());
  EXPECT_EQ(decision.status.bounce_class(), row.bounce_class);
  EXPECT_EQ(decision.lesson, row.lesson);
}

INSTANTIATE_TEST_SUITE_P(
    Replies, TroubleReplyTest,
    ::testing::Values(
        ReplyCase{"Accepted", Phase::kEndOfData, 250, "2.0.0 queued", Kind::kFinish, v1::DELIVERED,
                  v1::REASON_UNSPECIFIED, v1::BOUNCE_CLASS_UNSPECIFIED, Lesson::kAccepted},
        ReplyCase{"UserUnknown", Phase::kRcpt, 550, "5.1.1 no such user", Kind::kFinish, v1::BOUNCED, v1::USER_UNKNOWN,
                  v1::HARD, Lesson::kRefused},
        ReplyCase{"Greylisted", Phase::kRcpt, 450, "4.2.0 Greylisted, try again in 300 seconds", Kind::kDefer,
                  v1::OUTCOME_UNSPECIFIED, v1::GREYLISTED, v1::BOUNCE_CLASS_UNSPECIFIED, Lesson::kGreylisted},
        ReplyCase{"GreetingRefused", Phase::kGreeting, 554, "no SMTP service here", Kind::kDefer,
                  v1::OUTCOME_UNSPECIFIED, v1::REJECTED_POLICY, v1::BOUNCE_CLASS_UNSPECIFIED, Lesson::kUnreachable},
        ReplyCase{"TooManyConnections", Phase::kGreeting, 421, "4.7.0 too many connections from your IP", Kind::kDefer,
                  v1::OUTCOME_UNSPECIFIED, v1::RATE_LIMITED, v1::BOUNCE_CLASS_UNSPECIFIED, Lesson::kThrottled},
        ReplyCase{"OurIpIsListed", Phase::kRcpt, 554, "5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org",
                  Kind::kDefer, v1::OUTCOME_UNSPECIFIED, v1::BLOCKED_IP, v1::BOUNCE_CLASS_UNSPECIFIED,
                  Lesson::kUnreachable},
        ReplyCase{"ResetRefused", Phase::kRset, 554, "5.5.0 session refused", Kind::kDefer, v1::OUTCOME_UNSPECIFIED,
                  v1::SYNTAX, v1::BOUNCE_CLASS_UNSPECIFIED, Lesson::kUnreachable},
        ReplyCase{"MailboxFullForGood", Phase::kRcpt, 552, "5.2.2 mailbox full", Kind::kFinish, v1::BOUNCED,
                  v1::MAILBOX_FULL, v1::SOFT, Lesson::kRefused}),
    [](const auto& param_info) { return param_info.param.name; });

TEST(TroubleTest, FailuresOfTheWayThere) {
  struct Row {
    Failure failure;
    Kind kind;
    v1::Reason reason;
    Lesson lesson;
  };
  for (const Row& row : {Row{Failure::kNoDomain, Kind::kFinish, v1::DOMAIN_UNKNOWN, Lesson::kNone},
                         Row{Failure::kNullMx, Kind::kFinish, v1::DOMAIN_UNKNOWN, Lesson::kNone},
                         Row{Failure::kDns, Kind::kDefer, v1::DNS_FAILURE, Lesson::kUnreachable},
                         Row{Failure::kConnect, Kind::kDefer, v1::NETWORK, Lesson::kUnreachable},
                         Row{Failure::kTls, Kind::kDefer, v1::TLS_FAILURE, Lesson::kUnreachable},
                         Row{Failure::kEgress, Kind::kDefer, v1::NETWORK, Lesson::kEgress},
                         Row{Failure::kLocal, Kind::kDefer, v1::RENDER_FAILED, Lesson::kNone},
                         Row{Failure::kRender, Kind::kFinish, v1::RENDER_FAILED, Lesson::kNone}}) {
    AttemptResult result;
    result.failure = row.failure;
    const Decision decision = Decide(result, Entry(), kNow, {}, 0);
    EXPECT_EQ(decision.kind, row.kind) << v1::Reason_Name(row.reason);
    EXPECT_EQ(decision.status.reason(), row.reason);
    EXPECT_EQ(decision.lesson, row.lesson) << v1::Reason_Name(row.reason);
  }
}

TEST(TroubleTest, LostAfterTheDotIsRememberedForEver) {
  AttemptResult lost;
  lost.failure = Failure::kLost;
  lost.phase = Phase::kEndOfData;
  lost.maybe_delivered = true;
  Decision decision = Decide(lost, Entry(), kNow, {}, 0);
  EXPECT_EQ(decision.kind, Kind::kDefer);
  EXPECT_EQ(decision.lesson, Lesson::kLost);
  const auto entry = DeferredEntry(Entry(), decision, kNow);
  EXPECT_TRUE(entry.maybe_delivered());

  AttemptResult accepted;
  accepted.phase = Phase::kEndOfData;
  accepted.reply = MakeReply(250, "2.0.0 ok");
  decision = Decide(accepted, entry, kNow, {}, 0);
  EXPECT_EQ(decision.outcome, v1::DELIVERED);
  EXPECT_TRUE(decision.status.maybe_delivered());
}

TEST(TroubleTest, StepsCountPerReason) {
  AttemptResult full;
  full.phase = Phase::kRcpt;
  full.reply = MakeReply(452, "4.2.2 mailbox full");
  AttemptResult grey;
  grey.phase = Phase::kRcpt;
  grey.reply = MakeReply(451, "4.7.1 Greylisting in action, please come back later");
  cluster::v1::QueueEntry entry = Entry();
  Decision decision = Decide(grey, entry, kNow, {}, 0);
  EXPECT_EQ(decision.delay, absl::Minutes(5));
  entry = DeferredEntry(entry, decision, kNow);
  entry = DeferredEntry(entry, Decide(grey, entry, kNow, {}, 0), kNow);
  EXPECT_EQ(Decide(grey, entry, kNow, {}, 0).delay, absl::Minutes(10));
  decision = Decide(full, entry, kNow, {}, 0);
  EXPECT_EQ(decision.delay, absl::Hours(1));
  entry = DeferredEntry(entry, decision, kNow);
  EXPECT_EQ(entry.attempts(), 3);
  EXPECT_EQ(entry.reason_count(), 1);
  EXPECT_EQ(entry.first_attempt_ms(), absl::ToUnixMillis(kNow));
}

TEST(TroubleTest, TheFirstGreylistingIsRemembered) {
  AttemptResult grey;
  grey.phase = Phase::kRcpt;
  grey.reply = MakeReply(451, "4.7.1 Greylisted, try again in 120 seconds");
  Decision decision = Decide(grey, Entry(), kNow, {}, 0);
  EXPECT_TRUE(decision.after_rcpt);
  EXPECT_EQ(decision.hint, absl::Seconds(120));
  cluster::v1::QueueEntry entry = DeferredEntry(Entry(), decision, kNow);
  entry = DeferredEntry(entry, decision, kNow + absl::Minutes(2));
  EXPECT_EQ(entry.greylisted_ms(), absl::ToUnixMillis(kNow));
  EXPECT_EQ(StepOf(entry, v1::GREYLISTED), 3);
  grey.phase = Phase::kMail;
  EXPECT_FALSE(Decide(grey, Entry(), kNow, {}, 0).after_rcpt);
}

TEST(TroubleTest, AProvidersRuleDecidesWhatIsDoneAboutItsReplies) {
  const auto book = ProviderBook::BuiltIn();
  AttemptResult blocked;
  blocked.phase = Phase::kMail;
  blocked.reply = MakeReply(550, "5.7.606 Access denied, banned sending IP [192.0.2.1]");
  const Decision decision = Decide(blocked, Entry(), kNow, {.book = book.get(), .provider = "microsoft365"}, 0);
  EXPECT_EQ(decision.kind, Kind::kDefer) << "an incident of ours, not the recipient's";
  EXPECT_EQ(decision.status.fault(), v1::SENDER);
}

TEST(TroubleTest, GivenUpByAge) {
  AttemptResult grey;
  grey.phase = Phase::kRcpt;
  grey.reply = MakeReply(451, "4.7.1 greylisted");
  cluster::v1::QueueEntry entry = Entry();
  entry.set_first_attempt_ms(absl::ToUnixMillis(kNow - absl::Hours(72) + absl::Seconds(1)));
  EXPECT_EQ(Decide(grey, entry, kNow, {}, 0).kind, Kind::kDefer)
      << "one more try, though the next is due beyond max_age";
  entry.set_first_attempt_ms(absl::ToUnixMillis(kNow - absl::Hours(72)));
  const Decision decision = Decide(grey, entry, kNow, {}, 0);
  EXPECT_EQ(decision.kind, Kind::kFinish);
  EXPECT_EQ(decision.outcome, v1::EXPIRED);
  EXPECT_EQ(decision.status.reason(), v1::GREYLISTED);
}

TEST(TroubleTest, AgeCountsFromAcceptanceWhereNoAttemptWasPossible) {
  cluster::v1::QueueEntry entry;
  entry.set_accept_ms(absl::ToUnixMillis(kNow - absl::Hours(73)));
  EXPECT_TRUE(IsTooOld(entry, kNow, absl::Hours(72)));
  entry.set_first_attempt_ms(absl::ToUnixMillis(kNow - absl::Hours(1)));
  EXPECT_FALSE(IsTooOld(entry, kNow, absl::Hours(72)));
}

}  // namespace
}  // namespace wavepost
