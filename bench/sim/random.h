// A small seeded generator (SplitMix64: every state is as good as any other), so that a run repeats on every machine.
#pragma once

#include <cmath>
#include <cstdint>

#include "coordinator/sharder/hash.h"

namespace wavepost::sim {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(Mix64(seed ^ 0x5eedULL)) {}

  uint64_t Next() { return Mix64(state_ += 0x9e3779b97f4a7c15ULL); }
  // In [0, 1).
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }
  double Exponential(double mean) { return -mean * std::log(1 - Uniform()); }

 private:
  uint64_t state_;
};

}  // namespace wavepost::sim
