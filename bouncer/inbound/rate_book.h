// How often something may happen per key (a client, a network, a recipient), for any number of keys in fixed memory.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"

namespace wavepost {

// A token bucket per key: `count` at once, then one each window / count. Kept as the time at which the bucket will be
// full again (the "theoretical arrival time" of the GCRA), so that an entry whose time has passed says nothing any more
// and can be forgotten without loss.
//
// The table never grows: a set of kWays entries per hash. In a full set the new key takes the place of the one that is
// nearest to a full bucket. Whoever fills the table with many keys so forgets his own traces first; limit wider keys
// (networks) beside narrow ones. Not thread-safe; pure: time comes in.
class RateBook {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr size_t kWays = 8;

  // count 0: no limit. entries: rounded up to a power of two, 16 bytes each. seed: random, so that nobody can choose
  // keys that share a set.
  RateBook(int64_t count, absl::Duration window, size_t entries, uint64_t seed);

  // Is there one left for `key`? Takes nothing.
  bool Has(uint64_t key, Time now) const;

  // Takes one. False: none is left, nothing was taken.
  bool Take(uint64_t key, Time now);

 private:
  struct Entry {
    uint64_t key = 0;
    Time full = Time::min();  // when the bucket is full again
  };

  size_t SetOf(uint64_t key) const;
  bool Fits(Time full, Time now) const;

  std::chrono::nanoseconds window_;
  std::chrono::nanoseconds step_{0};  // 0: no limit
  uint64_t seed_;
  std::vector<Entry> entries_;
};

}  // namespace wavepost
