// How long to wait before the next attempt to reach the coordinator. Pure; the generator is seeded by the owner.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>

#include "absl/time/time.h"

namespace wavepost {

// Doubles from `min` to `max`. Each wait is drawn from the upper half of its step, so that bouncers that lost the
// coordinator together do not come back together.
class Backoff {
 public:
  Backoff(absl::Duration min, absl::Duration max, uint64_t seed) : min_(min), max_(max), step_(min), random_(seed) {}

  absl::Duration Next() {
    const absl::Duration wait = step_ * std::uniform_real_distribution<double>(0.5, 1.0)(random_);
    step_ = std::min(step_ * 2, max_);
    return wait;
  }

  // After a sign of life.
  void Reset() { step_ = min_; }

 private:
  const absl::Duration min_;
  const absl::Duration max_;
  absl::Duration step_;
  std::mt19937_64 random_;
};

}  // namespace wavepost
