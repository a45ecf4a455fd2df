#include "bouncer/reading/reading.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "bouncer/formats/formats.h"
#include "bouncer/formats/ses_notification.h"
#include "bouncer/reading/automatic.h"
#include "bouncer/reading/complaint.h"
#include "bouncer/reading/evidence.h"
#include "bouncer/reading/tokens.h"
#include "bouncer/report/document.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr size_t kMessageIdBytesMax = 255;

// Claims to report a delivery, and nobody could read it. Most reports are of failures; what a failure is about is not
// known here, so that it marks nobody.
Finding Unreadable(const Document& document) {
  const std::string_view subject = document.headers.Get("subject");
  Finding finding;
  finding.status.set_phase("report");
  finding.status.set_text(Printable(subject));
  if (ContainsIgnoreCase(subject, "delay") || ContainsIgnoreCase(subject, "warning")) {
    finding.bounce_class = v1::DELAY_NOTICE;
  } else if (ContainsIgnoreCase(subject, "success") || ContainsIgnoreCase(subject, "relayed")) {
    finding.bounce_class = v1::NOT_A_BOUNCE;
  } else {
    finding.bounce_class = v1::SOFT;
    finding.status.set_bounce_class(v1::SOFT);
  }
  finding.rule = "unreadable_report";
  return finding;
}

bool ClaimsToReport(const Document& document) {
  return document.has_status_part ||
         (document.content_type == "multipart/report" && ContainsIgnoreCase(document.report_type, "delivery-status"));
}

// Deliverable from anywhere: not a name within the reporting system (X.400, Exchange's wrapping, "user@store").
bool IsPublicAddress(std::string_view address) {
  const size_t at = address.rfind('@');
  return at != std::string_view::npos && at > 0 && address.find('.', at) != std::string_view::npos &&
         !StartsWithIgnoreCase(address, "IMCEA");
}

std::vector<Finding> FromGroups(std::vector<ReportedRecipient> groups) {
  std::vector<Finding> out;
  for (ReportedRecipient& group : groups) {
    // A torn group (a blank line too many) has a name but no news.
    if (group.action.empty() && group.status.empty()) continue;
    if (!IsPublicAddress(group.final_recipient) && IsPublicAddress(group.original_recipient)) {
      group.final_recipient = group.original_recipient;
    }
    out.push_back(ClassifyRecipient(group));
  }
  return out;
}

std::vector<Finding> FromSes(SesNotification notification) {
  if (notification.kind == SesNotification::Kind::kBounce) return FromGroups(std::move(notification.groups));
  const bool complaint = notification.kind == SesNotification::Kind::kComplaint;
  std::vector<Finding> out(std::max<size_t>(notification.groups.size(), 1));
  for (size_t i = 0; i < out.size(); ++i) {
    out[i].bounce_class = complaint && notification.complaint_type != "not-spam" ? v1::COMPLAINT : v1::NOT_A_BOUNCE;
    out[i].status.set_phase("report");
    out[i].status.set_text(complaint ? "complaint: " + notification.complaint_type : "a notification of Amazon SES");
    if (i < notification.groups.size()) out[i].final_recipient = notification.groups[i].final_recipient;
    out[i].format = out[i].rule = "amazon-ses-json";
  }
  return out;
}

std::vector<Finding> FindingsOf(const Document& document) {
  std::vector<Finding> out = ReadComplaint(document);
  if (!out.empty()) return out;
  if (std::optional<SesNotification> notification = ReadSesNotification(document); notification.has_value()) {
    out = FromSes(*std::move(notification));
    if (!out.empty()) return out;
  }
  if (std::optional<Finding> answer = ReadClearAnswer(document)) return {*std::move(answer)};
  out = FromGroups(ReadBounce(document));
  if (!out.empty()) return out;
  return {ClaimsToReport(document) ? Unreadable(document) : ReadOtherMail(document)};
}

// "<a@b>" -> "a@b". Of several the last one, which is the one that In-Reply-To and References end with.
std::string MessageId(std::string_view field) {
  const size_t open = field.rfind('<');
  if (open != std::string_view::npos) field.remove_prefix(open + 1);
  field = field.substr(0, field.find_first_of("> \t"));
  return Printable(field, kMessageIdBytesMax);
}

}  // namespace

Reading ReadMail(std::string_view message) {
  const Document document = ReadDocument(message);
  Reading reading;
  reading.truncated = document.truncated;
  reading.findings = FindingsOf(document);
  reading.tokens = FindTokens(document);
  reading.original_message_id =
      MessageId(document.original.empty() ? document.headers.Get("in-reply-to") : document.original.Get("message-id"));
  reading.evidence = MakeEvidence(document, reading.findings.front().status.text());
  return reading;
}

}  // namespace wavepost
