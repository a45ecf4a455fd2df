// Reads DMARC aggregate reports and SMTP TLS reports out of the mails that carry them.
#pragma once

#include <string_view>
#include <variant>

#include "absl/status/statusor.h"
#include "wavepost/v1/reports_service.pb.h"

namespace wavepost {

using AggregateReport = std::variant<v1::DmarcReport, v1::TlsReport>;

// `message` is a whole mail. The report is the first of its parts that can be one: XML (DMARC, RFC 7489) or JSON (TLS,
// RFC 8460), plain, in gzip or in zip. Safe against bombs: see the limits in unpack.h; XML with a DOCTYPE is refused.
// The report is small enough for the feed: kAggregateBytesMax (dmarc_rows.h).
//
// Errors: kNotFound (no such part), kInvalidArgument (it is broken, says how), kResourceExhausted (beyond a limit, says
// which). Pure, any thread.
absl::StatusOr<AggregateReport> ReadAggregateReport(std::string_view message);

}  // namespace wavepost
