// Wraps rendered text for people who read mail in a terminal: for texts that were derived from HTML.
#pragma once

#include <cstddef>
#include <string>

namespace wavepost {

inline constexpr size_t kTextWidth = 78;  // RFC 5322 section 2.1.1

// Breaks the lines of `text` (UTF-8, CRLF line ends) that are wider than `width` columns, at spaces and between East
// Asian characters, never inside a link or another word: what has no such place stays as long as it is. The rest of a
// list item ("- ", "12. ") or of an indented line is indented as its text is. Spaces at a break vanish; lines that fit
// are not touched.
//
// Columns: East Asian wide characters and emoji take two, combining characters none, all others one.
void WrapText(std::string* text, size_t width = kTextWidth);

}  // namespace wavepost
