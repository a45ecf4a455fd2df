// libFuzzer: any bytes as a report, packed or not, and as a mail with one. Build with the preset `fuzz`.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "bouncer/aggregate/aggregate.h"
#include "bouncer/aggregate/dmarc_rows.h"
#include "bouncer/aggregate/dmarc_xml.h"
#include "bouncer/aggregate/fields.h"
#include "bouncer/aggregate/tls_json.h"
#include "bouncer/aggregate/unpack.h"
#include "common/base/strings.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

void RequireText(const std::string& text) {
  Require(text.size() <= wavepost::kReportTextBytesMax && wavepost::IsUtf8(text));
}

void Check(const wavepost::v1::DmarcReport& report) {
  Require(report.ByteSizeLong() <= wavepost::kAggregateBytesMax);
  Require(report.rows_size() <= static_cast<int>(wavepost::kDmarcRowsMax));
  Require(!report.domain().empty() && !report.org_name().empty() && !report.report_id().empty());
  RequireText(report.org_name());
  RequireText(report.report_id());
  for (const wavepost::v1::DmarcRow& row : report.rows()) {
    Require(wavepost::ReportIp(row.source_ip()) == row.source_ip() && row.count() > 0);
    RequireText(row.header_from());
  }
}

void Check(const wavepost::v1::TlsReport& report) {
  Require(report.ByteSizeLong() <= wavepost::kAggregateBytesMax);
  Require(report.policies_size() > 0 && report.policies_size() <= wavepost::kTlsPoliciesMax);
  for (const wavepost::v1::TlsPolicyResult& policy : report.policies()) {
    Require(policy.successful_sessions() >= 0 && policy.failed_sessions() >= 0);
    for (const wavepost::v1::TlsFailure& failure : policy.failures()) RequireText(failure.reason());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (auto in = wavepost::Unpacker::Open(bytes); in.ok()) {
    if (in->kind() == wavepost::Unpacker::Kind::kXml) {
      if (const auto report = wavepost::ReadDmarcXml(*in); report.ok()) Check(*report);
    } else {
      if (const auto report = wavepost::ReadTlsJson(*in); report.ok()) Check(*report);
    }
    return 0;
  }
  const auto report = wavepost::ReadAggregateReport(bytes);
  if (report.ok()) std::visit([](const auto& read) { Check(read); }, *report);
  return 0;
}
