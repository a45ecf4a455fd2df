// Looks at what stands in DNS for a sending domain, and says what is wrong with it in words that its owner understands.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "common/async/deadline.h"
#include "common/async/tokens.h"
#include "coordinator/domains/setup.h"
#include "wavepost/v1/domains_service.pb.h"

namespace wavepost {

class Resolver;

inline constexpr int kDomainLookupsMax = 60;  // DNS questions for one check, all records together

// One check per record of RecordsToPublish, in its order. What DNS does not answer is UNKNOWN; that is no error.
//
// resolver: outlives the coroutine; its thread only.
// Errors:   kCancelled.
//
// What is told apart, beside missing, wrong and unknown (problem codes; README.md has the sentences):
//   DKIM         key of somebody else, truncated, split wrongly (blanks or quotes inside), revoked (p= empty), several
//                records, zone name appended twice, underscore dropped, wrong k=, t=y (test mode: OK with advice),
//                TXT where a CNAME belongs, CNAME to another target, our side of the CNAME not there
//   SPF          none (or of the withdrawn type SPF), two records, no include of ours, include behind "all" or with
//                a sign, +all, more than 10 lookups or 2 void ones, loops, broken includes, syntax, version ("spf2.0"),
//                redirect that leads past ours
//   return path  MX elsewhere, MX to an address, another MX beside ours, SPF there missing, CNAME beside other records
//   DMARC        none, two records, syntax, alignment that our mail does not meet; record at the organisational domain
//                only, and a policy that DKIM alone meets: OK, with advice
Awaitable<absl::StatusOr<std::vector<v1::RecordCheck>>> CheckDomain(Resolver* resolver, OurNames ours,
                                                                    v1::SendingDomain domain, Deadline deadline);

}  // namespace wavepost
