// Reads the XML of a DMARC aggregate report (RFC 7489 appendix C; RFC 9990), in whatever dialect it comes.
//
// Tolerated: any namespace or none, elements in any order and letter case, unknown elements, white space, a missing
// report_id or org_name, rows that cannot be read (left out: `incomplete`), anything after the report's end. With
// expat, which reads piece by piece; a DOCTYPE is refused, so that there are no entities to expand.
#pragma once

#include <cstddef>

#include "absl/status/statusor.h"
#include "bouncer/aggregate/unpack.h"
#include "wavepost/v1/reports_service.pb.h"

namespace wavepost {

inline constexpr int kXmlDepthMax = 20;
inline constexpr size_t kXmlTextBytesMax = 1024;        // of one element; the rest is not looked at
inline constexpr size_t kXmlTokenBytesMax = 64 * 1024;  // of one tag or comment
inline constexpr size_t kDmarcRecordsMax = 200'000;     // read and summed up; the rest: `incomplete`

// Everything but `sender` is filled in; see dmarc_rows.h for the rows' limits.
//
// Errors: kInvalidArgument (not such a report, or broken; says how), kResourceExhausted; those of `in`.
absl::StatusOr<v1::DmarcReport> ReadDmarcXml(Unpacker& in);

}  // namespace wavepost
