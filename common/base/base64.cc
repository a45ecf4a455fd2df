#include "common/base/base64.h"

#include <cstdint>

#include "absl/strings/escaping.h"
#include "common/base/strings.h"

namespace wavepost {

std::string Base64Encode(std::string_view bytes) {
  return absl::Base64Escape(Av(bytes));
}

std::optional<std::string> Base64Decode(std::string_view text) {
  for (char c : text) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '+' && c != '/' && c != '=') return std::nullopt;
  }
  std::string out;
  if (text.size() % 4 != 0 || !absl::Base64Unescape(Av(text), &out)) return std::nullopt;
  return out;
}

std::string Base32Encode(std::string_view bytes) {
  static constexpr char kAlphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
  std::string out;
  out.reserve((bytes.size() * 8 + 4) / 5);
  uint32_t bits = 0;
  int count = 0;
  for (char c : bytes) {
    bits = bits << 8 | static_cast<uint8_t>(c);
    for (count += 8; count >= 5; count -= 5) out.push_back(kAlphabet[bits >> (count - 5) & 31]);
  }
  if (count > 0) out.push_back(kAlphabet[bits << (5 - count) & 31]);
  return out;
}

std::optional<std::string> Base32Decode(std::string_view text) {
  const size_t rest = text.size() % 8;
  if (rest == 1 || rest == 3 || rest == 6) return std::nullopt;
  std::string out;
  out.reserve(text.size() * 5 / 8);
  uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    uint32_t value;
    if (c >= 'a' && c <= 'z') {
      value = c - 'a';
    } else if (c >= 'A' && c <= 'Z') {
      value = c - 'A';
    } else if (c >= '2' && c <= '7') {
      value = c - '2' + 26;
    } else {
      return std::nullopt;
    }
    bits = bits << 5 | value;
    count += 5;
    if (count >= 8) {
      count -= 8;
      out.push_back(static_cast<char>(bits >> count & 255));
    }
  }
  if ((bits & ((1U << count) - 1)) != 0) return std::nullopt;
  return out;
}

}  // namespace wavepost
