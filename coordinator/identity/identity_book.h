// What a check adds to what was known, and what has changed by it. Pure.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/identity/identity_check.h"
#include "coordinator/identity/own_records.h"
#include "wavepost/v1/identity_service.pb.h"
#include "wavepost/v1/nodes_service.pb.h"

namespace wavepost {

inline constexpr size_t kNoAnswersKept = 2000;     // listings without an answer in an Identity; LISTED ones always stay
inline constexpr size_t kIdentityEventsMax = 100;  // of one check

// The addresses that are looked up, of all: those that receivers can see, each once, at most kCheckedIpsMax.
std::vector<CheckedIp> IpsToCheck(const std::vector<v1::EgressIp>& ips);

struct IdentityPlan {
  std::string domain;
  OwnRecords own;
  std::vector<v1::EgressIp> ips;  // all of them
  IdentityQuestions questions;    // made from these
};

// The identity after a check. What DNS did not answer, or there was no time for, stays as it was known in `before`,
// with a word about it: an address that is known to be listed stays so until the list says otherwise.
v1::Identity MergeIdentity(const v1::Identity& before, const IdentityPlan& plan, const IdentityAnswers& answers,
                           absl::Time now);

struct IdentityChange {
  bool bad = false;  // turned bad, else good again
  std::string subject;
  std::string text;
};

// In the order of `after`. Only between states that are known; what is bad at first sight has turned bad.
std::vector<IdentityChange> IdentityChanges(const v1::Identity& before, const v1::Identity& after);

}  // namespace wavepost
