// Looks at a record of our own domain, and says what is wrong with it in words for the operator.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/async/deadline.h"
#include "common/async/tokens.h"
#include "common/dns/records.h"
#include "wavepost/v1/domains_service.pb.h"

namespace wavepost {

class Resolver;

// What stands at a name.
struct RecordSight {
  absl::Status status;  // not OK: DNS did not answer
  std::vector<std::string> texts;
  std::vector<MxRecord> mx;
};

// Pure. `record`: of MakeOwnRecords. Each problem has a code; README.md lists them.
v1::RecordCheck JudgeOwnRecord(const v1::DnsRecord& record, const RecordSight& sight);

// DNS that does not answer is UNKNOWN. Errors: kCancelled.
Awaitable<absl::StatusOr<v1::RecordCheck>> LookAtOwnRecord(Resolver* resolver, v1::DnsRecord record, Deadline deadline);

}  // namespace wavepost
