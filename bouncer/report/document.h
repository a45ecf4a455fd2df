// A mail that came back, taken apart within limits and not yet judged: what every reader of bounces starts from.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bouncer/report/report.h"

namespace wavepost {

inline constexpr int kMimeDepthMax = 10;
inline constexpr size_t kMimePartsMax = 100;
inline constexpr size_t kDecodedBytesMax = 256 * 1024;  // of a part, after base64 or quoted-printable
inline constexpr size_t kHeaderFieldsMax = 200;         // of one header; more are not looked at
inline constexpr size_t kHeaderValueBytesMax = 2048;    // of one field, decoded
inline constexpr size_t kTextBytesMax = 256 * 1024;     // of all texts together, as UTF-8

// A header field: name in lower case; value unfolded, RFC 2047 words decoded, printable UTF-8.
struct HeaderField {
  std::string name;
  std::string value;
};

// In the order of the message.
struct HeaderFields {
  std::vector<HeaderField> fields;

  // The first of that name (lower case), or empty. The view lives as long as this.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const;
  bool empty() const { return fields.empty(); }
};

// A text that people are meant to read, outside of the returned original.
struct TextPart {
  std::string text;       // UTF-8 whatever charset it came in, lines end with LF, HTML made plain
  bool was_html = false;  // false: text/plain (or nothing said)
};

struct Document {
  HeaderFields headers;
  std::string content_type;  // of the message, lower case, "type/subtype"; "text/plain" if it says nothing
  std::string
      report_type;  // of multipart/report, lower case: "delivery-status", "feedback-report", "disposition-notification"

  // message/delivery-status or message/global-delivery-status was there, readable or not.
  bool has_status_part = false;
  // Its per-recipient groups, of all such parts, at most kReportRecipientsMax.
  std::vector<ReportedRecipient> groups;

  // message/feedback-report (RFC 5965): its fields. Absent: there is none.
  std::optional<HeaderFields> feedback;
  // message/disposition-notification (RFC 8098) is there: a read receipt.
  bool has_disposition = false;

  // text/plain first choice, text/html only where a multipart/alternative has no plain text; in order.
  std::vector<TextPart> texts;

  // Header of the returned original: message/rfc822, message/global, text/rfc822-headers, message/global-headers. If
  // the MIME has none, and a mail system wrote, the one that its text quotes (original.h). Empty: none found.
  HeaderFields original;

  // Something lay beyond a limit and was not looked at.
  bool truncated = false;
};

// Any bytes are allowed; never fails: what cannot be read is not in the result. Pure, any thread. Limits: mime_head.h
// and above; time is linear in the head.
Document ReadDocument(std::string_view message);

}  // namespace wavepost
