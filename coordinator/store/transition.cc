#include "coordinator/store/transition.h"

#include <array>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "common/base/strings.h"
#include "coordinator/store/proto_time.h"

namespace wavepost {
namespace {

using cluster::v1::RecipientState;
using v1::Recipient;

// Takes the recipient out of `open`, or out of the outcome it had, and enters it under the new one.
void Enter(v1::Outcome outcome, absl::Time now, RecipientState* state, v1::WaveCounts* counts) {
  WP_CHECK(IsOutcome(outcome));
  if (state->state() == Recipient::DONE) {
    AddToOutcome(state->outcome(), -1, counts);
  } else {
    counts->set_open(counts->open() - 1);
    if (state->state() == Recipient::ASSIGNED) counts->set_assigned(counts->assigned() - 1);
  }
  AddToOutcome(outcome, +1, counts);
  state->set_state(Recipient::DONE);
  state->set_outcome(outcome);
  *state->mutable_outcome_time() = ToProtoTime(now);
  state->clear_next_attempt_time();
}

v1::Event MakeEvent(v1::Event::Kind kind, const RecipientState& state) {
  v1::Event event;
  event.set_kind(kind);
  event.set_attempts(state.attempts());
  return event;
}

bool MovesDelivered(v1::BounceClass bounce_class) {
  return bounce_class == v1::HARD || bounce_class == v1::SOFT || bounce_class == v1::POLICY;
}

v1::Suppression::Cause CauseOf(const cluster::v1::BounceReport& report) {
  switch (report.bounce_class()) {
    case v1::HARD:
      // Only a failure that blames the address may mark it; a report that does not say is taken at its class.
      return report.status().fault() == v1::RECIPIENT || report.status().fault() == v1::FAULT_UNSPECIFIED
                 ? v1::Suppression::HARD_BOUNCE
                 : v1::Suppression::CAUSE_UNSPECIFIED;
    case v1::COMPLAINT:
      return v1::Suppression::SPAM_COMPLAINT;
    case v1::UNSUBSCRIBE:
      return v1::Suppression::UNSUBSCRIBED;
    default:
      return v1::Suppression::CAUSE_UNSPECIFIED;
  }
}

// Not sent, by a decision of ours.
Effect Withhold(v1::Outcome outcome, absl::Time now, bool withdrawn, RecipientState* state, v1::WaveCounts* counts) {
  if (state->state() == Recipient::DONE) return {};
  Enter(outcome, now, state, counts);
  state->set_withdrawn(withdrawn);
  Effect effect{.changed = true, .event = MakeEvent(v1::Event::OUTCOME_RECORDED, *state)};
  effect.event->set_outcome(outcome);
  return effect;
}

Effect ApplyDeferral(const cluster::v1::Report& report, RecipientState* state, v1::WaveCounts* counts) {
  if (state->state() == Recipient::DONE) return {};
  counts->set_deferrals(counts->deferrals() + 1);
  *state->mutable_status() = report.status();
  state->set_attempts(report.attempts());
  state->clear_next_attempt_time();
  Effect effect{.changed = true, .event = MakeEvent(v1::Event::DEFERRED, *state)};
  *effect.event->mutable_status() = report.status();
  if (report.has_next_attempt_time()) {
    *state->mutable_next_attempt_time() = report.next_attempt_time();
    *effect.event->mutable_next_attempt_time() = report.next_attempt_time();
  }
  return effect;
}

}  // namespace

Effect ApplyReport(const cluster::v1::Report& report, absl::Time now, RecipientState* state, v1::WaveCounts* counts) {
  if (report.outcome() == v1::OUTCOME_UNSPECIFIED) return ApplyDeferral(report, state, counts);
  if (!IsOutcome(report.outcome())) return {};
  const bool withdrawn = state->withdrawn();
  if (state->state() == Recipient::DONE) {
    if (!withdrawn) return {};
    state->set_withdrawn(false);
    if (report.outcome() == state->outcome()) return {.changed = true};  // the node agrees
  }

  // The report that overtook the sender's word has the last one, as it would have had in the right order: a copy had
  // been taken, and bounced, whatever became of a retry (delivered once more, withdrawn, given up).
  const bool overtaken = report.outcome() != v1::BOUNCED && state->has_early_report();
  Enter(overtaken ? v1::BOUNCED : report.outcome(), now, state, counts);
  *state->mutable_status() = overtaken ? state->early_report() : report.status();
  state->clear_early_report();
  state->set_attempts(report.attempts());

  Effect effect{.changed = true, .event = MakeEvent(v1::Event::OUTCOME_RECORDED, *state)};
  effect.event->set_outcome(state->outcome());
  *effect.event->mutable_status() = state->status();
  if (overtaken) effect.event->set_text("a report of its failure had come back before");
  if (withdrawn) effect.event->set_text("had been withdrawn, but was at the node already");
  if (report.outcome() == v1::BOUNCED && report.status().bounce_class() == v1::HARD &&
      report.status().fault() == v1::RECIPIENT) {
    effect.suppress = v1::Suppression::HARD_BOUNCE;
  }
  return effect;
}

Effect ApplyBounceReport(const cluster::v1::BounceReport& report, absl::Time now, RecipientState* state,
                         v1::WaveCounts* counts) {
  v1::DeliveryStatus status = report.status();
  status.set_bounce_class(report.bounce_class());
  Effect effect{.event = MakeEvent(v1::Event::REPORT_RECEIVED, *state), .suppress = CauseOf(report)};
  if (MovesDelivered(report.bounce_class())) {
    if (state->state() == Recipient::DONE && state->outcome() == v1::DELIVERED) {
      Enter(v1::BOUNCED, now, state, counts);
      *state->mutable_status() = status;
      effect.changed = true;
      effect.event->set_outcome(v1::BOUNCED);
    } else if ((state->state() != Recipient::DONE || state->withdrawn()) && !state->has_early_report()) {
      *state->mutable_early_report() = status;
      effect.changed = true;
    }
  }
  *effect.event->mutable_status() = std::move(status);
  return effect;
}

Effect Suppress(absl::Time now, bool withdrawn, RecipientState* state, v1::WaveCounts* counts) {
  return Withhold(v1::SUPPRESSED, now, withdrawn, state, counts);
}

Effect Cancel(absl::Time now, bool withdrawn, RecipientState* state, v1::WaveCounts* counts) {
  return Withhold(v1::CANCELLED, now, withdrawn, state, counts);
}

bool Assign(std::string_view node, std::string_view egress_ip, RecipientState* state, v1::WaveCounts* counts) {
  if (state->state() != Recipient::ACCEPTED && state->state() != Recipient::STATE_UNSPECIFIED) return false;
  state->set_state(Recipient::ASSIGNED);
  state->set_node(std::string(node));
  state->set_egress_ip(std::string(egress_ip));
  counts->set_assigned(counts->assigned() + 1);
  return true;
}

bool CompleteIfDone(absl::Time now, v1::Wave* wave) {
  if (wave->state() != v1::Wave::RUNNING || wave->counts().open() != 0) return false;
  wave->set_state(v1::Wave::COMPLETED);
  *wave->mutable_complete_time() = ToProtoTime(now);
  return true;
}

bool IsOutcome(v1::Outcome outcome) {
  return outcome >= v1::DELIVERED && outcome <= v1::CANCELLED;
}

void AddToOutcome(v1::Outcome outcome, int64_t delta, v1::WaveCounts* counts) {
  switch (outcome) {
    case v1::DELIVERED:
      return counts->set_delivered(counts->delivered() + delta);
    case v1::BOUNCED:
      return counts->set_bounced(counts->bounced() + delta);
    case v1::EXPIRED:
      return counts->set_expired(counts->expired() + delta);
    case v1::SUPPRESSED:
      return counts->set_suppressed(counts->suppressed() + delta);
    case v1::CAPPED:
      return counts->set_capped(counts->capped() + delta);
    case v1::CANCELLED:
      return counts->set_cancelled(counts->cancelled() + delta);
    default:
      WP_CHECK(false);
  }
}

namespace {

using Named = std::pair<const char*, int64_t>;

std::array<Named, 11> Numbers(const v1::WaveCounts& c) {
  return {{{"accepted", c.accepted()},
           {"refused", c.refused()},
           {"delivered", c.delivered()},
           {"bounced", c.bounced()},
           {"expired", c.expired()},
           {"suppressed", c.suppressed()},
           {"capped", c.capped()},
           {"cancelled", c.cancelled()},
           {"open", c.open()},
           {"assigned", c.assigned()},
           {"deferrals", c.deferrals()}}};
}

}  // namespace

std::vector<std::string> CheckCounts(std::string_view what, const v1::WaveCounts& c) {
  std::vector<std::string> findings;
  for (const auto& [name, value] : Numbers(c)) {
    if (value < 0) findings.push_back(absl::StrCat(Av(what), ": ", name, " is negative: ", value));
  }
  const int64_t sum =
      c.delivered() + c.bounced() + c.expired() + c.suppressed() + c.capped() + c.cancelled() + c.open();
  if (sum != c.accepted()) {
    findings.push_back(
        absl::StrCat(Av(what), ": accepted is ", c.accepted(), ", but outcomes and open add up to ", sum));
  }
  if (c.assigned() > c.open()) {
    findings.push_back(absl::StrCat(Av(what), ": assigned is ", c.assigned(), ", but only ", c.open(), " are open"));
  }
  return findings;
}

std::vector<std::string> CompareCounts(const v1::WaveCounts& recounted, const v1::WaveCounts& counters) {
  std::vector<std::string> findings;
  const auto counted = Numbers(recounted);
  const auto stored = Numbers(counters);
  for (size_t i = 0; i < counted.size(); ++i) {
    if (counted[i].second == stored[i].second) continue;
    findings.push_back(absl::StrCat(counted[i].first, ": the counter says ", stored[i].second, ", the recipients say ",
                                    counted[i].second));
  }
  return findings;
}

}  // namespace wavepost
