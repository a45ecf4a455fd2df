#include "sender/shaping/gcra.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "absl/time/time.h"

namespace wavepost {
namespace {

constexpr double kNanosPerSecond = 1e9;
constexpr double kPerSecondMin = 1e-9;
constexpr double kAheadMax = 4e18;  // 126 years: what can be added to a time without leaving int64

double Normal(double per_second) {
  return per_second >= kPerSecondMin ? per_second : 0;
}

// `count` messages at `per_second`, in nanoseconds. Rounded up, so that rounding never lets more through.
int64_t Span(double count, double per_second) {
  return static_cast<int64_t>(std::ceil(std::clamp(count * kNanosPerSecond / per_second, 0.0, kAheadMax)));
}

}  // namespace

Gcra::Gcra(double per_second, double burst) : per_second_(Normal(per_second)), burst_(std::max(burst, 1.0)) {}

absl::Time Gcra::Next(absl::Time now) const {
  if (per_second_ == 0) return absl::InfiniteFuture();
  if (std::isinf(per_second_) || tat_ns_ == kNever) return now;
  // Truncated, where Span rounds up: an allowance that is short by a nanosecond.
  const auto tolerance = static_cast<int64_t>(std::min((burst_ - 1) * kNanosPerSecond / per_second_, kAheadMax));
  return absl::FromUnixNanos(tat_ns_ - tolerance);
}

void Gcra::Take(absl::Time now) {
  const int64_t now_ns = absl::ToUnixNanos(now);
  if (std::isinf(per_second_) || per_second_ == 0) {
    tat_ns_ = now_ns;
    return;
  }
  // Debts end somewhere, or many Takes at a small rate would leave the range.
  const int64_t from = std::max(tat_ns_, now_ns);
  const int64_t step = Span(1, per_second_);
  if (from - now_ns < static_cast<int64_t>(kAheadMax) - step) tat_ns_ = from + step;
}

void Gcra::SetRate(double per_second, double burst, absl::Time now) {
  per_second = Normal(per_second);
  burst = std::max(burst, 1.0);
  if (per_second == per_second_ && burst == burst_) return;
  const int64_t now_ns = absl::ToUnixNanos(now);
  const bool finite = per_second > 0 && !std::isinf(per_second);
  if (finite) {
    if (per_second_ == 0) {
      tat_ns_ = now_ns + Span(burst, per_second);
    } else if (std::isinf(per_second_)) {
      if (tat_ns_ != kNever) tat_ns_ += Span(burst, per_second);
    } else if (tat_ns_ > now_ns) {
      const double used = static_cast<double>(tat_ns_ - now_ns) / kNanosPerSecond * per_second_;
      const double debt = std::max(0.0, used - burst_);
      tat_ns_ = now_ns + Span((used - debt) / burst_ * burst + debt, per_second);
    }
  } else if (std::isinf(per_second) && !std::isinf(per_second_) && tat_ns_ != kNever) {
    // As if the last one had passed now: a limit that comes back finds its burst used.
    tat_ns_ = now_ns;
  }
  per_second_ = per_second;
  burst_ = burst;
}

}  // namespace wavepost
