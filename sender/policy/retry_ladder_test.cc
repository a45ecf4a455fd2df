#include "sender/policy/retry_ladder.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "wavepost/v1/outcomes.pb.h"

namespace wavepost {
namespace {

struct LadderRow {
  std::string name;
  v1::Reason reason;
  std::vector<int> minutes;
};

TEST(RetryLadderTest, OneLadderPerReason) {
  for (const LadderRow& row : {
           LadderRow{"Greylisted", v1::GREYLISTED, {5, 5, 10, 20, 40, 60, 120, 240, 240}},
           LadderRow{"Throttled", v1::RATE_LIMITED, {1, 2, 5, 10, 20, 40, 60, 60}},
           LadderRow{"Quota", v1::OVER_QUOTA, {15, 30, 60, 120, 240, 240}},
           LadderRow{"MailboxFull", v1::MAILBOX_FULL, {60, 240, 480, 480}},
           LadderRow{"Network", v1::NETWORK, {5, 15, 30, 60, 120, 240, 480, 480, 480}},
           LadderRow{"Tls", v1::TLS_FAILURE, {5, 15, 30, 60, 120, 240, 480, 480}},
           LadderRow{"Dns", v1::DNS_FAILURE, {2, 5, 15, 30, 60, 120, 240, 240}},
           LadderRow{"Blocked", v1::BLOCKED_IP, {30, 60, 120, 240, 480, 480}},
           LadderRow{"Policy", v1::REJECTED_POLICY, {30, 60, 120, 240, 480, 480}},
           LadderRow{"Spam", v1::SPAM, {30, 60}},
           LadderRow{"Auth", v1::AUTH_FAILED, {30, 60}},
           LadderRow{"Other", v1::SYSTEM_FULL, {5, 15, 30, 60, 120, 240, 480, 480, 480}},
           LadderRow{"Unknown", v1::REASON_UNSPECIFIED, {5, 15, 30, 60, 120, 240, 480, 480}},
       }) {
    for (size_t i = 0; i < row.minutes.size(); ++i) {
      EXPECT_EQ(RetryDelay(row.reason, static_cast<int>(i) + 1, std::nullopt, 0, 1), absl::Minutes(row.minutes[i]))
          << row.name << " step " << i + 1;
    }
  }
}

TEST(RetryLadderTest, NoLadderGoesDownOrEnds) {
  for (int reason = v1::Reason_MIN; reason <= v1::Reason_MAX; ++reason) {
    absl::Duration last;
    absl::Duration age;
    int steps = 0;
    for (int step = 1; age < absl::Hours(72); ++step, ++steps) {
      const absl::Duration wait = RetryDelay(static_cast<v1::Reason>(reason), step, std::nullopt, 0, 1);
      EXPECT_GE(wait, last) << reason << " step " << step;
      EXPECT_LE(wait, absl::Hours(8)) << reason;
      last = wait;
      age += wait;
    }
    EXPECT_LE(steps, 80) << reason << ": attempts in three days";
  }
}

TEST(RetryLadderTest, JitterOnlyDelays) {
  EXPECT_EQ(RetryDelay(v1::GREYLISTED, 1, std::nullopt, 0, 1), absl::Minutes(5));
  const absl::Duration late = RetryDelay(v1::GREYLISTED, 1, std::nullopt, 0.999, 1);
  EXPECT_GT(late, absl::Seconds(329));
  EXPECT_LE(late, absl::Seconds(330));
}

TEST(RetryLadderTest, HintsAreAppointments) {
  struct HintRow {
    std::string name;
    int step;
    absl::Duration hint;
    absl::Duration wait;
  };
  for (const HintRow& row : {
           HintRow{"Shorter", 1, absl::Seconds(60), absl::Seconds(60)},
           HintRow{"Longer", 1, absl::Minutes(30), absl::Minutes(30)},
           // A host that keeps saying "in a minute" does not get a visit each minute for ever.
           HintRow{"ShorterAgain", 5, absl::Seconds(60), absl::Minutes(40)},
           HintRow{"LongerAgain", 5, absl::Hours(3), absl::Hours(3)},
           HintRow{"Zero", 1, absl::ZeroDuration(), absl::Minutes(5)},
           HintRow{"OneSecond", 1, absl::Seconds(1), absl::Minutes(5)},
           HintRow{"Negative", 1, -absl::Hours(1), absl::Minutes(5)},
           HintRow{"TenYears", 1, absl::Hours(87600), absl::Hours(24)},
           HintRow{"Infinite", 3, absl::InfiniteDuration(), absl::Hours(24)},
       }) {
    EXPECT_EQ(RetryDelay(v1::GREYLISTED, row.step, row.hint, 0, 1), row.wait) << row.name;
  }
}

TEST(RetryLadderTest, ScaleDividesEverything) {
  EXPECT_EQ(RetryDelay(v1::GREYLISTED, 1, absl::Seconds(300), 0, 60), absl::Seconds(5));
  EXPECT_EQ(RetryDelay(v1::MAILBOX_FULL, 1, std::nullopt, 0, 60), absl::Minutes(1));
}

TEST(RetryLadderTest, StepsOutsideTheLadder) {
  EXPECT_EQ(RetryDelay(v1::RATE_LIMITED, 0, std::nullopt, 0, 1), absl::Minutes(1));
  EXPECT_EQ(RetryDelay(v1::RATE_LIMITED, -7, std::nullopt, 0, 1), absl::Minutes(1));
  EXPECT_EQ(RetryDelay(v1::RATE_LIMITED, std::numeric_limits<int>::max(), std::nullopt, 0, 1), absl::Hours(1));
}

}  // namespace
}  // namespace wavepost
