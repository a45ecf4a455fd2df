// A compiled template: literals, variables and sections over the columns of a recipient list.
//
// Why not kainjow::mustache: measured on two templates of 7 and 3 KB it alone takes 21 microseconds a message, close to
// half of what rendering, MIME included, may take; its render() is not const, so each thread would need a copy; it
// names neither the variables that a template uses nor the line of a mistake; and it would accept partials and lambdas.
// This one is a flat list of steps with columns as indexes, and is shared by all threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/content/template_tokens.h"

namespace wavepost {

inline constexpr int kTemplateDepthMax = 32;                // sections inside sections
inline constexpr size_t kRenderedBytesMax = 4 * (1 << 20);  // of one rendered template

// True if `value` has more in it than white space. What has no value hides its section and is refused as a variable.
bool HasValue(std::string_view value);

// Immutable after Compile; all members may be called from any thread at once.
class Template {
 public:
  // Renders as nothing and needs nothing.
  Template() = default;

  // What {{name}} does to a value. Either way line ends become CRLF and other control characters (TAB excepted) become
  // spaces; {{{name}}} gets that much and no more.
  enum class Escape {
    kNone,  // plain text, and headers, whose encoding happens after rendering
    kHtml,  // & < > " ' become character references: safe in text and in quoted attributes
  };

  // Compiles tokens against the columns of the recipient list, in whose order Render takes the values.
  //
  // Errors: kInvalidArgument, "FIELD:LINE:COLUMN: what is wrong", on a name that is not among `columns`, on sections
  //         that are not closed, closed twice, crossed or nested more than kTemplateDepthMax deep, and with kHtml on a
  //         variable that is an attribute's value without quotes round it, where no escaping would be safe.
  static absl::StatusOr<Template> Compile(std::string_view field, const std::vector<TemplateToken>& tokens,
                                          const std::vector<std::string>& columns, Escape escape);

  // TokenizeTemplate and Compile in one.
  static absl::StatusOr<Template> Compile(std::string_view field, std::string_view text,
                                          const std::vector<std::string>& columns, Escape escape);

  // Appends the rendered template, in UTF-8 with CRLF line ends, to `out`.
  //
  // values: one for each column, valid UTF-8. A needed one without a value renders as nothing: ask needed() first.
  // Errors: kResourceExhausted when more than kRenderedBytesMax would be appended; `out` then holds a part.
  absl::Status Render(const std::vector<std::string>& values, std::string* out) const;

  // Per column. Needed: used outside a {{#section}} of its own name, so each recipient must have a value.
  // Optional: otherwise used (names a section, or stands inside its own).
  const std::vector<bool>& needed() const { return needed_; }
  const std::vector<bool>& optional() const { return optional_; }

  // Bytes that Render can append for these values, at most; computed without looking into them.
  size_t SizeBound(const std::vector<std::string>& values) const;

 private:
  struct Step {
    enum class Kind : uint8_t { kLiteral, kEscaped, kRaw, kSection, kInverted };
    Kind kind;
    uint32_t a = 0;  // literal: offset in literals_; else the column
    uint32_t b = 0;  // literal: length; section: the step to go on with when its content is hidden
  };

  std::vector<Step> steps_;
  std::string literals_;
  std::vector<bool> needed_;
  std::vector<bool> optional_;
};

}  // namespace wavepost
