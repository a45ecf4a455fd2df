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

bool IsLocalByte(char c) {
  const auto b = static_cast<uint8_t>(c);
  return b > 0x20 && b != 0x7F && std::string_view("<>()[],;:\"\\@'").find(c) == std::string_view::npos;
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

}  // namespace

std::string Blot(std::string_view text) {
  std::string out;
  size_t pos = 0;
  while (pos < text.size()) {
    if (!IsLocalByte(text[pos])) {
      // A quoted local part goes with its address.
      out += text[pos++];
      continue;
    }
    size_t end = pos;
    while (end < text.size() && IsLocalByte(text[end])) ++end;
    std::string_view word = text.substr(pos, end - pos);
    pos = end;
    if (end < text.size() && text[end] == '@') {
      out += kBlot;
      continue;
    }
    // Within a word ("https://example.com/u/TOKEN"), piece by piece.
    while (!word.empty()) {
      size_t piece = 0;
      while (piece < word.size() && IsTokenByte(word[piece])) ++piece;
      if (LooksLikeToken(word.substr(0, piece))) {
        out += kBlot;
      } else {
        out += word.substr(0, piece);
      }
      if (piece < word.size()) out += word[piece++];
      word.remove_prefix(piece);
    }
  }
  return out;
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
    excerpt.append(Printable(line, kLineBytesMax)).append("\n");
  }
  if (excerpt.empty()) excerpt = Printable(diagnostic, kEvidenceBytesMax);
  const std::string blotted = Blot(excerpt);
  std::string_view head = std::string_view(blotted).substr(0, kEvidenceBytesMax);
  while (head.size() < blotted.size() && !head.empty() && (static_cast<uint8_t>(blotted[head.size()]) & 0xC0) == 0x80) {
    head.remove_suffix(1);
  }
  while (head.ends_with('\n')) head.remove_suffix(1);
  return std::string(head);
}

}  // namespace wavepost
