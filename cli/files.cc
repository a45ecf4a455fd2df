#include "cli/files.h"

#include <fstream>

#include "absl/strings/str_cat.h"
#include "cli/exit_code.h"
#include "common/base/strings.h"

namespace wavepost::cli {

absl::StatusOr<std::string> ReadTextFile(const std::string& option, const std::string& path, size_t bytes_max) {
  std::ifstream in(path, std::ios::binary);
  std::string text(bytes_max + 1, '\0');
  // A folder opens, but cannot be read.
  if (!in || !in.read(text.data(), static_cast<std::streamsize>(text.size())).eof()) {
    if (in.good())
      return FileError(
          absl::ResourceExhaustedError(absl::StrCat(option, " ", path, ": has more than ", bytes_max, " bytes")));
    return FileError(absl::NotFoundError(absl::StrCat(option, " ", path, ": no such file, or it cannot be read")));
  }
  text.resize(static_cast<size_t>(in.gcount()));
  if (text.rfind("\xEF\xBB\xBF", 0) == 0) text.erase(0, 3);
  if (!IsUtf8(text)) {
    return FileError(absl::InvalidArgumentError(
        absl::StrCat(option, " ", path, ": is not UTF-8; convert it, e.g. with iconv -f ISO-8859-1 -t UTF-8")));
  }
  return text;
}

}  // namespace wavepost::cli
