#include "common/mail/body_encode.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "common/base/base64.h"
#include "common/mail/header_encode.h"

namespace wavepost {
namespace {

constexpr size_t kEncodedLineMax = 76;  // RFC 2045 sections 6.7 (5) and 6.8
constexpr char kHex[] = "0123456789ABCDEF";

// Bytes that stand for themselves in quoted-printable; blanks only inside a line.
constexpr std::array<bool, 256> MakeSafe() {
  std::array<bool, 256> safe{};
  for (int c = 0x20; c < 0x7F; ++c) safe[c] = c != '=';
  safe['\t'] = true;
  return safe;
}
constexpr std::array<bool, 256> kSafe = MakeSafe();

// Eight bytes at a time, for what is the bulk of all text: printable ASCII.
constexpr uint64_t kOnes = 0x0101010101010101;
constexpr uint64_t kTops = 0x8080808080808080;

uint64_t LoadWord(const char* from) {
  uint64_t word;
  std::memcpy(&word, from, sizeof(word));
  return word;
}

// Not zero if a byte of `word` is below `limit` (at most 0x80); which one is not told exactly.
constexpr uint64_t HasBelow(uint64_t word, uint8_t limit) {
  return (word - kOnes * limit) & ~word & kTops;
}

constexpr uint64_t HasByte(uint64_t word, uint8_t byte) {
  return HasBelow(word ^ kOnes * byte, 1);
}

// Printable ASCII other than '='.
constexpr bool AllSafe(uint64_t word) {
  return ((word & kTops) | HasBelow(word, 0x20) | HasByte(word, '=') | HasByte(word, 0x7F)) == 0;
}

// How many bytes at the front of `text` stand for themselves in quoted-printable.
size_t SafeRun(std::string_view text) {
  size_t run = 0;
  while (run + sizeof(uint64_t) <= text.size() && AllSafe(LoadWord(text.data() + run))) run += sizeof(uint64_t);
  while (run < text.size() && kSafe[static_cast<uint8_t>(text[run])]) ++run;
  return run;
}

bool IsControl(char c) {
  return (static_cast<uint8_t>(c) < 0x20 && c != '\t') || c == 0x7F;
}

bool StartsLikeSeparator(std::string_view line) {
  return line.substr(0, 5) == "From ";
}

// Takes the next line without its CRLF off the front.
std::string_view NextLine(std::string_view* text) {
  const void* found = std::memchr(text->data(), '\n', text->size());
  if (found == nullptr) {
    const std::string_view line = *text;
    *text = {};
    return line;
  }
  const size_t end = static_cast<size_t>(static_cast<const char*>(found) - text->data());
  std::string_view line = text->substr(0, end);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  text->remove_prefix(end + 1);
  return line;
}

char* PutEscaped(char c, char* to) {
  *to++ = '=';
  *to++ = kHex[static_cast<uint8_t>(c) >> 4];
  *to++ = kHex[static_cast<uint8_t>(c) & 15];
  return to;
}

// One line as quoted-printable with its CRLF. A soft line break keeps each output line within 76 bytes.
char* PutLine(std::string_view line, char* to) {
  // The last blank would be lost on the way (6.7 (3)).
  const bool blank_last = !line.empty() && (line.back() == ' ' || line.back() == '\t');
  const size_t plain = line.size() - (blank_last ? 1 : 0);
  size_t column = 0;
  size_t i = 0;
  while (i < line.size()) {
    if (column == 0 && (line[i] == '.' || StartsLikeSeparator(line.substr(i)))) {
      // A dot alone ends the message of a careless server; "From " is changed by mbox writers.
      to = PutEscaped(line[i++], to);
      column = 3;
      continue;
    }
    const size_t room = kEncodedLineMax - 1 - column;
    const size_t run = SafeRun(line.substr(i, std::min(room, plain - std::min(i, plain))));
    std::memcpy(to, line.data() + i, run);
    to += run;
    i += run;
    column += run;
    if (i == line.size()) break;
    const bool safe = i < plain && kSafe[static_cast<uint8_t>(line[i])];
    if (column + (safe ? 1 : 3) > kEncodedLineMax - 1) {
      std::memcpy(to, "=\r\n", 3);
      to += 3;
      column = 0;
      continue;
    }
    if (!safe) {
      to = PutEscaped(line[i++], to);
      column += 3;
    }
  }
  *to++ = '\r';
  *to++ = '\n';
  return to;
}

void AppendQuotedPrintable(std::string_view text, std::string* out) {
  // Line by line into room for the worst case: each byte escaped, a soft break for each 25 of them.
  while (!text.empty()) {
    const std::string_view line = NextLine(&text);
    const size_t old_size = out->size();
    out->resize(old_size + line.size() * 3 + (line.size() / 24 + 2) * 3);
    const char* end = PutLine(line, out->data() + old_size);
    out->resize(static_cast<size_t>(end - out->data()));
  }
}

}  // namespace

std::string_view TransferEncodingName(TransferEncoding encoding) {
  switch (encoding) {
    case TransferEncoding::k7Bit:
      return "7bit";
    case TransferEncoding::kQuotedPrintable:
      return "quoted-printable";
    case TransferEncoding::kBase64:
      return "base64";
  }
  return "7bit";
}

TextScan ScanText(std::string_view text) {
  TextScan scan;
  scan.bytes = text.size();
  while (!text.empty()) {
    const std::string_view line = NextLine(&text);
    if (line.size() > kLineBytesMax || StartsLikeSeparator(line) || line.substr(0, 4) == "--=_" ||
        (!line.empty() && (line.back() == ' ' || line.back() == '\t'))) {
      scan.plain = false;
    }
    size_t i = 0;
    for (; i + sizeof(uint64_t) <= line.size(); i += sizeof(uint64_t)) {
      const uint64_t word = LoadWord(line.data() + i);
      scan.non_ascii += static_cast<size_t>(std::popcount(word & kTops));
      if ((HasBelow(word, 0x20) | HasByte(word, 0x7F)) != 0) {
        const std::string_view bytes = line.substr(i, sizeof(uint64_t));
        if (std::any_of(bytes.begin(), bytes.end(), IsControl)) scan.plain = false;
      }
    }
    for (; i < line.size(); ++i) {
      scan.non_ascii += static_cast<size_t>(static_cast<uint8_t>(line[i]) >> 7);
      if (IsControl(line[i])) scan.plain = false;
    }
  }
  return scan;
}

TransferEncoding ChooseEncoding(const TextScan& scan) {
  // Base64 makes four bytes of three and a line end of 76; quoted-printable three of each that it escapes.
  if (scan.non_ascii * 2 > scan.bytes * 2 / 5) return TransferEncoding::kBase64;
  if (scan.non_ascii > 0 || !scan.plain) return TransferEncoding::kQuotedPrintable;
  return TransferEncoding::k7Bit;
}

TransferEncoding ChooseEncoding(std::string_view text) {
  return ChooseEncoding(ScanText(text));
}

void AppendEncoded(std::string_view text, TransferEncoding encoding, std::string* out) {
  switch (encoding) {
    case TransferEncoding::k7Bit:
      out->append(text);
      if (text.empty() || text.back() != '\n') out->append("\r\n");
      break;
    case TransferEncoding::kQuotedPrintable:
      AppendQuotedPrintable(text, out);
      break;
    case TransferEncoding::kBase64: {
      const std::string encoded = Base64Encode(text);
      out->reserve(out->size() + encoded.size() + (encoded.size() / kEncodedLineMax + 1) * 2);
      for (size_t i = 0; i < encoded.size(); i += kEncodedLineMax) {
        out->append(encoded, i, kEncodedLineMax);
        out->append("\r\n");
      }
      break;
    }
  }
}

}  // namespace wavepost
