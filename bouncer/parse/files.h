// Which files `wavepost-bouncer parse` reads, and their bytes.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace wavepost {

inline constexpr size_t kParseFilesMax = 2'000'000;
inline constexpr size_t kParseFileBytesMax = 10 * (size_t{1} << 20);  // of a file; more is not read

struct MailFile {
  std::filesystem::path path;  // to open; "-" is the standard input
  std::string name;            // for people: relative to the folder asked for, with '/'
};

// The file itself, or all regular files below the folder, sorted by name. Symbolic links inside a folder are not
// followed.
//
// Errors: kNotFound, kPermissionDenied; kResourceExhausted beyond kParseFilesMax.
absl::StatusOr<std::vector<MailFile>> FindMailFiles(const std::string& path);

// At most kParseFileBytesMax of it.
absl::StatusOr<std::string> ReadMailFile(const MailFile& file);

}  // namespace wavepost
