#include "sender/shaping/shaper.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "sender/policy/retry_ladder.h"
#include "sender/shaping/accept_meter.h"
#include "sender/shaping/gcra.h"
#include "sender/sites/limits.h"
#include "wavepost/cluster/v1/sender_records.pb.h"
#include "wavepost/v1/outcomes.pb.h"

namespace wavepost {
namespace {

constexpr double kUnlimited = SiteLimits::kUnlimited;

// --- message rate
constexpr double kCut = 0.75;                           // of what was in use
constexpr double kCutMax = 0.3;                         // of what was allowed, however little was in use
constexpr double kNear = 0.97;                          // of the ceiling: where the quick return ends
constexpr absl::Duration kHold = absl::Seconds(5);      // complaints within it are of one burst; no rise
constexpr absl::Duration kReturn = absl::Seconds(20);   // from the cut to kNear
constexpr absl::Duration kLinger = absl::Minutes(4);    // from kNear to the ceiling
constexpr absl::Duration kMeasure = absl::Seconds(10);  // shorter measurements say little
constexpr double kSearchStepMax = 4;                    // seconds that one success counts for in a search
constexpr double kMeasureMin = 5;                       // messages
constexpr double kQuestionSlope = 0.004;                // of the ceiling, per second, beyond it
constexpr double kFound = 1.3;                          // so far beyond the ceiling, it is another one
constexpr absl::Duration kDouble = absl::Seconds(10);   // while the ceiling is searched
// A refused message is paid for with so many accepted ones before the next question: more where a question brought it
// about (we chose to ask) than where the receiver changed its mind.
constexpr double kQuestionPrice = 200;
constexpr double kRefusalPrice = 75;
constexpr double kDebtMax = 500;
constexpr int kPausePrice = 40;  // a pause is paid with this many times its length
constexpr double kRateMin = 0.02;
constexpr double kInUse = 0.7;        // of the rate: less, and a rise would mean nothing
constexpr int kRefusedInARowMax = 4;  // beyond those under way: the door is closed, whatever our speed
constexpr double kPauseCut = 0.8;     // of the ceiling, where going beyond it is answered with a closed door
constexpr double kPauseCreep = 1.05;  // the ceiling after a question that ended with one
// --- connections
constexpr absl::Duration kConnectionStep = absl::Seconds(2);
constexpr absl::Duration kConnectionQuestion = absl::Minutes(4);
constexpr absl::Duration kConnectionFound = absl::Seconds(30);  // between steps beyond a ceiling that was wrong
constexpr int kFailedQuestionsMax = 4;                          // doublings of kConnectionQuestion
// --- after a pause
constexpr double kRampStart = 0.1;
constexpr absl::Duration kRamp = absl::Seconds(20);
constexpr absl::Duration kRampStepMax = absl::Seconds(5);  // a long silence between two successes is no proof
// --- all
constexpr absl::Duration kGrowEvery = absl::Milliseconds(100);
constexpr absl::Duration kGrowStepMax = absl::Seconds(30);
constexpr absl::Duration kIdle = absl::Seconds(10);
constexpr absl::Duration kPauseHintMin = absl::Seconds(5);
constexpr int kLostInARowMax = 3;

// A fifth of a second's worth: timers are late, and what they miss must not be lost.
double BurstOf(double per_second) {
  return 1 + std::min(per_second * 0.2, 50.0);
}

// A small burst: connections to a new site need not wait for each other.
Gcra ConnectionRate(const SiteLimits& limits) {
  const double per_minute = limits.connections_per_minute;
  return {per_minute / 60, std::clamp(per_minute / 20, 1.0, static_cast<double>(std::max(limits.connections, 1)))};
}

}  // namespace

Shaper::Shaper(const SiteLimits& limits, double scale)
    : limits_(limits),
      scale_(scale),
      connection_rate_(ConnectionRate(limits)),
      message_rate_(limits.messages_per_second, BurstOf(limits.messages_per_second)),
      connections_(std::max(limits.connections, 1)) {}

Shaper Shaper::Restore(const SiteLimits& limits, double scale, const cluster::v1::ShaperState& state, absl::Time now) {
  Shaper shaper(limits, scale);
  const auto time = [](int64_t ms) { return ms > 0 ? absl::FromUnixMillis(ms) : absl::InfinitePast(); };
  shaper.throttled_at_ = time(state.throttled_ms());
  shaper.paused_until_ = time(state.paused_until_ms());
  shaper.pause_reason_ = state.pause_reason();
  shaper.failures_ = std::max(state.failures(), 0);
  shaper.probing_ = state.probing();
  if (shaper.probing_) shaper.ramp_ = kRampStart;
  if (state.rate() > 0) {
    shaper.rate_ = std::max(state.rate(), kRateMin);
    if (state.ceiling_rate() > 0) shaper.ceiling_ = std::max(state.ceiling_rate(), kRateMin);
    shaper.rate_ = std::min(shaper.rate_, shaper.ceiling_);
    // What a question costs here is not stored: the first one after a start comes late.
    shaper.question_at_ = now + shaper.Scaled(kLinger);
    shaper.debt_ = kDebtMax;
    // No burst for the start: as if the limit's own had just been used.
    shaper.message_rate_ = Gcra(0, 1);
    shaper.Apply(now);
  }
  if (state.connections() >= 1) {
    shaper.connections_ = static_cast<int>(std::min<double>(state.connections(), shaper.connections_));
    shaper.ceiling_connections_ = static_cast<int>(std::clamp(state.ceiling_connections(), 0.0, 1e6));
    shaper.connections_step_at_ = now + shaper.Scaled(kConnectionQuestion);
  }
  return shaper;
}

cluster::v1::ShaperState Shaper::State(absl::Time now) const {
  cluster::v1::ShaperState state;
  if (learned_rate()) {
    state.set_rate(rate_);
    if (!std::isinf(ceiling_)) state.set_ceiling_rate(ceiling_);
  }
  if (ceiling_connections_ > 0) {
    state.set_connections(connections_);
    state.set_ceiling_connections(ceiling_connections_);
  }
  if (throttled_at_ != absl::InfinitePast()) state.set_throttled_ms(absl::ToUnixMillis(throttled_at_));
  if (now < paused_until_ || probing_) {
    state.set_paused_until_ms(absl::ToUnixMillis(paused_until_));
    state.set_pause_reason(pause_reason_);
  }
  state.set_failures(failures_);
  state.set_probing(probing_);
  return state;
}

bool Shaper::fresh() const {
  return !learned_rate() && ceiling_connections_ == 0 && failures_ == 0 && !probing_ &&
         throttled_at_ == absl::InfinitePast();
}

void Shaper::SetLimits(const SiteLimits& limits, absl::Time now) {
  if (limits == limits_) return;
  limits_ = limits;
  const int connections = std::max(limits.connections, 1);
  connections_ = ceiling_connections_ > 0 ? std::clamp(connections_, 1, connections) : connections;
  const Gcra rate = ConnectionRate(limits);
  connection_rate_.SetRate(rate.per_second(), rate.burst(), now);
  Apply(now);
}

// ------------------------------------------------------------------------------------------------------- asking

int Shaper::ConnectionsAllowed(absl::Time now) const {
  if (now < paused_until_) return 0;
  if (probing_) return 1;
  return ramp_ < 1 ? std::max(1, static_cast<int>(connections_ * ramp_)) : connections_;
}

absl::Time Shaper::NextConnection(absl::Time now) const {
  return std::max({paused_until_, next_connection_, connection_rate_.Next(now)});
}

absl::Time Shaper::NextMessage(absl::Time now) const {
  return std::max(paused_until_, message_rate_.Next(now));
}

double Shaper::messages_per_second() const {
  return message_rate_.per_second();
}

// ------------------------------------------------------------------------------------------------------ telling

void Shaper::OnConnecting(absl::Time now) {
  connection_rate_.Take(now);
}

void Shaper::OnSending(absl::Time now) {
  message_rate_.Take(now);
  // After a rest the measurement begins anew: silence says nothing about what is tolerated.
  if (now - sent_at_ > std::max(kIdle, absl::Seconds(3 / message_rate_.per_second()))) meter_.Restart(now);
  sent_at_ = now;
}

void Shaper::OnSuccess(absl::Time now, int connections_open) {
  meter_.Count(now);
  // What was under way when the pause began says nothing about its end.
  if (now < paused_until_) return;
  failures_ = 0;
  lost_ = 0;
  refused_ = 0;
  cut_without_success_ = false;
  if (debt_ > 0) --debt_;
  if (probing_) {
    probing_ = false;
    grown_at_ = now;
  }
  if (now - grown_at_ >= kGrowEvery / scale_) Grow(now, connections_open);
}

void Shaper::OnThrottled(absl::Time now, Throttle kind, std::optional<absl::Duration> hint, int connections_open,
                         double jitter) {
  throttled_at_ = now;
  if (hint.has_value() && *hint < kPauseHintMin) hint.reset();
  if (now < paused_until_) {
    // Of the burst that paused us. Only somebody who asks for longer is heard.
    if (hint.has_value() && kind != Throttle::kConnections) {
      paused_until_ = std::max(paused_until_, now + RetryDelay(v1::RATE_LIMITED, 1, hint, jitter, scale_));
    }
    return;
  }
  if (probing_) {
    PauseByLadder(now, v1::RATE_LIMITED, hint, jitter);
    return;
  }
  if (kind == Throttle::kConnections) {
    const bool same_burst = now < connections_cut_at_ + Scaled(kHold);
    if (connections_open > 1 || same_burst) {
      CutConnections(now, connections_open, same_burst);
      if (hint.has_value()) next_connection_ = std::max(next_connection_, now + *hint / scale_);
    } else {
      PauseByLadder(now, v1::RATE_LIMITED, hint, jitter);
    }
    return;
  }
  const bool asked_for_it = std::isinf(ceiling_) || rate_ > ceiling_;
  debt_ = std::min(debt_ + (asked_for_it ? kQuestionPrice : kRefusalPrice), kDebtMax);
  ++refused_;
  const bool same_burst = now < cut_at_ + Scaled(kHold);
  // Refused, slowed down, and nothing has been accepted since: not our speed, the door is closed.
  const bool closed = (cut_without_success_ && !same_burst) || refused_ > connections_open + kRefusedInARowMax;
  if (!same_burst && !cut_without_success_) CutRate(now);
  if (kind == Throttle::kPause || hint.has_value() || closed) {
    ceiling_ = std::max(kRateMin, std::min(ceiling_, std::isinf(ceiling_before_) || ceiling_ < ceiling_before_
                                                         ? ceiling_ * kPauseCut
                                                         : ceiling_before_ * kPauseCreep));
    if (!std::isinf(ceiling_)) rate_ = std::min(rate_, kCut * ceiling_);
    PauseByLadder(now, v1::RATE_LIMITED, hint, jitter);
  }
}

void Shaper::OnUnreachable(absl::Time now, v1::Reason reason, std::optional<absl::Duration> hint, double jitter) {
  if (now < paused_until_) return;
  PauseByLadder(now, reason, hint, jitter);
}

void Shaper::OnLost(absl::Time now, double jitter) {
  if (++lost_ >= kLostInARowMax) OnUnreachable(now, v1::NETWORK, std::nullopt, jitter);
}

// ----------------------------------------------------------------------------------------------------- deciding

void Shaper::PauseByLadder(absl::Time now, v1::Reason reason, std::optional<absl::Duration> hint, double jitter) {
  Pause(now, now + RetryDelay(reason, ++failures_, hint, jitter, scale_), reason);
}

void Shaper::Pause(absl::Time now, absl::Time until, v1::Reason reason) {
  paused_until_ = std::max(paused_until_, until);
  pause_reason_ = reason;
  probing_ = true;
  ramp_ = kRampStart;
  lost_ = 0;
  refused_ = 0;
  cut_without_success_ = false;
  // Asking for more must not cost more than a small part of the time.
  if (reason == v1::RATE_LIMITED) question_at_ = std::max(question_at_, until + kPausePrice * (until - now));
  Apply(now);
}

void Shaper::CutRate(absl::Time now) {
  const AcceptMeter::Use use = meter_.Recent(now);
  // One more than was counted: at a slow rate the next one may have been due now.
  const double accepted = (use.count + 1) / std::max(use.seconds, 1.0);
  ceiling_before_ = ceiling_;
  const double before = std::min(rate_, limits_.messages_per_second) * ramp_;
  const bool measured = use.seconds >= absl::ToDoubleSeconds(kMeasure) || use.count >= kMeasureMin;
  if (std::isinf(ceiling_) && learned_rate() && !measured) {
    rate_ = before / 2;  // and the search goes on
  } else if (use.seconds < absl::ToDoubleSeconds(kMeasure) && !learned_rate()) {
    // The first seconds: what was accepted came out of a burst allowance, nobody knows of what size. From far below,
    // the search finds the ceiling within a few doublings.
    ceiling_ = kUnlimited;
    rate_ = kCut * std::min(before, (use.count + 1) / absl::ToDoubleSeconds(kMeasure));
  } else {
    // A measurement of a few seconds may be far off: no cut goes deeper than to a part of what was allowed.
    const double in_use = std::isinf(before) ? accepted : std::clamp(accepted, kCutMax * before, before);
    if (std::isinf(ceiling_)) {
      ceiling_ = in_use;
    } else if (in_use > ceiling_) {
      // A question was answered with no. Where the ceiling was had been fine for minutes; how far beyond it we came is
      // also the work of a burst allowance.
      ceiling_ = (ceiling_ + in_use) / 2;
    } else {
      ceiling_ = in_use * kNear;
    }
    rate_ = kCut * ceiling_;
  }
  rate_ = std::max(rate_, kRateMin);
  ceiling_ = std::max(ceiling_, kRateMin);
  cut_without_success_ = true;
  cut_at_ = now;
  question_at_ = std::max(question_at_, now + Scaled(kHold + kReturn + kLinger));
  meter_.Restart(now);
  Apply(now);
}

void Shaper::CutConnections(absl::Time now, int connections_open, bool same_burst) {
  if (same_burst) {
    // The last ones to be refused stand nearest to the limit.
    ceiling_connections_ = std::max(2, std::min(ceiling_connections_, connections_open));
    connections_ = std::min(connections_, ceiling_connections_ - 1);
    return;
  }
  connections_cut_at_ = now;
  const bool question = ceiling_connections_ > 0 && connections_open >= ceiling_connections_;
  if (question) {
    failed_connection_questions_ = std::min(failed_connection_questions_ + 1, kFailedQuestionsMax);
    ceiling_connections_ = connections_open;
    connections_ = ceiling_connections_ - 1;
  } else {
    failed_connection_questions_ = 0;
    ceiling_connections_ = connections_open;
    connections_ = std::max(1, connections_open / 2);
  }
  connections_step_at_ =
      now + Scaled(connections_ < ceiling_connections_ - 1 ? kHold
                                                           : kConnectionQuestion * (1 << failed_connection_questions_));
}

absl::Duration Shaper::ConnectionQuestion() const {
  return kConnectionQuestion * (1 << failed_connection_questions_);
}

void Shaper::Grow(absl::Time now, int connections_open) {
  const absl::Duration passed = std::min((now - grown_at_) * scale_, kGrowStepMax);
  grown_at_ = now;
  if (ramp_ < 1) ramp_ = std::min(1.0, ramp_ + absl::FDivDuration(std::min(passed, kRampStepMax), kRamp));
  GrowConnections(now, connections_open);
  if (learned_rate()) GrowRate(now, absl::ToDoubleSeconds(passed));
  Apply(now);
}

void Shaper::GrowRate(absl::Time now, double seconds) {
  if (ramp_ < 1 || now < cut_at_ + Scaled(kHold)) return;
  const double near = kNear * ceiling_;
  if (rate_ < near && !std::isinf(ceiling_)) {
    rate_ = std::min(near, rate_ + ceiling_ * (kNear - kCut) * seconds / absl::ToDoubleSeconds(kReturn));
    return;
  }
  if (rate_ < ceiling_ && !std::isinf(ceiling_)) {
    rate_ = std::min(ceiling_, rate_ + ceiling_ * (1 - kNear) * seconds / absl::ToDoubleSeconds(kLinger));
    return;
  }
  // Beyond the ceiling only what is used is proof.
  const AcceptMeter::Use use = meter_.Recent(now);
  if ((use.count + 1) < kInUse * rate_ * use.seconds) return;
  if (std::isinf(ceiling_)) {
    rate_ *= std::exp2(std::min(seconds, kSearchStepMax) / absl::ToDoubleSeconds(kDouble));
  } else if (debt_ <= 0 && now >= question_at_) {
    rate_ += ceiling_ * kQuestionSlope * seconds;
    if (rate_ > kFound * ceiling_) ceiling_ = kUnlimited;
  }
}

void Shaper::GrowConnections(absl::Time now, int connections_open) {
  if (ceiling_connections_ == 0 || now < connections_step_at_ || connections_open < connections_) return;
  if (connections_ >= ceiling_connections_) {
    // Asked for one more some time ago, and it is still there: the ceiling was another one.
    ceiling_connections_ = connections_ + 1;
    failed_connection_questions_ = 0;
  }
  if (connections_ >= limits_.connections) return;
  ++connections_;
  connections_step_at_ = now + Scaled(connections_ < ceiling_connections_ - 1 ? kConnectionStep
                                      : connections_ < ceiling_connections_   ? ConnectionQuestion()
                                                                              : kConnectionFound);
}

void Shaper::Apply(absl::Time now) {
  const double rate = std::min(limits_.messages_per_second, rate_) * ramp_;
  message_rate_.SetRate(rate, BurstOf(rate), now);
}

}  // namespace wavepost
