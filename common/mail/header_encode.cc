#include "common/mail/header_encode.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/base64.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr size_t kWordBytesMax = 75;              // RFC 2047 section 2
constexpr size_t kWordLineBytesMax = 76;          // of a line with an encoded word in it
constexpr size_t kWordMax = kLineBytesMax - 100;  // with the field's name before it, it still fits a line
constexpr std::string_view kWordQ = "=?utf-8?q?";
constexpr std::string_view kWordB = "=?utf-8?b?";
constexpr std::string_view kWordEnd = "?=";
constexpr char kHex[] = "0123456789ABCDEF";

bool IsPrintableAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

// RFC 2047 section 5 (3): what may stand for itself in an encoded word that is part of a display name.
constexpr std::array<bool, 256> MakeWordSafe() {
  std::array<bool, 256> safe{};
  for (const char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")) {
    safe[static_cast<uint8_t>(c)] = true;
  }
  return safe;
}
constexpr std::array<bool, 256> kWordSafe = MakeWordSafe();

bool IsWordSafe(char c) {
  return kWordSafe[static_cast<uint8_t>(c)];
}

// Bytes that CleanHeaderText has to look at: white space, control characters, and the first bytes of Unicode's.
constexpr std::array<bool, 256> MakeSuspects() {
  std::array<bool, 256> suspects{};
  for (int c = 0; c <= 0x20; ++c) suspects[c] = true;
  for (int c : {0x7F, 0xC2, 0xE2}) suspects[c] = true;
  return suspects;
}
constexpr std::array<bool, 256> kSuspects = MakeSuspects();

// Bytes of the UTF-8 character at `at`; at most four, whatever follows.
size_t CharacterLength(std::string_view text, size_t at) {
  size_t length = 1;
  while (length < 4 && at + length < text.size() && (static_cast<uint8_t>(text[at + length]) & 0xC0) == 0x80) ++length;
  return length;
}

size_t LongestWord(std::string_view text) {
  size_t longest = 0;
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find(' ', start), text.size());
    longest = std::max(longest, end - start);
    start = end + 1;
  }
  return longest;
}

// The next encoded word of `text`, at most `room` bytes long; takes what it encodes off the front. Never splits a
// character (RFC 2047 section 5). Needs room for one character in either encoding: 12 + 12.
std::string NextWord(std::string_view* text, bool base64, size_t word_bytes) {
  const size_t room = word_bytes - kWordQ.size() - kWordEnd.size();
  std::string payload;
  payload.reserve(room);
  size_t taken = 0;
  size_t unpadded = 0;  // where base64 could stop without padding
  while (taken < text->size()) {
    const size_t length = CharacterLength(*text, taken);
    if (base64) {
      if ((taken + length + 2) / 3 * 4 > room) break;
    } else {
      char encoded[12];
      size_t size = 0;
      for (size_t k = taken; k < taken + length; ++k) {
        const char c = (*text)[k];
        if (IsWordSafe(c) || c == ' ') {
          encoded[size++] = c == ' ' ? '_' : c;
        } else {
          encoded[size++] = '=';
          encoded[size++] = kHex[static_cast<uint8_t>(c) >> 4];
          encoded[size++] = kHex[static_cast<uint8_t>(c) & 15];
        }
      }
      if (payload.size() + size > room) break;
      payload.append(encoded, size);
    }
    taken += length;
    if (taken % 3 == 0) unpadded = taken;
  }
  if (base64) {
    // Readers that decode neighbours of one encoding together stop at padding between them, GMime among them. Where
    // base64 cannot stop without (one ASCII character before many of three bytes), the other encoding steps in.
    if (taken < text->size() && unpadded == 0) return NextWord(text, false, word_bytes);
    if (taken < text->size()) taken = unpadded;
    payload = Base64Encode(text->substr(0, taken));
  }
  text->remove_prefix(taken);
  return absl::StrCat(Av(base64 ? kWordB : kWordQ), payload, Av(kWordEnd));
}

// Appends `text` as encoded words, the first behind `column` bytes that the line has already.
void AppendEncodedWords(std::string_view text, size_t column, std::string* out) {
  const size_t escapes =
      static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return !IsWordSafe(c) && c != ' '; }));
  const bool base64 = text.size() + 2 * escapes > text.size() * 4 / 3 + 2;
  bool first = true;
  while (!text.empty()) {
    const bool fits = first && column + 32 <= kWordLineBytesMax;
    if (!fits) out->append("\r\n ");
    const size_t room = std::min(kWordBytesMax, kWordLineBytesMax - (fits ? column : 1));
    out->append(NextWord(&text, base64, room));
    first = false;
  }
}

// Appends printable ASCII, folded at spaces where that keeps lines at the wanted length. Spaces are single.
void AppendFolded(std::string_view text, size_t column, std::string* out) {
  while (!text.empty()) {
    const size_t end = std::min(text.find(' ', 1), text.size());  // a word with the space before it
    if (text[0] == ' ' && column + end > kLineBytesWanted) {
      out->append("\r\n");
      column = 0;
    }
    out->append(text.substr(0, end));
    column += end;
    text.remove_prefix(end);
  }
}

// Atoms of RFC 5322, with spaces between: a display name that needs no quotes.
bool IsPlainPhrase(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("!#$%&'*+-/=?^_`{|}~ ").find(c) != std::string_view::npos;
  });
}

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
  return out;
}

size_t LastLineLength(std::string_view text) {
  const size_t end = text.rfind('\n');
  return end == std::string_view::npos ? text.size() : text.size() - end - 1;
}

bool NeedsEncoding(std::string_view clean) {
  return !IsPrintableAscii(clean) || clean.find("=?") != std::string_view::npos || LongestWord(clean) > kWordMax;
}

}  // namespace

std::string CleanHeaderText(std::string_view value) {
  std::string out;
  out.reserve(value.size());
  for (size_t i = 0; i < value.size();) {
    size_t run = i;
    while (run < value.size() && !kSuspects[static_cast<uint8_t>(value[run])]) ++run;
    out.append(value, i, run - i);
    i = run;
    if (i == value.size()) break;
    const uint8_t c = static_cast<uint8_t>(value[i]);
    // C1 controls (U+0080 to U+009F) and the line separators of Unicode end no line of a header, but one on a screen.
    size_t length = c <= 0x20 || c == 0x7F ? 1 : 0;
    if (c == 0xC2 && i + 1 < value.size() && static_cast<uint8_t>(value[i + 1]) < 0xA0) length = 2;
    if (value.substr(i, 3) == "\xE2\x80\xA8" || value.substr(i, 3) == "\xE2\x80\xA9") length = 3;
    if (length == 0) {
      out.push_back(value[i++]);
      continue;
    }
    if (!out.empty() && out.back() != ' ') out.push_back(' ');
    i += length;
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

void AppendUnstructured(std::string_view name, std::string_view value, std::string* out) {
  const std::string clean = CleanHeaderText(value);
  absl::StrAppend(out, Av(name), ": ");
  if (NeedsEncoding(clean)) {
    AppendEncodedWords(clean, name.size() + 2, out);
  } else {
    AppendFolded(clean, name.size() + 2, out);
  }
  out->append("\r\n");
}

absl::Status AppendStructured(std::string_view name, std::string_view value, std::string* out) {
  const std::string clean = CleanHeaderText(value);
  if (!IsPrintableAscii(clean)) {
    return absl::InvalidArgumentError(absl::StrCat("header ", Av(name), ": only ASCII is allowed in its value"));
  }
  if (LongestWord(clean) > kWordMax) {
    return absl::InvalidArgumentError(absl::StrCat("header ", Av(name), ": a word is too long for a line"));
  }
  absl::StrAppend(out, Av(name), ": ");
  AppendFolded(clean, name.size() + 2, out);
  out->append("\r\n");
  return absl::OkStatus();
}

void AppendMailbox(std::string_view name, std::string_view display, std::string_view address, std::string* out) {
  const std::string clean = CleanHeaderText(display);
  absl::StrAppend(out, Av(name), ": ");
  if (clean.empty()) {
    absl::StrAppend(out, Av(address), "\r\n");
    return;
  }
  const size_t start = out->size();
  const std::string phrase = IsPlainPhrase(clean) ? clean : Quoted(clean);
  // A name may be folded, but not every reader takes the fold out again: long ones are encoded.
  const bool fits = name.size() + 2 + phrase.size() <= kLineBytesWanted;
  if (!fits || NeedsEncoding(phrase)) {
    AppendEncodedWords(clean, name.size() + 2, out);
  } else {
    out->append(phrase);
  }
  const bool first_line = out->find("\r\n", start) == std::string::npos;
  const size_t column = first_line ? name.size() + 2 + out->size() - start : LastLineLength(*out);
  absl::StrAppend(out, column + address.size() + 3 > kLineBytesWanted ? "\r\n" : "", " <", Av(address), ">\r\n");
}

void AppendParameter(std::string_view name, std::string_view value, std::string* out) {
  const std::string clean = CleanHeaderText(value);
  // Some readers decode encoded words here too, where none should be.
  const bool plain = IsPrintableAscii(clean) && clean.find("=?") == std::string::npos;
  if (plain && name.size() + clean.size() + 6 <= kLineBytesWanted) {
    const bool token = !clean.empty() && std::all_of(clean.begin(), clean.end(), [](char c) {
      return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
             std::string_view("!#$%&'*+-.^_`{|}~").find(c) != std::string_view::npos;
    });
    absl::StrAppend(out, ";\r\n\t", Av(name), "=", token ? clean : Quoted(clean));
    return;
  }
  std::string encoded = "utf-8''";
  size_t section = 0;
  const auto put_line = [&](bool alone) {
    absl::StrAppend(out, ";\r\n\t", Av(name), alone ? "" : absl::StrCat("*", section++), "*=", encoded);
    encoded.clear();
  };
  for (char c : clean) {
    if (encoded.size() + name.size() + 12 > kLineBytesWanted) put_line(/*alone=*/false);
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_') {
      encoded.push_back(c);
    } else {
      encoded.push_back('%');
      encoded.push_back(kHex[static_cast<uint8_t>(c) >> 4]);
      encoded.push_back(kHex[static_cast<uint8_t>(c) & 15]);
    }
  }
  put_line(/*alone=*/section == 0);
}

void AppendWordParameter(std::string_view name, std::string_view value, std::string* out) {
  const std::string clean = CleanHeaderText(value);
  absl::StrAppend(out, ";\r\n\t", Av(name), "=");
  if (!NeedsEncoding(clean)) {
    out->append(Quoted(clean));
    return;
  }
  out->push_back('"');
  AppendEncodedWords(clean, name.size() + 3, out);
  out->push_back('"');
}

}  // namespace wavepost
