// libFuzzer: any bytes into the report parser and the classifier. Build with the preset `fuzz`.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "bouncer/classify/classify.h"
#include "bouncer/report/parser.h"
#include "bouncer/report/report.h"
#include "common/base/strings.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const wavepost::Report report = wavepost::ParseReport(std::string_view(reinterpret_cast<const char*>(data), size));
  if (report.recipients.size() > wavepost::kReportRecipientsMax) std::abort();
  for (const wavepost::ReportedRecipient& recipient : report.recipients) {
    if (recipient.diagnostic.size() > wavepost::kReportFieldBytesMax) std::abort();
    if (!wavepost::IsUtf8(recipient.final_recipient)) std::abort();
  }
  const wavepost::Finding finding = wavepost::ClassifyReport(report);
  // Nobody is suppressed unless the failure blames the recipient.
  if (finding.bounce_class == wavepost::v1::HARD && finding.status.fault() != wavepost::v1::RECIPIENT) std::abort();
  if (finding.status.text().size() > 1024 || !wavepost::IsUtf8(finding.status.text())) std::abort();
  return 0;
}
