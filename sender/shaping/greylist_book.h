// What is known about greylisting at one MX set from one egress IP, and what follows for newcomers and retries. Pure.
//
// A host that greylists defers what it does not know and lets it pass when it comes again after a window: an
// appointment, not an error. Some keep their memory by client address (one passes, then all do), most by the triplet of
// client, return path and recipient (everybody is deferred once). Until we have passed, one message goes first:
//
//   Open      nothing known against it: everybody may go. Also: passed within 35 days, keyed by client.
//   Probe     never passed: one newcomer is under way, the others wait for its reply (seconds).
//   Register  the probe was deferred at RCPT or later, where the recipient was known: newcomers are tried, so that
//             each one's clock starts, but at most kRegisterMax of them before the first pass.
//   Wait      deferred before RCPT (so by client), or enough are registered: newcomers wait for the first appointment.
//             If nobody comes back from that (suppressed, its lane paused), a newcomer goes as a probe soon after it.
//
// A newcomer that is accepted while others are deferred opens the gate until another one is deferred. Accepted after
// one of those has passed, it shows that the memory is by client; deferred within an hour of that, by recipient: from
// then on newcomers are tried at once. Deferred later than that, the host may just have forgotten us, and all begins
// anew. Retries are never held back by this: they have their own due times. Urgent messages do not wait either.
//
// Times are real (wall clock); `scale` divides the policy's durations. Not thread-safe.
#pragma once

#include <optional>

#include "absl/time/time.h"
#include "wavepost/cluster/v1/sender_records.pb.h"

namespace wavepost {

class GreylistBook {
 public:
  static constexpr int kRegisterMax = 500;
  static constexpr absl::Duration kRemember = absl::Hours(24 * 35);
  static constexpr absl::Duration kWindowUnknown = absl::Minutes(5);

  enum class Gate { kOpen, kProbe, kRegister, kWait };

  GreylistBook(double scale, const cluster::v1::GreylistState& state);
  cluster::v1::GreylistState State() const { return state_; }
  // True if there is nothing worth storing.
  bool fresh() const;

  // May newcomers (first attempts) start? kProbe: one at a time; the caller says OnProbing when it starts one and the
  // gate is kWait until its reply or OnProbeLost.
  Gate GateAt(absl::Time now) const;
  // While the gate is kWait: when to look again. With a probe under way that is when it is given up; its reply opens
  // the gate earlier.
  absl::Time WaitUntil() const;
  void OnProbing(absl::Time now);
  // The probe ended without saying anything about greylisting (connection lost, not taken).
  void OnProbeLost();

  // A message was accepted, or refused for another reason than greylisting (it got past it as well). first_deferral:
  // when this recipient was greylisted first; nothing: it never was.
  void OnPassed(absl::Time now, std::optional<absl::Time> first_deferral);
  // A reply says greylisted. after_rcpt: it came at RCPT or later. Returns when this recipient is due again: hint, else
  // the learned window, else kWindowUnknown, counted from its first deferral; plus 1 to 5 s by `jitter` in [0, 1), so
  // that it never comes before the window has passed; at a repeated deferral the waits grow. `step`: deferrals of this
  // recipient, this one included, from 1.
  absl::Time OnDeferred(absl::Time now, absl::Time first_deferral, int step, bool after_rcpt,
                        std::optional<absl::Duration> hint, double jitter);
  // The window as far as it is known, unscaled: the shortest time after which a retry was accepted, or what a hint
  // said; but not beyond the first usual age (5, 15, 30 min, 1, 2, 4.5 h ...) after the longest that was refused, since
  // a retry may have come late for other reasons. Nothing: never seen.
  std::optional<absl::Duration> window() const;

 private:
  // True if we have passed within kRemember.
  bool Remembered(absl::Time now) const;
  // Nobody waits any more.
  void Settle();
  void Learn(absl::Duration age, int step, std::optional<absl::Duration> hint);
  absl::Time DueAt(absl::Time now, absl::Time first_deferral, int step, std::optional<absl::Duration> hint,
                   double jitter) const;

  double scale_;
  cluster::v1::GreylistState state_;
  // Not stored.
  absl::Time probe_at_ = absl::InfinitePast();  // when the probe that is under way started
  bool passed_meanwhile_ = false;               // a newcomer passed while others wait for their appointments
};

}  // namespace wavepost
