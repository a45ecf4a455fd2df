// libFuzzer: any bytes through the whole reader: MIME, RFC 3464, feedback reports, texts, rules. Preset `fuzz`.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "bouncer/reading/complaint.h"
#include "bouncer/reading/evidence.h"
#include "bouncer/reading/reading.h"
#include "bouncer/reading/tokens.h"
#include "bouncer/report/document.h"
#include "common/base/strings.h"

namespace {

using namespace wavepost;  // NOLINT: one file, and all of it is about this namespace

void Check(bool holds) {
  if (!holds) std::abort();
}

void CheckText(std::string_view text, size_t bytes_max) {
  Check(text.size() <= bytes_max);
  Check(IsUtf8(text));
}

void CheckFields(const HeaderFields& fields) {
  Check(fields.fields.size() <= kHeaderFieldsMax);
  for (const HeaderField& field : fields.fields) CheckText(field.value, kHeaderValueBytesMax);
}

void CheckDocument(const Document& document) {
  CheckFields(document.headers);
  CheckFields(document.original);
  if (document.feedback) CheckFields(*document.feedback);
  Check(document.groups.size() <= kReportRecipientsMax);
  for (const ReportedRecipient& group : document.groups) {
    CheckText(group.final_recipient, kReportFieldBytesMax);
    CheckText(group.original_recipient, kReportFieldBytesMax);
    CheckText(group.diagnostic, kReportFieldBytesMax);
  }
  size_t bytes = 0;
  for (const TextPart& part : document.texts) {
    CheckText(part.text, kTextBytesMax);
    bytes += part.text.size();
  }
  Check(bytes <= kTextBytesMax);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view message(reinterpret_cast<const char*>(data), size);
  CheckDocument(ReadDocument(message));

  const Reading reading = ReadMail(message);
  Check(!reading.findings.empty() && reading.findings.size() <= kReportRecipientsMax);
  Check(reading.tokens.size() <= kTokensMax);
  CheckText(reading.original_message_id, 255);
  CheckText(reading.evidence, kEvidenceBytesMax);
  for (const Finding& finding : reading.findings) {
    CheckText(finding.final_recipient, 320);
    CheckText(finding.status.text(), 1024);
    CheckText(finding.status.mx_host(), 255);
    // Nobody is suppressed unless the failure blames the recipient.
    if (finding.bounce_class == v1::HARD) Check(finding.status.fault() == v1::RECIPIENT);
  }
  const Finding combined = Combine(reading.findings);
  if (combined.bounce_class == v1::HARD) {
    for (const Finding& finding : reading.findings) Check(finding.bounce_class == v1::HARD);
  }
  return 0;
}
