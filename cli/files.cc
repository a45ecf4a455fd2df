#include "cli/files.h"

#include <fstream>

#include "absl/strings/str_cat.h"
#include "cli/exit_code.h"
#include "cli/format.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"

namespace wavepost::cli {

namespace {

// At most `bytes_max`; `too_large` is the end of the sentence for more.
absl::StatusOr<std::string> ReadBytes(const std::string& option, const std::string& path, size_t bytes_max,
                                      std::string_view too_large) {
  std::ifstream in(path, std::ios::binary);
  std::string text(bytes_max + 1, '\0');
  // A folder opens, but cannot be read.
  if (!in || !in.read(text.data(), static_cast<std::streamsize>(text.size())).eof()) {
    if (in.good())
      return FileError(absl::ResourceExhaustedError(
          absl::StrCat(option, " ", path, ": has more than ", bytes_max, " bytes", Av(too_large))));
    return FileError(absl::NotFoundError(absl::StrCat(option, " ", path, ": no such file, or it cannot be read")));
  }
  text.resize(static_cast<size_t>(in.gcount()));
  return text;
}

}  // namespace

absl::StatusOr<std::string> ReadTextFile(const std::string& option, const std::string& path, size_t bytes_max) {
  ASSIGN_OR_RETURN(std::string text, ReadBytes(option, path, bytes_max, ""));
  if (text.rfind("\xEF\xBB\xBF", 0) == 0) text.erase(0, 3);
  if (!IsUtf8(text)) {
    return FileError(absl::InvalidArgumentError(
        absl::StrCat(option, " ", path, ": is not UTF-8; convert it, e.g. with iconv -f ISO-8859-1 -t UTF-8")));
  }
  return text;
}

absl::StatusOr<std::string> ReadBinaryFile(const std::string& option, const std::string& path, size_t bytes_max,
                                           std::string_view cure) {
  ASSIGN_OR_RETURN(std::string bytes, ReadBytes(option, path, bytes_max, absl::StrCat("; ", Av(cure))));
  if (bytes.empty()) return FileError(absl::InvalidArgumentError(absl::StrCat(option, " ", path, ": is empty")));
  return bytes;
}

absl::Status WriteFile(const std::string& option, const std::string& path, std::string_view bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  if (!out) {
    return FileError(absl::PermissionDeniedError(
        absl::StrCat(option, " ", path, ": cannot be written; is the folder there, and may you write in it?")));
  }
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out) {
    return FileError(
        absl::DataLossError(absl::StrCat(option, " ", path, ": cannot be written to its end; is the disk full?")));
  }
  return absl::OkStatus();
}

void PrintBytes(const Cli& cli, std::string_view bytes) {
  if (cli.env.out_is_terminal) {
    cli.out() << PrintableLines(bytes);
  } else {
    cli.out().write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
}

}  // namespace wavepost::cli
