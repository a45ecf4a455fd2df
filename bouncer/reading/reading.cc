#include "bouncer/reading/reading.h"

#include <utility>

#include "bouncer/formats/formats.h"
#include "bouncer/report/document.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

Finding WholeMail(const Document& document, wavepost::v1::BounceClass bounce_class) {
  Finding finding;
  finding.bounce_class = bounce_class;
  finding.status.set_phase("report");
  finding.status.set_text(Printable(document.headers.Get("subject")));
  return finding;
}

}  // namespace

Reading ReadMail(std::string_view message) {
  const Document document = ReadDocument(message);
  Reading reading;
  reading.truncated = document.truncated;
  for (const ReportedRecipient& recipient : ReadBounce(document)) {
    // A torn group (a blank line too many) has a name but no news.
    if (recipient.action.empty() && recipient.status.empty()) continue;
    reading.findings.push_back(ClassifyRecipient(recipient));
  }
  if (reading.findings.empty()) {
    const std::string automatic = AsciiLower(document.headers.Get("auto-submitted"));
    const bool answers = !automatic.empty() && !automatic.starts_with("no");
    reading.findings.push_back(WholeMail(document, answers ? wavepost::v1::AUTO_REPLY : wavepost::v1::NOT_A_BOUNCE));
  }
  return reading;
}

}  // namespace wavepost
