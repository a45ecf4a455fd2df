#include "bouncer/reading/evidence.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr std::string_view kBlot = "***";
constexpr size_t kTokenLikeBytes = 24;
constexpr size_t kBeforeBytes = 200;  // of what stands in front of the explaining line
constexpr size_t kLineBytesMax = 500;
constexpr size_t kLineLookedAtBytes = 4096;  // blotted before it is cut, so that no half of an address is left
constexpr size_t kVerpTokenBytes = 31;       // common/mail/verp.h
constexpr size_t kQuotedBytesMax = 130;

bool IsLocalByte(char c) {
  const auto b = static_cast<uint8_t>(c);
  return b > 0x20 && b != 0x7F && std::string_view("<>()[],;:\"\\@'").find(c) == std::string_view::npos;
}

bool IsAlnum(char c) {
  const char lower = static_cast<char>(c | 0x20);
  return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
}

// The shape of our own tokens, which need not have a digit.
bool IsVerpToken(std::string_view word) {
  return word.size() == kVerpTokenBytes && std::all_of(word.begin(), word.end(), [](char c) {
           const char lower = static_cast<char>(c | 0x20);
           return (lower >= 'a' && lower <= 'z') || (c >= '2' && c <= '7');
         });
}

bool LooksLikeToken(std::string_view word) {
  if (word.size() < kTokenLikeBytes) return false;
  bool digits = false;
  bool letters = false;
  for (const char c : word) {
    const char lower = static_cast<char>(c | 0x20);
    digits = digits || (c >= '0' && c <= '9');
    letters = letters || (lower >= 'a' && lower <= 'z');
  }
  return digits && letters;
}

bool IsTokenByte(char c) {
  const char lower = static_cast<char>(c | 0x20);
  return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '=' || c == '-' ||
         c == '_';
}

// Behind such a line stands the original.
bool StartsOriginal(std::string_view line) {
  constexpr std::array<std::string_view, 12> kMarks = {
      "copy of the message",  "copy of your message", "original message",     "message headers",
      "unsent message below", "returned message",     "message follows",      "undelivered message",
      "text of your message", "kopie der nachricht",  "message text follows", "below this line"};
  const std::string lower = AsciiLower(line.substr(0, 200));
  if (lower.find("---") == std::string::npos && !lower.ends_with(":")) return false;
  return std::any_of(kMarks.begin(), kMarks.end(),
                     [&lower](std::string_view mark) { return lower.find(mark) != std::string::npos; });
}

// Where the text says why: at what the finding quotes, else at a code of RFC 3463, else at its start.
size_t WhereItExplains(std::string_view text, std::string_view diagnostic) {
  const size_t quoted = diagnostic.size() < 12 ? std::string_view::npos : text.find(diagnostic.substr(0, 24));
  if (quoted != std::string_view::npos) return quoted;
  for (const std::string_view code : {" 5.", "#5.", " 550", " 554", " 4."}) {
    const size_t found = text.find(code);
    if (found != std::string_view::npos) return found;
  }
  return 0;
}

// `"john doe"` with the '@' behind it, at the start of `text`: how many bytes; 0: none is there.
size_t QuotedLocalPart(std::string_view text) {
  if (text.empty() || text.front() != '"') return 0;
  for (size_t i = 1; i + 1 < text.size() && i < kQuotedBytesMax && text[i] != '\n'; ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return text[i + 1] == '@' ? i + 1 : 0;
    }
  }
  return 0;
}

// The mark of an encoded '@' ("%40example.com", as URLs write it; "=40", quoted-printable) in front of a domain,
// or npos.
size_t EncodedAt(std::string_view word) {
  for (size_t at = word.find("40", 2); at != std::string_view::npos; at = word.find("40", at + 1)) {
    const bool percent = word[at - 1] == '%' || word.substr(0, at).ends_with("%25");
    if (!percent && word[at - 1] != '=') continue;
    size_t end = at + 2;
    while (end < word.size() && (IsAlnum(word[end]) || word[end] == '-')) ++end;
    if (end == at + 2 || end + 1 >= word.size() || word[end] != '.' || !IsAlnum(word[end + 1])) continue;
    return word.substr(0, at).ends_with("%25") ? at - 3 : at - 1;
  }
  return std::string_view::npos;
}

// A piece of a word: the whole, or what has exactly a token's shape ("/u/TOKEN").
void BlotPiece(std::string_view piece, std::string* out) {
  if (LooksLikeToken(piece)) {
    out->append(kBlot);
    return;
  }
  while (!piece.empty()) {
    size_t end = 0;
    while (end < piece.size() && IsAlnum(piece[end])) ++end;
    out->append(IsVerpToken(piece.substr(0, end)) ? kBlot : piece.substr(0, end));
    if (end < piece.size()) out->push_back(piece[end++]);
    piece.remove_prefix(end);
  }
}

// A word without an '@' behind it, piece by piece ("https://example.com/u/TOKEN").
void BlotWord(std::string_view word, std::string* out) {
  for (size_t at = EncodedAt(word); at != std::string_view::npos; at = EncodedAt(word)) {
    const size_t before = word.substr(0, at).find_last_of("/?&=;");
    const size_t start = before == std::string_view::npos ? 0 : before + 1;
    BlotWord(word.substr(0, start), out);
    out->append(kBlot);
    const size_t mark_end = word.find("40", at) + 2;
    out->append(word.substr(at, mark_end - at));
    word.remove_prefix(mark_end);
  }
  while (!word.empty()) {
    size_t piece = 0;
    while (piece < word.size() && IsTokenByte(word[piece])) ++piece;
    BlotPiece(word.substr(0, piece), out);
    if (piece < word.size()) out->push_back(word[piece++]);
    word.remove_prefix(piece);
  }
}

}  // namespace

std::string Blot(std::string_view text) {
  std::string out;
  size_t pos = 0;
  while (pos < text.size()) {
    if (const size_t quoted = QuotedLocalPart(text.substr(pos)); quoted > 0) {
      out += kBlot;
      pos += quoted;
      continue;
    }
    if (!IsLocalByte(text[pos])) {
      out += text[pos++];
      continue;
    }
    size_t end = pos;
    while (end < text.size() && (IsLocalByte(text[end]) || (text[end] == '\'' && end > pos))) ++end;
    const std::string_view word = text.substr(pos, end - pos);
    pos = end;
    if (end < text.size() && text[end] == '@') {
      out += kBlot;
    } else {
      BlotWord(word, &out);
    }
  }
  return out;
}

std::string BlotTokens(std::string_view text) {
  std::string out;
  size_t copied = 0;
  for (size_t plus = text.find('+'); plus != std::string_view::npos; plus = text.find('+', plus + 1)) {
    const char kind = plus == 0 ? ' ' : static_cast<char>(text[plus - 1] | 0x20);
    if ((kind != 'b' && kind != 'u') || (plus >= 2 && IsAlnum(text[plus - 2]))) continue;
    size_t end = plus + 1;
    while (end < text.size() && IsAlnum(text[end])) ++end;
    if (end - plus - 1 < kTokenLikeBytes) continue;
    out.append(text.substr(copied, plus + 1 - copied)).append(kBlot);
    copied = end;
  }
  return out.append(text.substr(copied));
}

std::string MakeEvidence(const Document& document, std::string_view diagnostic) {
  std::string_view text = document.texts.empty() ? std::string_view() : std::string_view(document.texts[0].text);
  size_t start = WhereItExplains(text, diagnostic);
  if (start > kBeforeBytes) {
    start = text.find('\n', start - kBeforeBytes);
    start = start == std::string_view::npos ? 0 : start + 1;
  } else {
    start = 0;
  }
  std::string excerpt;
  while (start < text.size() && excerpt.size() < kEvidenceBytesMax) {
    const size_t end = std::min(text.find('\n', start), text.size());
    const std::string_view line = text.substr(start, end - start);
    start = end + 1;
    if (StartsOriginal(line)) break;
    if (line.find_first_not_of(" \t-=_*#") == std::string_view::npos) continue;
    excerpt.append(Printable(Blot(Printable(line, kLineLookedAtBytes)), kLineBytesMax)).append("\n");
  }
  const std::string blotted =
      excerpt.empty() ? Printable(Blot(Printable(diagnostic, kLineLookedAtBytes)), kEvidenceBytesMax) : excerpt;
  std::string_view head = std::string_view(blotted).substr(0, kEvidenceBytesMax);
  while (head.size() < blotted.size() && !head.empty() && (static_cast<uint8_t>(blotted[head.size()]) & 0xC0) == 0x80) {
    head.remove_suffix(1);
  }
  while (head.ends_with('\n')) head.remove_suffix(1);
  return std::string(head);
}

}  // namespace wavepost
