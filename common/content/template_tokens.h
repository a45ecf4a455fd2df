// Splits a Mustache template into literals and tags, and knows where each stands. First half of the compiler.
//
// The tags of our dialect: {{name}} escaped for the place it stands in, {{{name}}} or {{&name}} as it is,
// {{#name}}...{{/name}} kept when `name` has a value, {{^name}}...{{/name}} kept when it has none, {{! a comment }}.
// Partials, changed delimiters and {{.}} are refused. A section, closing or comment tag that stands alone on its line
// takes the whole line away with it, as the Mustache specification asks.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace wavepost {

inline constexpr size_t kTemplateBytesMax = 1 << 20;
inline constexpr size_t kTemplateTagsMax = 10'000;
inline constexpr size_t kTemplateNameBytesMax = 128;

// Where something stands in a template, for people: both counted from 1, the column in characters.
struct TemplatePosition {
  int line = 1;
  int column = 1;
};

struct TemplateToken {
  enum class Kind { kLiteral, kVariable, kRaw, kSection, kInverted, kClose };
  Kind kind = Kind::kLiteral;
  std::string text;           // the literal's bytes or the tag's name
  TemplatePosition position;  // of the first byte of the literal or of the tag's braces
};

// Splits `text`. `field` names it in errors ("html", "subject", "header X-Survey").
//
// On OK:  literals as they stand in the source; comments are gone; names trimmed, never empty.
// Errors: kInvalidArgument, "FIELD:LINE:COLUMN: what is wrong", on text that is not UTF-8, is larger than
//         kTemplateBytesMax or has more than kTemplateTagsMax tags, and on an unclosed or unknown tag.
absl::StatusOr<std::vector<TemplateToken>> TokenizeTemplate(std::string_view field, std::string_view text);

// "FIELD:LINE:COLUMN: message" as kInvalidArgument.
absl::Status TemplateError(std::string_view field, TemplatePosition position, std::string_view message);

}  // namespace wavepost
