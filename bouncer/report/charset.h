// From whatever charset a mail says or does not say that it is in, to UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace wavepost {

// `bytes` as UTF-8, at most about `bytes_max` bytes of it, never cut inside a character; bytes that mean nothing become
// U+FFFD. Control characters stay.
//
// charset: as the mail says; empty: it says nothing. A label that lies does not lose the text: bytes that are UTF-8 (or
// have the escapes of ISO-2022-JP) are read as such whatever it says, and where it is unknown or impossible the bytes
// are taken for windows-1252.
//
// Only the charsets of a list inside are ever opened: a foreign name never reaches iconv. Any thread.
std::string ToUtf8(std::string_view bytes, std::string_view charset, size_t bytes_max);

// Appends one character; U+FFFD for what is none (surrogates, beyond U+10FFFF).
void AppendUtf8(char32_t character, std::string* out);

}  // namespace wavepost
