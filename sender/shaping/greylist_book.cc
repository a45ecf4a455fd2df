#include "sender/shaping/greylist_book.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "wavepost/cluster/v1/sender_records.pb.h"

namespace wavepost {
namespace {

using cluster::v1::GreylistState;

// Ages at which a recipient is tried while the window is not known: what hosts are commonly set to.
constexpr absl::Duration kAges[] = {
    GreylistBook::kWindowUnknown, absl::Minutes(15), absl::Minutes(30), absl::Hours(1), absl::Hours(2),
    absl::Minutes(270),           absl::Hours(8),    absl::Hours(16),   absl::Hours(24)};
constexpr absl::Duration kAgeStep = absl::Hours(8);  // beyond
constexpr absl::Duration kHintMax = absl::Hours(24);
constexpr absl::Duration kHintMin = absl::Seconds(1);
// A host that keeps naming short times is visited less and less often.
constexpr absl::Duration kRepeatMin = absl::Minutes(5);
constexpr int kRepeatDoublingsMax = 6;
constexpr int kPatientSteps = 2;
constexpr absl::Duration kRetryMin = absl::Seconds(30);
// The first appointment's own retry comes first; if it does not come at all, a newcomer goes.
constexpr absl::Duration kGrace = absl::Seconds(30);
constexpr absl::Duration kProbeMax = absl::Minutes(15);
// Within this time of a pass a deferred newcomer is proof that the memory is by recipient; later it may just have been
// forgotten.
constexpr absl::Duration kProof = absl::Hours(1);
constexpr absl::Duration kPassedStep = absl::Minutes(10);  // how exactly last_passed_ms is kept
constexpr absl::Duration kJitterMin = absl::Seconds(1);
constexpr absl::Duration kJitterMax = absl::Seconds(5);

absl::Time At(int64_t ms) {
  return ms == 0 ? absl::InfinitePast() : absl::FromUnixMillis(ms);
}

absl::Duration NextAge(absl::Duration refused) {
  for (const absl::Duration age : kAges) {
    if (age > refused) return age;
  }
  return refused + kAgeStep;
}

}  // namespace

GreylistBook::GreylistBook(double scale, const GreylistState& state) : scale_(scale), state_(state) {}

bool GreylistBook::fresh() const {
  return state_.last_passed_ms() == 0 && state_.deferred_ms() == 0 && state_.accepted_after_ms() == 0 &&
         state_.refused_after_ms() == 0;
}

bool GreylistBook::Remembered(absl::Time now) const {
  return now < At(state_.last_passed_ms()) + kRemember / scale_;
}

GreylistBook::Gate GreylistBook::GateAt(absl::Time now) const {
  if (Remembered(now) && state_.keyed_by() == GreylistState::RECIPIENT) return Gate::kOpen;
  if (state_.deferred_ms() == 0) {
    if (Remembered(now)) return Gate::kOpen;
  } else if (passed_meanwhile_) {
    return Gate::kOpen;
  } else if (state_.registered() < kRegisterMax) {
    return Gate::kRegister;
  } else if (now < At(state_.appointment_ms()) + kGrace / scale_) {
    return Gate::kWait;
  }
  const bool probing = now < probe_at_ + kProbeMax / scale_;
  return probing ? Gate::kWait : Gate::kProbe;
}

absl::Time GreylistBook::WaitUntil() const {
  const absl::Time appointment = At(state_.appointment_ms()) + kGrace / scale_;
  // A probe that nobody hears of again must not keep the gate shut for ever.
  return probe_at_ == absl::InfinitePast() ? appointment : std::max(appointment, probe_at_ + kProbeMax / scale_);
}

void GreylistBook::OnProbing(absl::Time now) {
  probe_at_ = now;
}

void GreylistBook::OnProbeLost() {
  probe_at_ = absl::InfinitePast();
}

void GreylistBook::OnPassed(absl::Time now, std::optional<absl::Time> first_deferral) {
  const int64_t now_ms = absl::ToUnixMillis(now);
  if (!Remembered(now)) state_.set_keyed_by(GreylistState::UNKNOWN);
  probe_at_ = absl::InfinitePast();
  if (first_deferral.has_value()) {
    // By client only the first one to pass shows the window: those after it would have passed at any age.
    const bool shows_window = state_.deferred_ms() != 0 || state_.keyed_by() == GreylistState::RECIPIENT;
    const int64_t age_ms = absl::ToInt64Milliseconds((now - *first_deferral) * scale_);
    if (shows_window && age_ms > 0 && (state_.accepted_after_ms() == 0 || age_ms < state_.accepted_after_ms())) {
      state_.set_accepted_after_ms(age_ms);
      // It was refused later than this once: no window, or another one than then.
      if (state_.refused_after_ms() >= age_ms) state_.set_refused_after_ms(0);
    }
    Settle();
  } else if (state_.deferred_ms() != 0) {
    // A newcomer, while others wait for their appointments: probably by client. Not proof: hosts let some recipients
    // through, and unknown ones are refused before they are greylisted.
    passed_meanwhile_ = true;
  } else if (state_.passed_ms() != 0 && state_.accepted_after_ms() != 0 &&
             state_.keyed_by() == GreylistState::UNKNOWN) {
    state_.set_keyed_by(GreylistState::CLIENT);
  }
  if (state_.passed_ms() == 0) state_.set_passed_ms(now_ms);
  // Not to the millisecond: a state that changes with each message would be written with each message.
  if (now >= At(state_.last_passed_ms()) + kPassedStep / scale_) state_.set_last_passed_ms(now_ms);
}

void GreylistBook::Settle() {
  passed_meanwhile_ = false;
  state_.set_deferred_ms(0);
  state_.set_appointment_ms(0);
  state_.set_registered(0);
}

absl::Time GreylistBook::OnDeferred(absl::Time now, absl::Time first_deferral, int step, bool after_rcpt,
                                    std::optional<absl::Duration> hint, double jitter) {
  const absl::Duration age = std::max(absl::ZeroDuration(), (now - first_deferral) * scale_);
  Learn(age, step, hint);
  const absl::Time due = DueAt(now, first_deferral, step, hint, jitter);
  probe_at_ = absl::InfinitePast();
  if (step <= 1) {
    if (state_.deferred_ms() == 0 && now < At(state_.last_passed_ms()) + kProof / scale_) {
      state_.set_keyed_by(GreylistState::RECIPIENT);
    } else if (state_.keyed_by() == GreylistState::CLIENT || !Remembered(now)) {
      state_.set_keyed_by(GreylistState::UNKNOWN);
    }
  }
  const bool by_recipient = state_.keyed_by() == GreylistState::RECIPIENT;
  if (by_recipient) return due;
  if (state_.deferred_ms() == 0) {
    state_.set_deferred_ms(absl::ToUnixMillis(now));
    state_.set_appointment_ms(absl::ToUnixMillis(due));
    state_.set_registered(0);
  }
  passed_meanwhile_ = false;
  if (step <= 1) state_.set_registered(after_rcpt ? state_.registered() + 1 : kRegisterMax);
  // The appointment that newcomers wait for is the earliest that is still to come.
  if (At(state_.appointment_ms()) <= now || due < At(state_.appointment_ms())) {
    state_.set_appointment_ms(absl::ToUnixMillis(due));
  }
  return due;
}

void GreylistBook::Learn(absl::Duration age, int step, std::optional<absl::Duration> hint) {
  const int64_t age_ms = absl::ToInt64Milliseconds(age);
  if (step > 1 && age_ms > state_.refused_after_ms()) {
    state_.set_refused_after_ms(age_ms);
    if (state_.accepted_after_ms() <= age_ms) state_.set_accepted_after_ms(0);
  }
  if (!hint.has_value() || *hint <= kHintMin) return;
  const int64_t said_ms = absl::ToInt64Milliseconds(age + std::min(*hint, kHintMax));
  if (state_.accepted_after_ms() == 0 || said_ms < state_.accepted_after_ms()) {
    state_.set_accepted_after_ms(said_ms);
    if (state_.refused_after_ms() >= said_ms) state_.set_refused_after_ms(0);
  }
}

absl::Time GreylistBook::DueAt(absl::Time now, absl::Time first_deferral, int step, std::optional<absl::Duration> hint,
                               double jitter) const {
  const absl::Duration age = std::max(absl::ZeroDuration(), (now - first_deferral) * scale_);
  const absl::Duration spread = kJitterMin + (kJitterMax - kJitterMin) * jitter;
  if (hint.has_value() && *hint > kHintMin) {
    absl::Duration wait = std::min(*hint, kHintMax);
    if (step > kPatientSteps) {
      wait = std::max(wait, kRepeatMin * (1 << std::min(step - kPatientSteps - 1, kRepeatDoublingsMax)));
    }
    return now + (wait + spread) / scale_;
  }
  absl::Duration target = window().value_or(kWindowUnknown);
  if (target <= age) target = NextAge(age);
  target = std::max(target, age + kRetryMin);
  return first_deferral + (target + spread) / scale_;
}

std::optional<absl::Duration> GreylistBook::window() const {
  const absl::Duration refused = absl::Milliseconds(state_.refused_after_ms());
  if (state_.accepted_after_ms() == 0) {
    if (state_.refused_after_ms() == 0) return std::nullopt;
    return NextAge(refused);
  }
  // An acceptance may have come late for other reasons than the window: then the usual ages lie between.
  return std::min(absl::Milliseconds(state_.accepted_after_ms()), NextAge(refused));
}

}  // namespace wavepost
