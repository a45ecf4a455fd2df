// How many messages a second have really been accepted of late. Pure; no allocation.
#pragma once

#include <array>
#include <cstdint>

#include "absl/time/time.h"

namespace wavepost {

// Counts in slots of four seconds and looks back a minute at most. Its durations are real ones: rates are never
// scaled.
class AcceptMeter {
 public:
  struct Use {
    double count = 0;    // messages accepted
    double seconds = 0;  // within this time
    double per_second() const { return seconds > 0 ? count / seconds : 0; }
  };

  // Forgets everything: what is asked later is measured from here.
  void Restart(absl::Time now);
  void Count(absl::Time now);
  // The last 12 to 16 seconds, or up to 64 if they held fewer than kEnough messages; less after a restart.
  Use Recent(absl::Time now) const;

 private:
  static constexpr int kSlots = 16;
  static constexpr int kShort = 4;
  static constexpr int kEnough = 30;
  static constexpr int64_t kSlotNanos = 4'000'000'000;

  // The slot of `now`; those between the last one and it become empty.
  void Advance(int64_t slot);

  std::array<uint32_t, kSlots> counts_{};
  int64_t slot_ = 0;  // the newest
  int64_t start_ns_ = 0;
};

}  // namespace wavepost
