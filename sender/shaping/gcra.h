// A rate limit of sub-second precision: the generic cell rate algorithm (ITU-T I.371), as a theoretical arrival time.
// Pure; a value type of 24 bytes.
#pragma once

#include <cstdint>
#include <limits>

#include "absl/time/time.h"

namespace wavepost {

class Gcra {
 public:
  // per_second: infinity is no limit; less than 1e-9 (one in thirty years), 0 or negative never lets anything through.
  // burst: how many may pass at once after rest, at least 1.
  Gcra(double per_second, double burst);

  // When the next one may pass; in the past or now: at once. InfiniteFuture with rate 0.
  absl::Time Next(absl::Time now) const;
  // One passes at `now` (also when Next said later: the debt is paid by those who follow).
  void Take(absl::Time now);
  // Changing the rate grants no fresh burst: what was used of the old one stays used, in proportion. After rate 0 all
  // of it counts as used; after no limit, what the new rate has not given back since the last Take.
  void SetRate(double per_second, double burst, absl::Time now);

  double per_second() const { return per_second_; }
  double burst() const { return burst_; }

 private:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::min();

  double per_second_;
  double burst_;
  // Theoretical arrival time of the next one, in nanoseconds since 1970. Without limit: the last Take. kNever: at rest.
  int64_t tat_ns_ = kNever;
};

}  // namespace wavepost
