#include "bouncer/feed/backoff.h"

#include <gtest/gtest.h>

namespace wavepost {
namespace {

TEST(BackoffTest, DoublesWithJitterUpToTheMaximum) {
  const absl::Duration min = absl::Milliseconds(200);
  const absl::Duration max = absl::Seconds(10);
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Backoff backoff(min, max, seed);
    absl::Duration step = min;
    for (int i = 0; i < 12; ++i) {
      const absl::Duration wait = backoff.Next();
      EXPECT_GE(wait, step / 2);
      EXPECT_LE(wait, step);
      step = std::min(step * 2, max);
    }
    EXPECT_EQ(step, max);
    backoff.Reset();
    EXPECT_LE(backoff.Next(), min);
  }
}

TEST(BackoffTest, SeedsDiffer) {
  EXPECT_NE(Backoff(absl::Seconds(1), absl::Seconds(9), 1).Next(),
            Backoff(absl::Seconds(1), absl::Seconds(9), 2).Next());
}

}  // namespace
}  // namespace wavepost
