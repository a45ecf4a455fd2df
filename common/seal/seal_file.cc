// The key file: read, and made where there is none.
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/seal/seal.h"

namespace wavepost {
namespace {

constexpr size_t kFileBytesMax = 64 * 1024;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

absl::Status Problem(std::string_view what, const std::string& path) {
  const std::string reason = std::error_code(errno, std::generic_category()).message();
  return absl::UnavailableError(absl::StrCat(Av(what), " the key file ", path, ": ", reason));
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::StatusOr<std::string> ReadKeyFile(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0 && errno == ENOENT) return absl::NotFoundError(absl::StrCat("there is no key file ", path));
  if (file.get() < 0) return Problem("cannot open", path);
  std::string text(kFileBytesMax + 1, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = read(file.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Problem("cannot read", path);
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  if (size > kFileBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat(path, ":1: longer than ", kFileBytesMax, " bytes: no key file"));
  }
  text.resize(size);
  return text;
}

bool WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = write(fd, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return false;
    text.remove_prefix(static_cast<size_t>(put));
  }
  return true;
}

absl::StatusOr<std::string> NewKeyFileText() {
  std::string key(kSealKeyBytes, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(key.data()), static_cast<int>(key.size())) != 1) {
    ERR_clear_error();
    return absl::InternalError("OpenSSL has no randomness to make a key with");
  }
  std::string hex = absl::BytesToHexString(Av(key));
  std::string text = absl::StrCat(
      "# Seals what is secret in the database. Keep a copy apart from the data: without it nothing opens.\n"
      "# To rotate, put a new line \"ID HEX\" on top; keep the old ones.\n1 ",
      hex, "\n");
  OPENSSL_cleanse(key.data(), key.size());
  OPENSSL_cleanse(hex.data(), hex.size());
  return text;
}

// Whole and synced, or not there at all: the text is written aside and linked to its name, which fails if another
// process was first. Returns whether ours is the one.
absl::StatusOr<bool> MakeKeyFile(const std::string& path) {
  ASSIGN_OR_RETURN(std::string text, NewKeyFileText());
  std::string aside = path + ".new.XXXXXX";
  const Descriptor file(mkostemp(aside.data(), O_CLOEXEC));  // O_EXCL, mode 0600
  if (file.get() < 0) return Problem("cannot make", path);
  const bool written = WriteAll(file.get(), text) && fchmod(file.get(), 0600) == 0 && fsync(file.get()) == 0;
  OPENSSL_cleanse(text.data(), text.size());
  const bool linked = written && link(aside.c_str(), path.c_str()) == 0;
  const int error = errno;
  unlink(aside.c_str());
  errno = error;
  if (!linked && !(written && error == EEXIST)) return Problem("cannot write", path);

  const Descriptor folder(open(FolderOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0 || fsync(folder.get()) != 0) return Problem("cannot sync the folder of", path);
  return linked;
}

}  // namespace

absl::StatusOr<Sealer> Sealer::Load(const std::string& path) {
  ASSIGN_OR_RETURN(std::string text, ReadKeyFile(path));
  absl::StatusOr<Sealer> out = Parse(text, path);
  OPENSSL_cleanse(text.data(), text.size());
  return out;
}

absl::StatusOr<Sealer> Sealer::LoadOrMake(const std::string& path, bool* made) {
  *made = false;
  absl::StatusOr<Sealer> out = Load(path);
  if (out.ok() || !absl::IsNotFound(out.status())) return out;
  ASSIGN_OR_RETURN(*made, MakeKeyFile(path));
  return Load(path);
}

}  // namespace wavepost
