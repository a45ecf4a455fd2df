// From a campaign's content and one recipient's attributes to the message as it goes on the wire.
//
// MIME (RFC 2045-2047, 2183, 2231, 2387): multipart/alternative with text and HTML, pictures and files round it, all in
// 7 bits, lines of at most 998 bytes (RFC 5322 section 2.1.1). Attributes are HTML-escaped in HTML, plain in text,
// encoded in headers; whatever they contain, they cannot end a header field or a MIME part.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/content/template.h"
#include "common/mail/body_template.h"
#include "common/mail/message_headers.h"
#include "common/mail/mime_frame.h"

namespace wavepost {

inline constexpr size_t kCustomHeadersMax = 32;
inline constexpr size_t kColumnsMax = 256;
inline constexpr size_t kHeaderValueBytesMax = 4096;  // rendered, before encoding
inline constexpr size_t kAttachmentsMax = 50;
inline constexpr size_t kAttachmentBytesMax = 10 * (1 << 20);  // of all together, before base64
inline constexpr size_t kMessageBytesMax = 25 * (1 << 20);     // of a whole message

struct AttachmentSpec {
  std::string file_name;     // UTF-8; empty only if inline
  std::string content_type;  // "type/subtype"
  std::string content_id;    // not empty: inline, for src="cid:..." in the HTML
  std::string data;
};

// What a campaign sends. `subject`, `from_name`, `reply_to`, `html`, `text` and header values are templates over
// `columns`.
struct ContentSpec {
  std::string subject;
  std::string from_name;     // may be empty
  std::string from_address;  // ASCII local part
  std::string reply_to;      // an address, or "Name <address>", when rendered; empty: no Reply-To
  std::string html;
  std::string text;  // empty: derived from `html`
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<std::string> columns;
  std::vector<std::string> json_columns;  // of the columns: values are JSON (template.h)
  std::vector<AttachmentSpec> attachments;
  bool auto_submitted = false;
  std::string feedback_id;         // empty: no such field, unless a header gives one
  std::string unsubscribe_url;     // "https://u.example/u/"; the token follows. Empty: no one-click
  std::string unsubscribe_domain;  // of "u+TOKEN@". Both empty: no List-Unsubscribe, unless a header gives one
};

struct RenderedMessage {
  std::string headers;          // "Name: value\r\n"..., without the next; no blank line behind
  std::string content_headers;  // MIME-Version is in headers; Content-Type and its like are here
  std::string body;             // CRLF line ends
  std::string body_hash;        // DkimBodyHash(body) where it is known from before; else empty
  bool needs_8bit = false;      // only together with needs_smtputf8
  bool needs_smtputf8 = false;  // the To field has an address with a non-ASCII local part
};

// Immutable after Compile; all members may be called from any thread at once.
class MessageTemplate {
 public:
  // Errors: kInvalidArgument that starts with the field ("html", "text", "subject", "from_name", "header NAME",
  //         "from_address", "reply_to", "columns", "json_columns", "attachments[2]", "unsubscribe_url",
  //         "unsubscribe_domain", "feedback_id"), in templates with line and column: "html:12:5: ...". Refused are
  //         templates that do not compile (template.h), empty html or subject, bad addresses, header names that are
  //         malformed, twice there, or ours or the receivers' to set (header_policy.h), attachments beyond the limits
  //         or with bad names or types, and pictures that the HTML shows but that are not there, or the other way
  //         round.
  static absl::StatusOr<std::shared_ptr<const MessageTemplate>> Compile(ContentSpec spec);

  // Columns that each recipient must have a value for, in the order of spec.columns.
  const std::vector<std::string>& variables() const { return variables_; }

  // Columns that only switch sections, or stand inside their own section: may be empty.
  const std::vector<std::string>& section_variables() const { return section_variables_; }

  // Whether these values, in the order of spec.columns, can be rendered. Import asks this, so that Render never fails
  // on what was accepted.
  // Errors: kInvalidArgument that names the column (wrong number, not UTF-8, not JSON, or needed and without a value)
  // or
  //         the field (reply_to that is no address, a header too long...). kResourceExhausted: larger than the limits.
  absl::Status CheckValues(const std::vector<std::string>& values) const;

  struct Recipient {
    std::string_view address;                          // To, normalized (address.h)
    const std::vector<std::string>* values = nullptr;  // in the order of spec.columns
    std::string_view message_id;                       // "local@domain", without <>
    std::string_view unsubscribe_token;                // verp.h; needed if the content offers to unsubscribe
    absl::Time date;                                   // to the second, written in UTC
  };

  // For who puts a whole message together and minds copies of the body.
  struct RenderOptions {
    // Leaves RenderedMessage::body empty where fixed_body() has it, which with attachments is large.
    bool omit_fixed_body = false;
    // If set: RenderedMessage::body, unless it is left empty, starts with as many bytes to be written over as this
    // says, and as headers, content_headers and a blank line need.
    std::optional<size_t> room;
  };

  // Same recipient, same bytes.
  // Errors: kInvalidArgument: CheckValues, an address, token or Message-ID that cannot stand in a header, a header
  // value
  //         too long or, where encoding is not allowed (List-*), not ASCII. kResourceExhausted: larger than the limits.
  absl::StatusOr<RenderedMessage> Render(const Recipient& recipient, const RenderOptions& options) const;
  absl::StatusOr<RenderedMessage> Render(const Recipient& recipient) const { return Render(recipient, {}); }

  // The body if it is the same for all recipients, else nullptr.
  const std::string* fixed_body() const { return fixed_body_.empty() ? nullptr : &fixed_body_; }

  // Normalized.
  const std::string& from_address() const { return headers_.from_address(); }

  // Whether Recipient::unsubscribe_token is needed.
  bool offers_unsubscribe() const { return headers_.offers_unsubscribe(); }

  // Bytes that it keeps in memory, about.
  size_t bytes() const;

 private:
  // A recipient's values with those of JSON columns parsed. `row` points into both.
  struct Values {
    std::vector<TemplateValue> trees;
    TemplateRow row;
  };

  MessageTemplate() = default;
  absl::Status SetColumns(const ContentSpec& spec);
  absl::Status CompileParts(const ContentSpec& spec);
  absl::Status FixBody();
  std::vector<const Template*> Templates() const;
  void GatherVariables();
  // Errors: kInvalidArgument: number of values, UTF-8, JSON, needed ones without a value.
  absl::Status ReadValues(const std::vector<std::string>& values, Values* out) const;
  absl::Status AppendBody(const TemplateRow& row, std::string* out) const;

  TemplateColumns columns_;
  bool uses_json_ = false;
  std::vector<size_t> needed_;    // indexes of variables_ in columns_
  std::vector<size_t> optional_;  // of section_variables_
  std::vector<std::string> variables_;
  std::vector<std::string> section_variables_;
  MessageHeaders headers_;
  MimeFrame frame_;
  BodyTemplate text_;
  BodyTemplate html_;
  bool text_derived_ = false;
  std::string fixed_body_;  // empty: it varies
  std::string fixed_body_hash_;
};

}  // namespace wavepost
