// A rate limit of sub-second precision: the generic cell rate algorithm (ITU-T I.371), as a theoretical arrival time.
// Pure; a value type of 24 bytes.
#pragma once

#include "absl/time/time.h"

namespace wavepost {

class Gcra {
 public:
  // per_second: infinity is no limit; 0 or less never lets anything through. burst: how many may pass at once after
  // rest, at least 1.
  Gcra(double per_second, double burst);

  // When the next one may pass; in the past or now: at once. InfiniteFuture with rate 0.
  absl::Time Next(absl::Time now) const;
  // One passes at `now` (also when Next said later: the debt is paid by those who follow).
  void Take(absl::Time now);
  // Changing the rate grants no fresh burst: what was used of the old one stays used, in proportion.
  void SetRate(double per_second, double burst, absl::Time now);

  double per_second() const { return per_second_; }

 private:
  double per_second_;
  double burst_;
  absl::Time tat_ = absl::InfinitePast();  // theoretical arrival time of the next one
};

}  // namespace wavepost
