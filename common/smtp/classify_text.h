// Matching of reply texts, for classify.cc only. Linear, without backtracking beyond a bounded gap: texts are hostile.
#pragma once

#include <string>
#include <string_view>

namespace wavepost {

struct ReplyWords {
  std::string text;       // " user unknown addr ipaddr ": lower case, one space between words and at both ends
  bool names_ip = false;  // an IPv4 or IPv6 address stands in it
};

// Makes words of a text: lower-cased (ASCII and Latin-1), everything but letters, digits and bytes beyond ASCII becomes
// a space, mail addresses become "addr" (a local part such as "spam" says nothing) and IP addresses "ipaddr".
ReplyWords ToWords(std::string_view text);

// pattern: alternatives joined by '|'; each is one or more pieces joined by '*', which stands for up to 60 bytes or
// nothing. A piece starts at the start of a word; it may end within one, unless '_' (end of a word) or '$' (end of the
// text) follows. The empty pattern never matches.
bool MatchesWords(const ReplyWords& words, std::string_view pattern);

}  // namespace wavepost
