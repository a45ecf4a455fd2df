// Files that a person names on the command line.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "cli/cli.h"

namespace wavepost::cli {

// A file's whole text, without a byte order mark. Errors name option and file: kNotFound, kInvalidArgument (not UTF-8),
// kResourceExhausted (more than `bytes_max`).
absl::StatusOr<std::string> ReadTextFile(const std::string& option, const std::string& path, size_t bytes_max);

// A file's whole bytes. Errors name option and file: kNotFound, kInvalidArgument (empty), kResourceExhausted (more than
// `bytes_max`; `cure` says what to do then).
absl::StatusOr<std::string> ReadBinaryFile(const std::string& option, const std::string& path, size_t bytes_max,
                                           std::string_view cure);

// Replaces the file. Errors name option and file: kPermissionDenied, kDataLoss (it is written in part).
absl::Status WriteFile(const std::string& option, const std::string& path, std::string_view bytes);

// A result that may be binary, to the caller's output: as it is, unless a person looks at it on a terminal, which bytes
// of the server must not steer.
void PrintBytes(const Cli& cli, std::string_view bytes);

}  // namespace wavepost::cli
