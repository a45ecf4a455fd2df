// From a campaign's content and one recipient's attributes to the message as it goes on the wire.
//
// MIME (RFC 2045-2047, 2231): multipart/alternative with text and HTML, all in 7 bits, lines of at most 998 bytes
// (RFC 5322 section 2.1.1). Attributes are HTML-escaped in HTML, plain in text, encoded in headers; whatever they
// contain, they cannot end a header field or a MIME part.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/content/template.h"

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
  //         "from_address", "reply_to", "columns"), in templates with line and column: "html:12:5: ...". Refused are
  //         templates that do not compile (template.h), empty html or subject, bad addresses, header names that are
  //         malformed, twice there, or ours or the receivers' to set (From, Received, DKIM-Signature, Content-*...).
  static absl::StatusOr<std::shared_ptr<const MessageTemplate>> Compile(ContentSpec spec);

  // Columns that each recipient must have a value for, in the order of spec.columns.
  const std::vector<std::string>& variables() const { return variables_; }

  // Columns that only switch sections, or stand inside their own section: may be empty.
  const std::vector<std::string>& section_variables() const { return section_variables_; }

  // Whether these values, in the order of spec.columns, can be rendered. Import asks this, so that Render never fails
  // on what was accepted.
  // Errors: kInvalidArgument that names the column (wrong number, not UTF-8, or needed and without a value).
  absl::Status CheckValues(const std::vector<std::string>& values) const;

  struct Recipient {
    std::string_view address;                          // To, normalized (address.h)
    const std::vector<std::string>* values = nullptr;  // in the order of spec.columns
    std::string_view message_id;                       // "local@domain", without <>
    std::string_view unsubscribe_token;                // verp.h; needed if the content offers to unsubscribe
    absl::Time date;                                   // to the second, written in UTC
  };

  // Same recipient, same bytes.
  // Errors: kInvalidArgument: CheckValues, an address or Message-ID that cannot stand in a header, a header value too
  //         long or, where encoding is not allowed (List-*), not ASCII. kResourceExhausted: larger than the limits.
  absl::StatusOr<RenderedMessage> Render(const Recipient& recipient) const;

 private:
  struct Header {
    std::string name;
    Template value;
    bool structured;  // its syntax knows no encoded words: must be ASCII
  };

  MessageTemplate() = default;
  absl::Status CompileHeaders(const ContentSpec& spec);
  absl::Status CompileParts(const ContentSpec& spec);
  void GatherVariables();
  absl::Status CheckNeeded(const std::vector<std::string>& values) const;
  // From, Subject and the custom ones.
  absl::Status AppendTemplateHeaders(const std::vector<std::string>& values, std::string* out) const;

  std::vector<std::string> columns_;
  std::vector<size_t> needed_;    // indexes of variables_ in columns_
  std::vector<size_t> optional_;  // of section_variables_
  std::vector<std::string> variables_;
  std::vector<std::string> section_variables_;
  std::string from_address_;
  std::string reply_to_field_;  // the whole field, or empty
  Template from_name_;
  std::vector<Header> headers_;  // Subject first, then the custom ones
  Template text_;
  Template html_;
  bool text_derived_ = false;
};

}  // namespace wavepost
