#include "sender/policy/pacer.h"

#include <algorithm>

#include "sender/policy/retry_ladder.h"

namespace wavepost {

int Pacer::ConnectionsAllowed(absl::Time now) const {
  if (now < paused_until_) return 0;
  return probing_ ? 1 : connections_;
}

void Pacer::OnSuccess() {
  failures_ = 0;
  lost_ = 0;
  probing_ = false;
  if (connections_ < limits_.connections_max && ++successes_ >= kSuccessesPerStep) {
    ++connections_;
    successes_ = 0;
  }
}

void Pacer::OnThrottled(absl::Time now, std::optional<absl::Duration> hint, double jitter) {
  // The connections that were open together all hear of the same overload: it counts once.
  if (now < paused_until_) return;
  connections_ = std::max(1, connections_ / 2);
  successes_ = 0;
  Pause(now + RetryDelay(v1::RATE_LIMITED, ++failures_, hint, jitter, limits_.scale), v1::RATE_LIMITED);
}

void Pacer::OnUnreachable(absl::Time now, v1::Reason reason, double jitter) {
  if (now < paused_until_) return;
  Pause(now + RetryDelay(reason, ++failures_, std::nullopt, jitter, limits_.scale), reason);
}

void Pacer::OnLost(absl::Time now, double jitter) {
  if (++lost_ >= kLostInARowMax) OnUnreachable(now, v1::NETWORK, jitter);
}

void Pacer::Pause(absl::Time until, v1::Reason reason) {
  paused_until_ = std::max(paused_until_, until);
  pause_reason_ = reason;
  probing_ = true;
}

}  // namespace wavepost
