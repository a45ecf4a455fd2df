#include "coordinator/store/transition.h"

#include <algorithm>
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

// Only a failure that blames the address may mark it; one that does not say is taken at its class.
bool BlamesAddress(const v1::DeliveryStatus& status) {
  return status.fault() == v1::RECIPIENT || status.fault() == v1::FAULT_UNSPECIFIED;
}

// Counts the report; true if it is the first of its kind. What would be one kind too many counts in the last entry.
bool Count(const cluster::v1::BounceReport& report, absl::Time now, RecipientState* state) {
  auto& kinds = *state->mutable_reports();
  auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const v1::ReportCount& k) {
    return k.bounce_class() == report.bounce_class() && k.reason() == report.status().reason();
  });
  const bool fresh = kind == kinds.end();
  const bool added = fresh && kinds.size() < kReportKindsMax;
  if (added) {
    v1::ReportCount& first = *state->add_reports();
    first.set_bounce_class(report.bounce_class());
    first.set_reason(report.status().reason());
    *first.mutable_first_time() = ToProtoTime(now);
  }
  v1::ReportCount& counted = fresh ? *kinds.rbegin() : *kind;
  counted.set_count(counted.count() + 1);
  *counted.mutable_last_time() = ToProtoTime(now);
  return added;
}

// A soft report counts once for its recipient: the history sees to that. So it need not be the first of its kind, as
// one before it, of the same reason, may have blamed us. What keeps coming for weeks is told anew, not bounced anew.
bool CountsAsSoft(const RecipientState& state, bool first, absl::Time now) {
  if (first) return true;
  for (const v1::ReportCount& kind : state.reports()) {
    if (kind.bounce_class() == v1::SOFT && now - FromProtoTime(kind.first_time()) > kTakenBackWithin) return false;
  }
  return true;
}

// What a sender's last word says about the address. An expiry says something only if the host blamed the mailbox:
// greylisting, throttling and dead connections are no sign of it.
AddressSign SignOf(v1::Outcome outcome, const v1::DeliveryStatus& status) {
  if (outcome == v1::DELIVERED) return AddressSign::kDelivery;
  const bool soft = (outcome == v1::BOUNCED && status.bounce_class() == v1::SOFT && BlamesAddress(status)) ||
                    (outcome == v1::EXPIRED && status.fault() == v1::RECIPIENT);
  return soft ? AddressSign::kSoftBounce : AddressSign::kNone;
}

// For people who ask later why the address is on the list.
std::string EvidenceOf(const cluster::v1::BounceReport& report) {
  if (report.source() == cluster::v1::BounceReport::UNSUBSCRIBE_PAGE) return "asked for on the unsubscribe page";
  if (report.source() == cluster::v1::BounceReport::UNSUBSCRIBE_MAIL) return "asked for by mail";
  if (!report.status().text().empty()) return report.status().text();
  if (report.bounce_class() == v1::COMPLAINT) {
    return report.status().mx_host().empty() ? "a complaint came back by the feedback loop"
                                             : absl::StrCat("a complaint came back from ", report.status().mx_host());
  }
  return report.evidence();
}

v1::Suppression::Cause CauseOf(const cluster::v1::BounceReport& report) {
  switch (report.bounce_class()) {
    case v1::HARD:
      return BlamesAddress(report.status()) ? v1::Suppression::HARD_BOUNCE : v1::Suppression::CAUSE_UNSPECIFIED;
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
  // The report that overtook it gave its sign when it came.
  if (!overtaken) effect.sign = SignOf(report.outcome(), report.status());
  return effect;
}

Effect ApplyBounceReport(const cluster::v1::BounceReport& report, absl::Time now, RecipientState* state,
                         v1::WaveCounts* counts) {
  v1::DeliveryStatus status = report.status();
  status.set_bounce_class(report.bounce_class());
  const bool first = Count(report, now, state);
  Effect effect{.changed = true,
                .event = MakeEvent(v1::Event::REPORT_RECEIVED, *state),
                .suppress = CauseOf(report),
                .evidence = EvidenceOf(report),
                .only_if_suppressed = !first};
  if (report.bounce_class() == v1::SOFT && BlamesAddress(status) && CountsAsSoft(*state, first, now)) {
    effect.sign = AddressSign::kSoftBounce;
  }
  if (MovesDelivered(report.bounce_class())) {
    if (state->state() == Recipient::DONE && state->outcome() == v1::DELIVERED) {
      Enter(v1::BOUNCED, now, state, counts);
      *state->mutable_status() = status;
      effect.event->set_outcome(v1::BOUNCED);
      effect.only_if_suppressed = false;
    } else if ((state->state() != Recipient::DONE || state->withdrawn()) && !state->has_early_report()) {
      *state->mutable_early_report() = status;
    }
  }
  *effect.event->mutable_status() = std::move(status);
  effect.event->set_evidence(Printable(report.evidence()));
  if (effect.suppress == v1::Suppression::CAUSE_UNSPECIFIED && effect.only_if_suppressed) effect.event.reset();
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
