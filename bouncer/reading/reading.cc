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
#include "bouncer/report/original.h"
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

// "550 ..." or "#5.1.1" stands in it.
bool QuotesReply(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  for (size_t i = 0; i + 3 <= text.size(); ++i) {
    if ((text[i] != '4' && text[i] != '5') || (i > 0 && is_digit(text[i - 1]))) continue;
    if (text[i + 1] == '.' && is_digit(text[i + 2])) return true;
    if (is_digit(text[i + 1]) && is_digit(text[i + 2]) && (i + 3 == text.size() || !is_digit(text[i + 3]))) return true;
  }
  return false;
}

// Prose of an unknown form that names nobody and quotes no reply: it may be a person's, and must not end an address.
bool IsHearsay(const ReportedRecipient& group) {
  return group.format == "generic" && group.final_recipient.empty() && group.status.empty() &&
         !QuotesReply(group.diagnostic) && !QuotesReply(group.context);
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
    if (out.back().bounce_class == v1::HARD && IsHearsay(group)) {
      out.back().bounce_class = v1::SOFT;
      out.back().status.set_bounce_class(v1::SOFT);
    }
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

bool IsBounce(const Finding& finding) {
  return finding.bounce_class == v1::HARD || finding.bounce_class == v1::SOFT || finding.bounce_class == v1::POLICY ||
         finding.bounce_class == v1::DELAY_NOTICE;
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
  Document document = ReadDocument(message);
  Reading reading;
  reading.truncated = document.truncated;
  reading.findings = FindingsOf(document);
  // Only now it is known that a program wrote, whose address did not say so.
  if (std::any_of(reading.findings.begin(), reading.findings.end(), IsBounce)) {
    for (const TextPart& part : document.texts) {
      if (document.original.empty()) FindOriginalInText(part.text, &document.original);
    }
  }
  reading.tokens = FindTokens(document);
  reading.original_message_id =
      MessageId(document.original.empty() ? document.headers.Get("in-reply-to") : document.original.Get("message-id"));
  reading.evidence = MakeEvidence(document, reading.findings.front().status.text());
  for (Finding& finding : reading.findings) finding.status.set_text(BlotTokens(finding.status.text()));
  return reading;
}

}  // namespace wavepost
