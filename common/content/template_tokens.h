// Splits a Mustache template into literals and tags, and knows where each stands. First half of the compiler.
//
// The tags, as in the Mustache specification: {{name}} escaped for the place it stands in, {{{name}}} or {{&name}} as
// it is, {{#name}}...{{/name}} for each element of `name` or if it has a value, {{^name}}...{{/name}} if it has none,
// {{.}} the value of the section around, {{! a comment }}, {{=<% %>=}} other delimiters from here on. Partials and
// inheritance are refused. A tag that stands alone on its line and is not a variable takes the whole line away with it.
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
inline constexpr size_t kTemplateDelimiterBytesMax = 8;

// Where something stands in a template, for people: both counted from 1, the column in characters.
struct TemplatePosition {
  int line = 1;
  int column = 1;
};

struct TemplateToken {
  enum class Kind { kLiteral, kVariable, kRaw, kSection, kInverted, kClose };
  Kind kind = Kind::kLiteral;
  std::string text;           // the literal's bytes or the tag's name
  TemplatePosition position;  // of the first byte of the literal or of the tag's delimiter
  std::string open = "{{";    // the delimiters that the tag was written with
  std::string close = "}}";
};

// The tag for people, "{{#name}}", in its own delimiters.
std::string TagText(const TemplateToken& token);

// Splits `text`. `field` names it in errors ("html", "subject", "header X-Survey").
//
// On OK:  literals as they stand in the source; comments and changes of delimiters are gone; names trimmed, never
// empty. Errors: kInvalidArgument, "FIELD:LINE:COLUMN: what is wrong and what to do", on text that is not UTF-8, is
// larger
//         than kTemplateBytesMax or has more than kTemplateTagsMax tags, and on an unclosed tag, a partial or another
//         kind of tag that we do not have.
absl::StatusOr<std::vector<TemplateToken>> TokenizeTemplate(std::string_view field, std::string_view text);

// "FIELD:LINE:COLUMN: message" as kInvalidArgument.
absl::Status TemplateError(std::string_view field, TemplatePosition position, std::string_view message);

}  // namespace wavepost
