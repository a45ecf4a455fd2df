// Small text helpers: bridging absl::string_view and std::string_view, and making foreign bytes fit for people.
//
// Debian builds Abseil with a string_view type of its own; our interfaces speak std::string_view only.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/strings/string_view.h"

namespace wavepost {

inline absl::string_view Av(std::string_view s) {
  return {s.data(), s.size()};
}
inline std::string_view Sv(absl::string_view s) {
  return {s.data(), s.size()};
}

// Lower-cases A-Z only; other bytes stay as they are.
std::string AsciiLower(std::string_view s);

bool EqualsIgnoreCase(std::string_view a, std::string_view b);
bool StartsWithIgnoreCase(std::string_view s, std::string_view prefix);
bool ContainsIgnoreCase(std::string_view haystack, std::string_view needle);

// Makes foreign bytes safe for logs, events and terminals: valid UTF-8, no control characters (each becomes a space),
// at most `bytes_max` bytes, never cut inside a character.
std::string Printable(std::string_view s, size_t bytes_max = 1024);

// True if `s` is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms).
bool IsUtf8(std::string_view s);

// For logs: keeps the first letter of the local part and the domain ("j***@example.com").
std::string Redact(std::string_view address);

}  // namespace wavepost
