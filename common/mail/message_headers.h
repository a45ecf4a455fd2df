// The header fields of a message that depend on the campaign and its recipient, but not on the body.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/content/template.h"

namespace wavepost {

struct ContentSpec;

// What stands in the fields of one message besides the campaign's own text.
struct HeaderFacts {
  std::string_view address;            // To, normalized (address.h)
  std::string_view message_id;         // "local@domain", without <>
  std::string_view unsubscribe_token;  // verp.h
  absl::Time date;
};

// Immutable after Compile; all members may be called from any thread at once.
class MessageHeaders {
 public:
  MessageHeaders() = default;

  // Fields without a variable are rendered here already, and their mistakes found.
  // Errors: as MessageTemplate::Compile (message.h).
  static absl::StatusOr<MessageHeaders> Compile(const ContentSpec& spec, const TemplateColumns& columns);

  // Appends Date, From, To, Reply-To, Subject, the custom fields, Message-ID, List-Unsubscribe and its like, and
  // MIME-Version, each with CRLF behind it.
  // Errors: as CheckValues; kInvalidArgument also where `facts` cannot stand in a header; `out` then holds a part.
  absl::Status Append(const HeaderFacts& facts, const TemplateRow& row, std::string* out) const;

  // Whether these values can be rendered.
  // Errors: kInvalidArgument that starts with the field: too long, empty where it must not be, not an address
  //         (reply_to), not ASCII where encoding is not allowed.
  absl::Status CheckValues(const TemplateRow& row) const;

  // The templates in it, for what they need.
  std::vector<const Template*> templates() const;

  // Normalized.
  const std::string& from_address() const { return from_address_; }

  // Whether HeaderFacts::unsubscribe_token is needed.
  bool offers_unsubscribe() const { return !list_unsubscribe_.empty(); }

 private:
  enum class Kind : uint8_t {
    kFrom,
    kReplyTo,
    kSubject,     // as kText, but never empty
    kText,        // encoded where that is needed
    kStructured,  // its syntax knows no encoded words: must be ASCII
  };
  struct Field {
    Kind kind;
    std::string name;   // "X-Survey"
    std::string label;  // "header X-Survey", for errors
    Template value;
    bool varies = true;
    std::string fixed;  // the whole field, unless it varies
  };
  absl::Status AddField(Kind kind, std::string name, std::string label, std::string_view text,
                        const TemplateColumns& columns);
  absl::Status AddCustomFields(const ContentSpec& spec, const TemplateColumns& columns);
  absl::Status AddOurFields(const ContentSpec& spec);
  absl::Status AppendField(const Field& field, const TemplateRow& row, std::string* out) const;
  absl::Status AppendListUnsubscribe(std::string_view token, std::string* out) const;

  std::string from_address_;
  std::vector<Field> fields_;                  // From first
  std::vector<std::string> list_unsubscribe_;  // the field's pieces, with a token between each; or none
  std::string rest_;                           // the fields that are the same for everybody, MIME-Version last
};

}  // namespace wavepost
