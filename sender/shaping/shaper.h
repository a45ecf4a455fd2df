// How hard we push on one site from one egress IP: connections, connection rate, message rate, pauses. Pure.
//
// Two quantities are learned, each by its own kind of complaint: how many connections, and how many messages a second.
// A complaint cuts multiplicatively from what was really in use, and remembers where it was (the ceiling); success
// brings it back quickly to just below the ceiling and then carefully beyond it, so that it stays close to what the
// site tolerates and asks for more at intervals of minutes, not of messages. A pause ends with a probe: one connection,
// until one message has been accepted. Nothing returns to full speed at once.
//
// All times come in as arguments; durations of the policy are divided by `scale` (clock_scale, 1 in production), rates
// are real. Not thread-safe: belongs to the thread of its egress IP. About 400 bytes.
#pragma once

#include <optional>

#include "absl/time/time.h"
#include "sender/shaping/accept_meter.h"
#include "sender/shaping/gcra.h"
#include "sender/sites/limits.h"
#include "sender/sites/throttle.h"
#include "wavepost/cluster/v1/sender_records.pb.h"
#include "wavepost/v1/outcomes.pb.h"

namespace wavepost {

class Shaper {
 public:
  // limits: ceilings that learning never exceeds.
  Shaper(const SiteLimits& limits, double scale);
  // As it was stored; `limits` may have changed since. A pause that has passed ends with a probe.
  static Shaper Restore(const SiteLimits& limits, double scale, const cluster::v1::ShaperState& state, absl::Time now);
  cluster::v1::ShaperState State(absl::Time now) const;
  // True if State() would say nothing that a new one does not know.
  bool fresh() const;
  // Other starting values (providers.yaml was reloaded). Keeps what was learned, within them.
  void SetLimits(const SiteLimits& limits, absl::Time now);

  // --- asking (never changes anything)
  // Connections that may be open now; 0 while paused, 1 while probing.
  int ConnectionsAllowed(absl::Time now) const;
  // Earliest time for one more connection, as far as pause and connection rate go.
  absl::Time NextConnection(absl::Time now) const;
  // Earliest time for the next MAIL, as far as pause and message rate go.
  absl::Time NextMessage(absl::Time now) const;
  int messages_per_connection() const { return limits_.messages_per_connection; }
  // In force now; kUnlimited: none.
  double messages_per_second() const;
  absl::Time paused_until() const { return paused_until_; }  // InfinitePast: not paused
  v1::Reason pause_reason() const { return pause_reason_; }
  absl::Time throttled_at() const { return throttled_at_; }  // InfinitePast: never

  // --- telling
  void OnConnecting(absl::Time now);
  void OnSending(absl::Time now);
  // A message was accepted. What was under way when a pause began does not end it. connections_open: how many of ours
  // are open there, this one included.
  void OnSuccess(absl::Time now, int connections_open);
  // A message was answered with neither success nor a complaint about us (greylisted, refused for its own sake): it
  // counts as tolerated traffic, and no more.
  void OnOtherAnswer(absl::Time now) { meter_.Count(now); }
  // hint: how long the reply asked us to stay away: a pause, but with kConnections only for new ones. jitter: uniform
  // in [0, 1). connections_open: this one included. Complaints of one burst (within five seconds) count once. More
  // refusals in a row than can have been under way, or still nothing accepted after a cut, are a closed door: a pause
  // as well.
  void OnThrottled(absl::Time now, Throttle kind, std::optional<absl::Duration> hint, int connections_open,
                   double jitter);
  // No session came about: refused, time-out, bad greeting, TLS. Pauses grow along the ladder of `reason`.
  void OnUnreachable(absl::Time now, v1::Reason reason, std::optional<absl::Duration> hint, double jitter);
  // A session ended in the middle of a transaction. Three in a row without a success count as unreachable.
  void OnLost(absl::Time now, double jitter);

 private:
  // What a refusal costs is weighed against what a question may bring: see README.md.
  void CutRate(absl::Time now);
  void CutConnections(absl::Time now, int connections_open, bool same_burst);
  void Pause(absl::Time now, absl::Time until, v1::Reason reason);
  void PauseByLadder(absl::Time now, v1::Reason reason, std::optional<absl::Duration> hint, double jitter);
  // Lets the rate, the connections and the ramp rise for the time since the last call. A success stands behind it.
  void Grow(absl::Time now, int connections_open);
  void GrowRate(absl::Time now, double seconds);
  void GrowConnections(absl::Time now, int connections_open);
  // Puts the rate that follows from all this into message_rate_.
  void Apply(absl::Time now);
  // How long to be content with one connection less than were refused.
  absl::Duration ConnectionQuestion() const;
  bool learned_rate() const { return rate_ < SiteLimits::kUnlimited; }
  absl::Duration Scaled(absl::Duration duration) const { return duration / scale_; }

  SiteLimits limits_;
  double scale_;
  Gcra connection_rate_;
  Gcra message_rate_;
  AcceptMeter meter_;
  absl::Time paused_until_ = absl::InfinitePast();
  absl::Time throttled_at_ = absl::InfinitePast();
  v1::Reason pause_reason_ = v1::REASON_UNSPECIFIED;
  bool probing_ = false;  // until one success
  int failures_ = 0;      // pauses in a row without a success
  int lost_ = 0;          // sessions in a row without a success
  int refused_ = 0;       // messages in a row without a success
  double ramp_ = 1;       // share of what is learned that is allowed, after a pause
  absl::Time grown_at_ = absl::InfinitePast();
  absl::Time sent_at_ = absl::InfinitePast();

  // The message rate. Unlimited: never throttled. A ceiling that is unlimited while the rate is not: being searched.
  double rate_ = SiteLimits::kUnlimited;
  double ceiling_ = SiteLimits::kUnlimited;
  double ceiling_before_ = SiteLimits::kUnlimited;  // as it was before the last cut
  bool cut_without_success_ = false;                // nothing was accepted since then
  absl::Time cut_at_ = absl::InfinitePast();
  absl::Time question_at_ = absl::InfinitePast();  // not beyond the ceiling before
  double debt_ = 0;                                // messages to be accepted before the next question

  // Connections. 0 of `ceiling_connections_`: never refused. Otherwise the number at which they were.
  int connections_;
  int ceiling_connections_ = 0;
  int failed_connection_questions_ = 0;
  absl::Time connections_cut_at_ = absl::InfinitePast();
  absl::Time connections_step_at_ = absl::InfinitePast();  // not more before
  absl::Time next_connection_ = absl::InfinitePast();      // as a reply asked
};

}  // namespace wavepost
