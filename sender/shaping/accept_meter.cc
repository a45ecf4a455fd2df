#include "sender/shaping/accept_meter.h"

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"

namespace wavepost {

void AcceptMeter::Restart(absl::Time now) {
  counts_.fill(0);
  start_ns_ = absl::ToUnixNanos(now);
  slot_ = start_ns_ / kSlotNanos;
}

void AcceptMeter::Advance(int64_t slot) {
  if (slot <= slot_) return;  // also where a clock went backwards: counted with the newest
  const int64_t steps = std::min<int64_t>(slot - slot_, kSlots);
  for (int64_t i = 1; i <= steps; ++i) counts_[static_cast<uint64_t>(slot_ + i) % kSlots] = 0;
  if (slot - slot_ > kSlots) counts_.fill(0);
  slot_ = slot;
}

void AcceptMeter::Count(absl::Time now) {
  Advance(absl::ToUnixNanos(now) / kSlotNanos);
  ++counts_[static_cast<uint64_t>(slot_) % kSlots];
}

AcceptMeter::Use AcceptMeter::Recent(absl::Time now) const {
  const int64_t now_ns = absl::ToUnixNanos(now);
  const int64_t newest = now_ns / kSlotNanos;
  Use use;
  int64_t oldest = newest;
  for (int64_t slot = newest; slot > newest - kSlots; --slot) {
    if (newest - slot >= kShort && use.count >= kEnough) break;
    oldest = slot;
    if (slot <= slot_ && slot > slot_ - kSlots) use.count += counts_[static_cast<uint64_t>(slot) % kSlots];
  }
  use.seconds = static_cast<double>(now_ns - std::max(start_ns_, oldest * kSlotNanos)) / 1e9;
  return use;
}

}  // namespace wavepost
