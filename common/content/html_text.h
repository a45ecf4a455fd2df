// Makes a readable plain text out of an HTML template, for campaigns whose author gave none.
//
// Works on the template, once per campaign, not on each message: the tags travel through the HTML parser as
// placeholders and come out as tags of the text template.
#pragma once

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "common/content/template_tokens.h"

namespace wavepost {

inline constexpr size_t kHtmlTagsMax = 20'000;         // also bounds the stack that the parser needs
inline constexpr size_t kHtmlReopenedMax = 2'000'000;  // formatting tags x all tags: what misnested HTML can blow up to
inline constexpr size_t kHtmlAttributesMax = 500;      // of one tag
inline constexpr size_t kHtmlParserBytesMax = 128 * (size_t{1} << 20);  // that the parser may take

// Paragraphs and headings get blank lines round them; list items "- " or numbers, and lists in lists are moved in; the
// cells of a table with header cells stand in a line with " | " between them, other tables are layout and flow; links
// get their target in angle brackets, unless they show it, and a line of their own if they look like buttons; pictures
// are their alt text; what is never displayed (head, style, display:none) is left out.
//
// Lines are as long as the paragraphs are: values differ, so that only the rendered text can be wrapped (text_wrap.h).
//
// Errors: kInvalidArgument when the HTML is beyond the limits above or holds no text; says that a text is needed.
absl::StatusOr<std::vector<TemplateToken>> TextFromHtml(const std::vector<TemplateToken>& html);

}  // namespace wavepost
