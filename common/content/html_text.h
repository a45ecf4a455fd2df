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
inline constexpr int kHtmlDepthMax = 500;

// Paragraphs and headings get blank lines round them, list items "- " or numbers, table rows a line each, links their
// target in angle brackets, pictures their alt text; what is never displayed (head, style, display:none) is left out.
//
// Errors: kInvalidArgument when the HTML is beyond the limits above or holds no text; says that a text is needed.
absl::StatusOr<std::vector<TemplateToken>> TextFromHtml(const std::vector<TemplateToken>& html);

}  // namespace wavepost
