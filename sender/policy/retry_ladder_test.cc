#include "sender/policy/retry_ladder.h"

#include <gtest/gtest.h>

namespace wavepost {
namespace {

TEST(RetryLadderTest, SoftLadderAsDesigned) {
  const int kMinutes[] = {5, 15, 30, 60, 120, 240, 480, 480, 480};
  for (int step = 1; step <= 9; ++step) {
    EXPECT_EQ(RetryDelay(v1::NETWORK, step, std::nullopt, 0, 1), absl::Minutes(kMinutes[step - 1])) << step;
  }
}

TEST(RetryLadderTest, JitterOnlyDelays) {
  EXPECT_EQ(RetryDelay(v1::GREYLISTED, 1, std::nullopt, 0, 1), absl::Minutes(5));
  const absl::Duration late = RetryDelay(v1::GREYLISTED, 1, std::nullopt, 0.999, 1);
  EXPECT_GT(late, absl::Minutes(5));
  EXPECT_LE(late, absl::Seconds(330));
}

TEST(RetryLadderTest, HintsAreAppointments) {
  EXPECT_EQ(RetryDelay(v1::GREYLISTED, 1, absl::Seconds(60), 0, 1), absl::Seconds(60));
  EXPECT_EQ(RetryDelay(v1::GREYLISTED, 1, absl::Minutes(30), 0, 1), absl::Minutes(30));
  // A host that keeps saying "in a minute" does not get a visit each minute for ever.
  EXPECT_EQ(RetryDelay(v1::GREYLISTED, 5, absl::Seconds(60), 0, 1), absl::Minutes(40));
  EXPECT_EQ(RetryDelay(v1::GREYLISTED, 1, absl::ZeroDuration(), 0, 1), absl::Minutes(5));
}

TEST(RetryLadderTest, ScaleDividesEverything) {
  EXPECT_EQ(RetryDelay(v1::GREYLISTED, 1, absl::Seconds(300), 0, 60), absl::Seconds(5));
  EXPECT_EQ(RetryDelay(v1::MAILBOX_FULL, 1, std::nullopt, 0, 60), absl::Minutes(1));
}

TEST(RetryLadderTest, StepsOutsideTheLadder) {
  EXPECT_EQ(RetryDelay(v1::RATE_LIMITED, 0, std::nullopt, 0, 1), absl::Minutes(1));
  EXPECT_EQ(RetryDelay(v1::RATE_LIMITED, 1000, std::nullopt, 0, 1), absl::Hours(1));
}

}  // namespace
}  // namespace wavepost
