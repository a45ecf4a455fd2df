#include "bouncer/parse/files.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace wavepost {
namespace {

namespace fs = std::filesystem;

absl::Status Cannot(const std::string& path, const std::error_code& error) {
  return absl::NotFoundError(absl::StrCat("cannot read ", path, ": ", error.message()));
}

struct CloseFile {
  void operator()(std::FILE* file) const {
    if (file != stdin) std::fclose(file);
  }
};

}  // namespace

absl::StatusOr<std::vector<MailFile>> FindMailFiles(const std::string& path) {
  std::vector<MailFile> out;
  if (path == "-") {
    out.push_back({"-", "-"});
    return out;
  }
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (error) return Cannot(path, error);
  if (!fs::is_directory(status)) {
    out.push_back({path, path});
    return out;
  }
  fs::recursive_directory_iterator entries(path, error);
  if (error) return Cannot(path, error);
  const fs::recursive_directory_iterator end;
  while (entries != end) {
    std::error_code ignored;  // an entry that went away meanwhile
    if (!entries->is_symlink(ignored) && entries->is_regular_file(ignored)) {
      if (out.size() >= kParseFilesMax) {
        return absl::ResourceExhaustedError(
            absl::StrCat(path, " has more than ", kParseFilesMax, " files; parse its folders one by one"));
      }
      out.push_back({entries->path(), entries->path().lexically_relative(path).generic_string()});
    }
    entries.increment(error);
    if (error) return Cannot(path, error);
  }
  std::sort(out.begin(), out.end(), [](const MailFile& a, const MailFile& b) { return a.name < b.name; });
  return out;
}

absl::StatusOr<std::string> ReadMailFile(const MailFile& file) {
  const std::unique_ptr<std::FILE, CloseFile> in(file.path == "-" ? stdin : std::fopen(file.path.c_str(), "rb"));
  if (in == nullptr) return Cannot(file.name, std::error_code(errno, std::generic_category()));
  std::string out;
  std::array<char, 65536> buffer;
  while (out.size() < kParseFileBytesMax) {
    const size_t wanted = std::min(buffer.size(), kParseFileBytesMax - out.size());
    const size_t got = std::fread(buffer.data(), 1, wanted, in.get());
    out.append(buffer.data(), got);
    if (got < wanted) break;
  }
  if (std::ferror(in.get()) != 0) return Cannot(file.name, std::error_code(errno, std::generic_category()));
  return out;
}

}  // namespace wavepost
