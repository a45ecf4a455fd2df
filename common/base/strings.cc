#include "common/base/strings.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace wavepost {
namespace {

// Length in bytes of the well-formed UTF-8 character at the start of `s`; 0 if there is none (RFC 3629 section 4).
size_t Utf8Length(std::string_view s) {
  auto at = [&](size_t i) { return static_cast<uint8_t>(s[i]); };
  auto continues = [&](size_t i) { return i < s.size() && (at(i) & 0xC0) == 0x80; };
  if (s.empty()) return 0;
  const uint8_t lead = at(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return continues(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (!continues(1) || !continues(2)) return 0;
    if (lead == 0xE0 && at(1) < 0xA0) return 0;
    if (lead == 0xED && at(1) > 0x9F) return 0;
    return 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    if (lead == 0xF0 && at(1) < 0x90) return 0;
    if (lead == 0xF4 && at(1) > 0x8F) return 0;
    return 4;
  }
  return 0;
}

}  // namespace

std::string AsciiLower(std::string_view s) {
  return absl::AsciiStrToLower(Av(s));
}

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  return absl::EqualsIgnoreCase(Av(a), Av(b));
}

bool StartsWithIgnoreCase(std::string_view s, std::string_view prefix) {
  return absl::StartsWithIgnoreCase(Av(s), Av(prefix));
}

bool ContainsIgnoreCase(std::string_view haystack, std::string_view needle) {
  auto same = [](char a, char b) {
    return absl::ascii_tolower(static_cast<unsigned char>(a)) == absl::ascii_tolower(static_cast<unsigned char>(b));
  };
  return std::search(haystack.begin(), haystack.end(), needle.begin(), needle.end(), same) != haystack.end();
}

std::string Printable(std::string_view s, size_t bytes_max) {
  std::string out;
  out.reserve(std::min(s.size(), bytes_max));
  while (!s.empty()) {
    const size_t length = Utf8Length(s);
    std::string_view next = length == 0 ? std::string_view("?") : s.substr(0, length);
    if (length == 1 && (static_cast<uint8_t>(s[0]) < 0x20 || s[0] == 0x7F)) next = " ";
    // C1 control characters (U+0080 to U+009F) steer terminals as well as the C0 ones do.
    if (length == 2 && static_cast<uint8_t>(s[0]) == 0xC2 && static_cast<uint8_t>(s[1]) < 0xA0) next = " ";
    if (out.size() + next.size() > bytes_max) break;
    out.append(next);
    s.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

bool IsUtf8(std::string_view s) {
  while (!s.empty()) {
    const size_t length = Utf8Length(s);
    if (length == 0) return false;
    s.remove_prefix(length);
  }
  return true;
}

std::string Redact(std::string_view address) {
  const size_t at = address.rfind('@');
  if (at == std::string_view::npos || at == 0) return "***";
  std::string first(address.substr(0, std::max<size_t>(Utf8Length(address), 1)));
  return Printable(first + "***" + std::string(address.substr(at)), 320);
}

}  // namespace wavepost
