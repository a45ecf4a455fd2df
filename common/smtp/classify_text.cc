#include "common/smtp/classify_text.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace wavepost {
namespace {

constexpr size_t kGapBytesMax = 60;

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsAlnum(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool IsWord(char c) {
  return IsAlnum(c) || static_cast<unsigned char>(c) >= 0x80;
}
bool IsHex(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
// RFC 5322 atext and the dot.
bool IsLocalPart(char c) {
  return IsWord(c) || std::string_view(".!#$%&'*+/=?^_`{|}~-").find(c) != std::string_view::npos;
}
bool IsDomain(char c) {
  return IsWord(c) || c == '.' || c == '-';
}

// The length of the mail address that starts at text[0], or 0.
// 0: there is none. `scanned`: none starts in so many bytes either.
size_t AddressLength(std::string_view text, size_t* scanned) {
  size_t i = 0;
  while (i < text.size() && IsLocalPart(text[i])) ++i;
  *scanned = i;
  if (i == 0 || i >= text.size() || text[i] != '@') return 0;
  const size_t at = i++;
  while (i < text.size() && IsDomain(text[i])) ++i;
  return i > at + 1 ? i : 0;
}

size_t Ip4Length(std::string_view text) {
  size_t i = 0;
  for (int part = 0; part < 4; ++part) {
    int value = 0;
    const size_t start = i;
    while (i < text.size() && IsDigit(text[i]) && i - start < 3) value = value * 10 + (text[i++] - '0');
    if (i == start || value > 255) return 0;
    if (part < 3 && (i >= text.size() || text[i++] != '.')) return 0;
  }
  if (i < text.size() && (IsAlnum(text[i]) || (text[i] == '.' && i + 1 < text.size() && IsAlnum(text[i + 1]))))
    return 0;
  return i;
}

constexpr size_t kIp6BytesMax = 46;  // of the longest, and one more

size_t Ip6Length(std::string_view text) {
  size_t i = 0;
  int colons = 0;
  bool doubled = false;
  bool digit = false;
  for (; i < std::min(text.size(), kIp6BytesMax) && (IsHex(text[i]) || text[i] == ':'); ++i) {
    if (text[i] == ':') {
      ++colons;
      doubled |= i > 0 && text[i - 1] == ':';
    }
    digit |= IsDigit(text[i]);
  }
  if (i < text.size() && IsAlnum(text[i])) return 0;
  return digit && (colons == 7 || (doubled && colons >= 2)) ? i : 0;
}

// What a letter of Latin-1 Supplement and Latin Extended-A (U+00C0 to U+017F) is without its marks, in lower case; '-'
// where there is no such letter.
constexpr std::string_view kBaseLetters =
    "aaaaaaaceeeeiiiidnooooo-ouuuuypsaaaaaaaceeeeiiiidnooooo-ouuuuypy"   // U+00C0..U+00FF
    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllll"   // U+0100..U+013F
    "lllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";  // U+0140..U+017F

uint32_t CodePoint(std::string_view text, size_t* length) {
  const auto byte = [&text](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(text[i])); };
  const uint32_t first = byte(0);
  *length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  if (*length > text.size()) *length = 1;
  uint32_t out = *length == 1 ? first : first & (0xffu >> (*length + 1));
  for (size_t i = 1; i < *length; ++i) out = out << 6 | (byte(i) & 0x3f);
  return out;
}

// Spaces and punctuation beyond ASCII: typographic quotes, full-width commas.
bool IsForeignPunctuation(uint32_t point) {
  return (point >= 0x80 && point < 0xc0) || point == 0xd7 || point == 0xf7 || (point >= 0x2000 && point < 0x2070) ||
         (point >= 0x3000 && point < 0x3004) || (point >= 0x3008 && point < 0x3012) ||
         (point >= 0xff01 && point < 0xff10) || (point >= 0xff1a && point < 0xff21);
}

// Appends the character beyond ASCII at the start of `text` in the form that patterns are written in: Latin letters
// without marks ("ss" for the sharp s), Cyrillic in lower case, all others as they are. Returns its length.
size_t AppendForeign(std::string_view text, std::string* out) {
  size_t length = 0;
  const uint32_t point = CodePoint(text, &length);
  if (IsForeignPunctuation(point) && length > 1) {
    if (out->back() != ' ') *out += ' ';
  } else if (point == 0xdf && length == 2) {
    *out += "ss";
  } else if (point >= 0xc0 && point < 0x180 && length == 2) {
    *out += kBaseLetters[point - 0xc0];
  } else if (point >= 0x410 && point < 0x430 && length == 2) {
    const uint32_t lower = point + 0x20;
    *out += static_cast<char>(0xc0 | lower >> 6);
    *out += static_cast<char>(0x80 | (lower & 0x3f));
  } else {
    out->append(text.substr(0, length));
  }
  return length;
}

bool MatchesFrom(std::string_view text, std::string_view pattern, size_t from, size_t latest);

// True if `pattern` (one alternative) fits with its first piece at `at`. The text ends with a space.
bool FitsAt(std::string_view text, std::string_view pattern, size_t at) {
  const size_t star = pattern.find('*');
  std::string_view piece = pattern.substr(0, star);
  const bool at_end = piece.ends_with('$');
  const bool word_end = at_end || piece.ends_with('_');
  if (word_end) piece.remove_suffix(1);
  if (text.substr(at, piece.size()) != piece) return false;
  const size_t end = at + piece.size();
  if (word_end && (end >= text.size() || text[end] != ' ')) return false;
  if (at_end && end + 1 != text.size()) return false;
  return star == std::string_view::npos || MatchesFrom(text, pattern.substr(star + 1), end, end + kGapBytesMax);
}

// The same with the first piece starting within [from, latest]. Takes at most one step of recursion per piece, and each
// later piece is tried within kGapBytesMax only.
bool MatchesFrom(std::string_view text, std::string_view pattern, size_t from, size_t latest) {
  const std::string_view head = pattern.substr(0, pattern.find_first_of("*_$"));
  const std::string_view window = text.substr(0, latest + head.size());
  for (size_t at = window.find(head, from); at != std::string_view::npos; at = window.find(head, at + 1)) {
    if (at == 0 || (text[at - 1] != ' ' && !StartsAnywhere(text[at]))) continue;
    if (FitsAt(text, pattern, at)) return true;
  }
  return false;
}

}  // namespace

ReplyWords ToWords(std::string_view text, size_t bytes_max) {
  text = text.substr(0, bytes_max);
  ReplyWords words;
  words.text.push_back(' ');
  const auto end_word = [&words] {
    if (words.text.back() != ' ') words.text += ' ';
  };
  size_t no_address_until = 0;  // or a run of punctuation would be gone through from each of its bytes
  size_t i = 0;
  while (i < text.size()) {
    if (i == 0 || !IsAlnum(text[i - 1])) {
      const std::string_view rest = text.substr(i);
      size_t scanned = 0;
      const size_t length = i < no_address_until ? 0 : AddressLength(rest, &scanned);
      no_address_until = std::max(no_address_until, i + scanned);
      if (length > 0) {
        end_word();
        words.text.append("addr ");
        i += length;
        continue;
      }
      const bool inside = i > 0 && text[i - 1] == '.';  // the tail of "1.2.3.4.5" is no address
      const size_t ip4 = inside ? 0 : Ip4Length(rest);
      if (const size_t ip = ip4 > 0 ? ip4 : Ip6Length(rest); ip > 0) {
        end_word();
        words.text += "ipaddr ";
        words.names_ip = true;
        i += ip;
        continue;
      }
    }
    const char c = text[i];
    if (static_cast<unsigned char>(c) >= 0x80) {
      i += AppendForeign(text.substr(i), &words.text);
      continue;
    }
    ++i;
    if (IsWord(c)) {
      words.text += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    } else {
      end_word();
    }
  }
  end_word();
  return words;
}

bool MatchesAt(const ReplyWords& words, std::string_view alternative, size_t at) {
  return FitsAt(words.text, alternative, at);
}

bool MatchesWords(const ReplyWords& words, std::string_view pattern) {
  while (!pattern.empty()) {
    const size_t bar = pattern.find('|');
    if (MatchesFrom(words.text, pattern.substr(0, bar), 0, words.text.size())) return true;
    pattern = bar == std::string_view::npos ? std::string_view() : pattern.substr(bar + 1);
  }
  return false;
}

}  // namespace wavepost
