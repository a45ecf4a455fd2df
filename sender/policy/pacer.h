// How hard we may push on one (recipient domain, egress IP): connections, messages per connection, pauses. Pure.
//
// Additive rise, multiplicative cut: each throttling reply halves the connections and pauses the lane; every
// kSuccessesPerStep accepted messages without one allow a connection more. A site that cannot be reached is paused with
// growing waits, so that a dead host costs one connection per wait and not one per recipient.
#pragma once

#include <optional>

#include "absl/time/time.h"
#include "wavepost/v1/outcomes.pb.h"

namespace wavepost {

struct PacerLimits {
  int connections_max = 10;
  int messages_per_connection = 100;
  double scale = 1;  // clock_scale: divides the pauses
};

class Pacer {
 public:
  static constexpr int kSuccessesPerStep = 20;
  static constexpr int kLostInARowMax = 3;

  explicit Pacer(const PacerLimits& limits) : limits_(limits), connections_(limits.connections_max) {}

  // Connections that may be open now; 0 while paused. After a pause for an unreachable or throttling site one
  // connection goes first; the others follow its success.
  int ConnectionsAllowed(absl::Time now) const;
  int messages_per_connection() const { return limits_.messages_per_connection; }
  // In the past: not paused.
  absl::Time paused_until() const { return paused_until_; }
  // Why it is paused, for people.
  v1::Reason pause_reason() const { return pause_reason_; }

  void OnSuccess();
  // The other side said "slow down". hint: how long it asked us to stay away.
  void OnThrottled(absl::Time now, std::optional<absl::Duration> hint, double jitter);
  // No session came about: no route, refused, time-out, bad greeting, DNS.
  void OnUnreachable(absl::Time now, v1::Reason reason, double jitter);
  // A session ended in the middle of a transaction. Three in a row without a success count as unreachable: a host that
  // takes connections and drops them must not cost one per recipient.
  void OnLost(absl::Time now, double jitter);
  // True if it has learned nothing that a new one would not know.
  bool fresh() const { return !probing_ && failures_ == 0 && lost_ == 0 && connections_ == limits_.connections_max; }

 private:
  void Pause(absl::Time until, v1::Reason reason);

  PacerLimits limits_;
  int connections_;       // learned ceiling, 1 to limits_.connections_max
  int successes_ = 0;     // since the last change of connections_
  int failures_ = 0;      // in a row: unreachable or throttled
  int lost_ = 0;          // sessions in a row that ended in the middle
  bool probing_ = false;  // one connection until a success
  absl::Time paused_until_ = absl::InfinitePast();
  v1::Reason pause_reason_ = v1::REASON_UNSPECIFIED;
};

}  // namespace wavepost
