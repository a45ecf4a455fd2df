// Files that a person names on the command line.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace wavepost::cli {

// A file's whole text, without a byte order mark. Errors name option and file: kNotFound, kInvalidArgument (not UTF-8),
// kResourceExhausted (more than `bytes_max`).
absl::StatusOr<std::string> ReadTextFile(const std::string& option, const std::string& path, size_t bytes_max);

}  // namespace wavepost::cli
