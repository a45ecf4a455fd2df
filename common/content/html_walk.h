// From parsed HTML to plain text: what each element looks like. Part of html_text.h; not for others.
#pragma once

#include <gumbo.h>

#include <optional>
#include <string>
#include <string_view>

namespace wavepost {

inline constexpr int kHtmlDepthMax = 500;

// Around the number of a template's tag, in text, attributes and comments. The last characters of the last private-use
// plane (U+10FFF0, U+10FFF1): nobody's text.
inline constexpr std::string_view kHtmlMarkOpen = "\xF4\x8F\xBF\xB0";
inline constexpr std::string_view kHtmlMarkClose = "\xF4\x8F\xBF\xB1";

// The text, with the marks where they stood. Nothing if elements are nested more than kHtmlDepthMax deep.
std::optional<std::string> WriteHtmlAsText(const GumboOutput& html);

}  // namespace wavepost
