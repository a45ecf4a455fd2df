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
constexpr size_t kWordBytes = sizeof(uint64_t);

uint64_t LoadWord(const char* from) {
  uint64_t word;
  std::memcpy(&word, from, kWordBytes);
  return word;
}

// The top bit of each byte of `word` that is below `limit` (at most 0x80), and perhaps of others above the first such.
constexpr uint64_t Below(uint64_t word, uint8_t limit) {
  return (word - kOnes * limit) & ~word & kTops;
}

constexpr uint64_t Equal(uint64_t word, uint8_t byte) {
  return Below(word ^ kOnes * byte, 1);
}

// The top bit of the first byte, and perhaps of later ones, that is not printable ASCII or is '='.
constexpr uint64_t Unsafe(uint64_t word) {
  return (word & kTops) | Below(word, 0x20) | Equal(word, '=') | Equal(word, 0x7F);
}

// Copies bytes that stand for themselves in quoted-printable, up to `from_end` or the first that does not. There must
// be room for kWordBytes behind the last. Returns their number.
size_t CopySafe(const char* from, const char* from_end, char* to) {
  const char* const start = from;
  while (from_end - from >= static_cast<ptrdiff_t>(kWordBytes)) {
    const uint64_t word = LoadWord(from);
    std::memcpy(to, &word, kWordBytes);
    const uint64_t unsafe = Unsafe(word);
    size_t run = kWordBytes;
    if (unsafe != 0) {
      if constexpr (std::endian::native == std::endian::little) {
        run = static_cast<size_t>(std::countr_zero(unsafe)) / 8;
      } else {
        run = 0;
      }
      if (!kSafe[static_cast<uint8_t>(from[run])]) return static_cast<size_t>(from - start) + run;
      ++run;  // a tab
    }
    from += run;
    to += run;
  }
  while (from < from_end && kSafe[static_cast<uint8_t>(*from)]) *to++ = *from++;
  return static_cast<size_t>(from - start);
}

bool IsControl(char c) {
  return (static_cast<uint8_t>(c) < 0x20 && c != '\t') || c == 0x7F;
}

bool StartsLikeSeparator(std::string_view line) {
  return line.substr(0, 5) == "From ";
}

bool IsBlank(char c) {
  return c == ' ' || c == '\t';
}

// Takes the next line without its CRLF off the front. `*ends`, if asked for: whether there was one.
std::string_view NextLine(std::string_view* text, bool* ends = nullptr) {
  const void* found = std::memchr(text->data(), '\n', text->size());
  if (ends != nullptr) *ends = found != nullptr;
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

char* PutSoftBreak(char* to) {
  std::memcpy(to, "=\r\n", 3);
  return to + 3;
}

// Whether a line that starts so may turn out to be "From ...", which mbox writers change. `more`: the line goes on in
// another piece.
bool MayBeSeparator(std::string_view line, bool more) {
  constexpr std::string_view kFrom = "From ";
  if (line.size() < kFrom.size()) return more && line == kFrom.substr(0, line.size());
  return StartsLikeSeparator(line);
}

// A line or a part of one, without its line end, from `*column` on. Soft line breaks keep each output line within 76
// bytes. `ends`: a line end follows.
char* PutLine(std::string_view line, bool ends, size_t* column, char* to) {
  // The last blank would be lost on the way (6.7 (3)).
  const bool blank_last = ends && !line.empty() && IsBlank(line.back());
  const size_t plain = line.size() - (blank_last ? 1 : 0);
  size_t i = 0;
  while (i < line.size()) {
    if (*column == 0 && (line[i] == '.' || MayBeSeparator(line.substr(i), !ends))) {
      // A dot alone ends the message of a careless server.
      to = PutEscaped(line[i++], to);
      *column = 3;
      continue;
    }
    const size_t room = kEncodedLineMax - 1 - *column;
    const char* const from = line.data() + i;
    const size_t run = CopySafe(from, from + std::min(room, plain - std::min(i, plain)), to);
    to += run;
    i += run;
    *column += run;
    if (i == line.size()) break;
    const bool safe = i < plain && kSafe[static_cast<uint8_t>(line[i])];
    if (*column + (safe ? 1 : 3) > kEncodedLineMax - 1) {
      to = PutSoftBreak(to);
      *column = 0;
      continue;
    }
    if (!safe) {
      to = PutEscaped(line[i++], to);
      *column += 3;
    }
  }
  return to;
}

void AppendQuotedPrintable(std::string_view text, std::string* out) {
  QuotedPrintableWriter writer(out);
  writer.Add(text);
  writer.Finish();
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

size_t CountNonAscii(std::string_view text) {
  size_t count = 0;
  size_t i = 0;
  for (; i + kWordBytes <= text.size(); i += kWordBytes) {
    const uint64_t tops = LoadWord(text.data() + i) & kTops;
    if (tops != 0) count += static_cast<size_t>(((tops >> 7) * kOnes) >> 56);  // the sum of its bytes
  }
  for (; i < text.size(); ++i) count += static_cast<size_t>(static_cast<uint8_t>(text[i]) >> 7);
  return count;
}

bool IsPlain(std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = NextLine(&text);
    if (line.size() > kLineBytesMax || StartsLikeSeparator(line) || line.substr(0, 4) == "--=_" ||
        (!line.empty() && IsBlank(line.back()))) {
      return false;
    }
    size_t i = 0;
    for (; i + kWordBytes <= line.size(); i += kWordBytes) {
      const uint64_t word = LoadWord(line.data() + i);
      if ((Below(word, 0x20) | Equal(word, 0x7F)) == 0) continue;
      const std::string_view bytes = line.substr(i, kWordBytes);
      if (std::any_of(bytes.begin(), bytes.end(), IsControl)) return false;
    }
    if (std::any_of(line.begin() + static_cast<ptrdiff_t>(i), line.end(), IsControl)) return false;
  }
  return true;
}

TextScan ScanText(std::string_view text) {
  TextScan scan;
  scan.bytes = text.size();
  scan.non_ascii = CountNonAscii(text);
  scan.plain = scan.non_ascii > 0 || IsPlain(text);
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

void QuotedPrintableWriter::Add(std::string_view text) {
  // The worst case: each byte escaped, a soft break for each 24 of them, a line end with one before it. Then a word
  // that CopySafe spills.
  constexpr size_t kGrowthMax = 5;
  constexpr size_t kExtra = 8 + kWordBytes;
  // Short pieces, as most are, by a buffer: that is quicker than to have `out_` cleared before it is written to.
  char buffer[4 * 1024];
  const size_t bound = text.size() * kGrowthMax + kExtra;
  const size_t old_size = out_->size();
  const bool fits = bound <= sizeof(buffer);
  if (!fits) out_->resize(old_size + bound);
  char* const begin = fits ? buffer : out_->data() + old_size;
  char* to = begin;
  while (!text.empty()) {
    bool ends = false;
    const std::string_view line = NextLine(&text, &ends);
    if (!line.empty()) {
      to = PutLine(line, ends, &column_, to);
      blank_last_ = !ends && IsBlank(line.back());
    }
    if (!ends) break;
    if (blank_last_) to = PutSoftBreak(to);
    *to++ = '\r';
    *to++ = '\n';
    column_ = 0;
    blank_last_ = false;
  }
  if (fits) {
    out_->append(begin, to);
  } else {
    out_->resize(static_cast<size_t>(to - out_->data()));
  }
}

void QuotedPrintableWriter::Add(const EncodedPiece& piece) {
  // In front of a line end a soft break is needed only where a blank would be lost.
  if (piece.starts_with_line_end ? blank_last_ : column_ > 0) out_->append("=\r\n");
  out_->append(piece.encoded);
  column_ = piece.end_column;
  blank_last_ = piece.blank_last;
}

void QuotedPrintableWriter::Finish() {
  if (blank_last_) out_->append("=\r\n");
  if (column_ > 0) out_->append("\r\n");
  column_ = 0;
  blank_last_ = false;
}

QuotedPrintableWriter::EncodedPiece QuotedPrintableWriter::Encode(std::string_view text) {
  EncodedPiece piece;
  QuotedPrintableWriter writer(&piece.encoded);
  writer.Add(text);
  piece.end_column = writer.column_;
  piece.blank_last = writer.blank_last_;
  piece.starts_with_line_end = text.substr(0, 2) == "\r\n";
  return piece;
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
