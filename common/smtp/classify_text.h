// Matching of reply texts, for the rules of replies and the formats of bounces. Linear, without backtracking beyond a
// bounded gap: texts are hostile.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace wavepost {

struct ReplyWords {
  std::string text;       // " user unknown addr ipaddr ": lower case, one space between words and at both ends
  bool names_ip = false;  // an IPv4 or IPv6 address stands in it
};

// Makes words of a text: lower-cased, Latin letters without their marks ("pelna", "gross"), everything but letters and
// digits becomes a space, mail addresses become "addr" (a local part such as "spam" says nothing) and IP addresses
// "ipaddr". Bytes beyond bytes_max are not looked at.
ReplyWords ToWords(std::string_view text, size_t bytes_max = 1024);

// pattern: alternatives joined by '|'; each is one or more pieces joined by '*', which stands for up to 60 bytes or
// nothing. A piece starts at the start of a word (or at any character of a script that has no spaces); it may end
// within a word, unless '_' (end of a word) or '$' (end of the text) follows. The empty pattern never matches.
bool MatchesWords(const ReplyWords& words, std::string_view pattern);

// True if one alternative matches with its first piece at `at`, a place where a piece may start.
bool MatchesAt(const ReplyWords& words, std::string_view alternative, size_t at);

// True for the first byte of Chinese, Japanese and Korean characters (U+2E80 and beyond): they write no spaces.
constexpr bool StartsAnywhere(char byte) {
  return static_cast<unsigned char>(byte) >= 0xe2 && static_cast<unsigned char>(byte) <= 0xef;
}

}  // namespace wavepost
