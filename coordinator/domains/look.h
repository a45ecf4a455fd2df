// What a look at a domain's records does to the domain: state, keys, return path, next look, events. Pure.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/config/coordinator_config.h"
#include "coordinator/domains/setup.h"
#include "wavepost/cluster/v1/coordinator_records.pb.h"
#include "wavepost/v1/domains_service.pb.h"
#include "wavepost/v1/events_service.pb.h"

namespace wavepost {

// A VERIFIED domain is LOST when so many looks in a row found a required record missing or wrong, each at least
// kFailedLookEvery after the one before. DNS that does not answer never counts, and forgives nothing either.
inline constexpr int kFailedLooksMax = 3;
inline constexpr absl::Duration kFailedLookEvery = absl::Hours(1);
// While its owner is setting it up, or mending it, a domain is looked at hourly, for so long; then as often as the
// policy says.
inline constexpr absl::Duration kEagerFor = absl::Hours(24 * 3);
inline constexpr absl::Duration kEagerEvery = absl::Hours(1);

// What the required records of a look say together.
enum class Required {
  kFound,    // all are there
  kFailed,   // at least one is missing or wrong
  kUnknown,  // neither: DNS did not answer, or nothing is required
};
Required RequiredOf(const std::vector<v1::RecordCheck>& checks);

// The first required record that is missing or wrong, with its advice, as a sentence: "wp1._domainkey.a.example TXT:
// ...". Empty if there is none.
std::string FirstFailure(const v1::SendingDomain& domain);

// Stores the checks in the domain and draws the conclusions.
//
// checks: of CheckDomain, for the domain as it was when they were made; they may be older than its newest keys.
// events: what happened, kind and text.
void ApplyLook(const OurNames& ours, const DomainPolicy& policy, absl::Time now, std::vector<v1::RecordCheck> checks,
               cluster::v1::StoredSendingDomain* stored, std::vector<v1::Event>* events);

}  // namespace wavepost
