// The words of a foreign HTML text, for rules that look for words. For people who read, there is
// common/content/html_text.h: it lays out, but its parser is not for a flood of hostile mail.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace wavepost {

// UTF-8 in, UTF-8 out: tags gone, blocks and line breaks as LF, character references undone, white space folded as a
// browser does, what is never shown (head's title excepted, style, script, comments) left out. At most `bytes_max`
// bytes. One pass.
std::string PlainFromHtml(std::string_view html, size_t bytes_max);

// True if it starts like a page ("<!DOCTYPE", "<html", "<head", "<body"), whatever its label says.
bool LooksLikeHtml(std::string_view text);

}  // namespace wavepost
