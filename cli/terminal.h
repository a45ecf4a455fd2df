// Asking for a password on a terminal.
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <string_view>

namespace wavepost::cli {

inline constexpr size_t kSecretBytesMax = 1024;

// Prints `prompt` to `err` and reads a line from the terminal `fd`, which shows nothing of it meanwhile. The terminal
// is as before when this returns; the keys that would end the program (Ctrl-C) end the question instead, so that it
// cannot be left without echo. Backspace and Ctrl-U correct. Nothing: `fd` is no terminal, was closed, or the person
// gave up.
std::optional<std::string> ReadSecret(int fd, std::string_view prompt, std::ostream& err);

}  // namespace wavepost::cli
