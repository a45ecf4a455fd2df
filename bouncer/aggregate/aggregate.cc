#include "bouncer/aggregate/aggregate.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "bouncer/aggregate/dmarc_xml.h"
#include "bouncer/aggregate/mail_parts.h"
#include "bouncer/aggregate/tls_json.h"
#include "bouncer/aggregate/unpack.h"
#include "common/base/status_macros.h"

namespace wavepost {
namespace {

absl::StatusOr<AggregateReport> ReadPart(std::string_view part) {
  ASSIGN_OR_RETURN(Unpacker in, Unpacker::Open(part));
  if (in.kind() == Unpacker::Kind::kJson) {
    ASSIGN_OR_RETURN(v1::TlsReport report, ReadTlsJson(in));
    return AggregateReport(std::move(report));
  }
  ASSIGN_OR_RETURN(v1::DmarcReport report, ReadDmarcXml(in));
  return AggregateReport(std::move(report));
}

}  // namespace

absl::StatusOr<AggregateReport> ReadAggregateReport(std::string_view message) {
  // Of parts that look right at first; more would be work for nothing.
  constexpr int kPartsReadMax = 3;
  absl::StatusOr<AggregateReport> result = absl::NotFoundError("no part of the mail is XML, JSON, gzip or zip");
  int parts = 0;
  std::string sender = ForEachReportPart(message, [&](std::string_view part) {
    auto read = ReadPart(part);
    // The first error stays: it is about the part that is most likely the report.
    if (read.ok() || parts == 0) result = std::move(read);
    return !result.ok() && ++parts < kPartsReadMax;
  });
  if (result.ok()) std::visit([&](auto& report) { report.set_sender(std::move(sender)); }, *result);
  return result;
}

}  // namespace wavepost
