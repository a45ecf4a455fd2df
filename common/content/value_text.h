// How a value gets into a rendered template. Part of template.h; not for others.
#pragma once

#include <string>
#include <string_view>

namespace wavepost {

// Appends `value` with line ends as CRLF and other control characters (TAB excepted) as spaces, and, if `html`, with
// & < > " ' as character references.
void AppendValue(std::string_view value, bool html, std::string* out);

}  // namespace wavepost
