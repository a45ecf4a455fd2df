// How a recipient's books change: every move between the entries of the accounting law is made here and nowhere else.
//
// Pure: no disk, no clock. Each function changes state and counts together, so that the law
// accepted = delivered + bounced + expired + suppressed + capped + cancelled + open holds after it if it held before.
//
//   ACCEPTED --Assign--> ASSIGNED --ApplyReport--> DONE(outcome)
//   ACCEPTED, ASSIGNED --Suppress--> DONE(SUPPRESSED)
//   ACCEPTED, ASSIGNED --Cancel--> DONE(CANCELLED)
//   DONE(DELIVERED) --ApplyBounceReport--> DONE(BOUNCED)
//   DONE(SUPPRESSED or CANCELLED), withdrawn --ApplyReport--> DONE(outcome)   the node had it already: its word is the
//   truth
//
// All other reports about a recipient that has its outcome change nothing: the first outcome stays.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/store/soft_bounces.h"
#include "wavepost/cluster/v1/bounce_feed_service.pb.h"
#include "wavepost/cluster/v1/coordinator_records.pb.h"
#include "wavepost/cluster/v1/dispatch_service.pb.h"
#include "wavepost/v1/campaigns_service.pb.h"
#include "wavepost/v1/events_service.pb.h"
#include "wavepost/v1/suppressions_service.pb.h"

namespace wavepost {

// What else has to be recorded, in the same write.
struct Effect {
  bool changed = false;            // the state has to be stored
  std::optional<v1::Event> event;  // without sequence, time, tenant, wave, recipient and address
  // Not UNSPECIFIED: the address goes on the tenant's list.
  v1::Suppression::Cause suppress = v1::Suppression::CAUSE_UNSPECIFIED;
  // Why, for the list. Empty: what the status says.
  std::string evidence;
  // The event is recorded only if the suppression is new: it tells of nothing else that has not been told.
  bool only_if_suppressed = false;
  // What it says about the address, for soft bounces that add up.
  AddressSign sign = AddressSign::kNone;
};

// Entries of RecipientState.reports.
inline constexpr int kReportKindsMax = 16;

// A sender's word. An outcome that we do not know changes nothing.
Effect ApplyReport(const cluster::v1::Report& report, absl::Time now, cluster::v1::RecipientState* state,
                   v1::WaveCounts* counts);

// A report that came back: it counts, and is an event if it is the first of its kind (class and reason), moves the
// outcome, or suppresses. A thousand bounces for one recipient are one event and a counter.
Effect ApplyBounceReport(const cluster::v1::BounceReport& report, absl::Time now, cluster::v1::RecipientState* state,
                         v1::WaveCounts* counts);

// The planner's or dispatcher's decision not to send. withdrawn: the recipient was in a batch already.
// Changes nothing if it has its outcome.
Effect Suppress(absl::Time now, bool withdrawn, cluster::v1::RecipientState* state, v1::WaveCounts* counts);

// The same for a drop that somebody ordered.
Effect Cancel(absl::Time now, bool withdrawn, cluster::v1::RecipientState* state, v1::WaveCounts* counts);

// ACCEPTED -> ASSIGNED. False, and nothing changed, from any other state.
bool Assign(std::string_view node, std::string_view egress_ip, cluster::v1::RecipientState* state,
            v1::WaveCounts* counts);

// RUNNING -> COMPLETED when nothing is open any more. True if it was done now.
bool CompleteIfDone(absl::Time now, v1::Wave* wave);

// Whether it is one of the entries of the law. OUTCOME_UNSPECIFIED (that is `open`) and unknown values are not.
bool IsOutcome(v1::Outcome outcome);
void AddToOutcome(v1::Outcome outcome, int64_t delta, v1::WaveCounts* counts);

// Sentences about what is wrong with a set of counters by themselves: negative numbers, the law. Empty: nothing.
std::vector<std::string> CheckCounts(std::string_view what, const v1::WaveCounts& counts);

// Sentences about each counter that differs.
std::vector<std::string> CompareCounts(const v1::WaveCounts& recounted, const v1::WaveCounts& counters);

}  // namespace wavepost
