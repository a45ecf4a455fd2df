// Reads the JSON of an SMTP TLS report (RFC 8460 section 4.4).
//
// Tolerated: members in any order, unknown members, numbers as texts, a missing report-id or organization-name,
// policies and failures that cannot be read (left out: `incomplete`). With nlohmann-json's event interface: no tree is
// built.
#pragma once

#include <cstddef>

#include "absl/status/statusor.h"
#include "bouncer/aggregate/unpack.h"
#include "wavepost/v1/reports_service.pb.h"

namespace wavepost {

inline constexpr size_t kJsonBytesMax = 8 << 20;  // the parser holds a whole text of it at once
inline constexpr size_t kJsonDepthMax = 10;
inline constexpr int kTlsPoliciesMax = 1'000;
inline constexpr int kTlsFailuresMax = 100;  // of one policy

// Everything but `sender` is filled in. What does not fit into kAggregateBytesMax (dmarc_rows.h) is left out, details
// of failures first: `incomplete`.
//
// Errors: kInvalidArgument (not such a report, or broken; says how), kResourceExhausted; those of `in`.
absl::StatusOr<v1::TlsReport> ReadTlsJson(Unpacker& in);

}  // namespace wavepost
