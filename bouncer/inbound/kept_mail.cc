#include "bouncer/inbound/kept_mail.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "bouncer/log_value.h"
#include "common/base/status_macros.h"

namespace wavepost {
namespace {

namespace fs = std::filesystem;

// Few people write to postmaster at a time; whoever floods it is told to come back later.
constexpr size_t kWaitingMax = 64;

absl::Status Failed(std::string_view what, const std::string& path) {
  return absl::UnavailableError(absl::StrCat("kept mail: cannot ", Av(what), " ", path, ": ", std::strerror(errno)));
}

absl::Status Failed(std::string_view what, const std::string& path, const std::error_code& error) {
  errno = error.value();
  return Failed(what, path);
}

absl::Status SyncFolder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Failed("open", path);
  const bool synced = ::fsync(fd) == 0;
  const absl::Status status = synced ? absl::OkStatus() : Failed("sync", path);
  ::close(fd);
  return status;
}

}  // namespace

KeptMail::KeptMail(Options options, const Clock* clock) : options_(std::move(options)), clock_(clock) {}

KeptMail::~KeptMail() {
  Stop();
}

void KeptMail::Stop() {
  if (writer_ != nullptr) writer_->Stop();
}

absl::StatusOr<std::unique_ptr<KeptMail>> KeptMail::Open(Options options, const Clock* clock) {
  std::unique_ptr<KeptMail> out(new KeptMail(std::move(options), clock));
  RETURN_IF_ERROR(out->MakeFolders());
  out->used_ = out->Count();
  out->writer_ = std::make_unique<CommitLoop>([self = out.get()] { return self->SyncNew(); }, kWaitingMax);
  return out;
}

absl::Status KeptMail::MakeFolders() {
  std::error_code error;
  fs::create_directories(options_.path, error);
  for (const char* name : {"", "/tmp", "/new", "/cur"}) {
    const std::string path = options_.path + name;
    fs::create_directory(path, error);
    if (error) return Failed("make", path, error);
    fs::permissions(path, fs::perms::owner_all, error);
    if (error) return Failed("protect", path, error);
  }
  for (fs::directory_iterator it(options_.path + "/tmp", error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    fs::remove(it->path(), ignored);
  }
  RETURN_IF_ERROR(SyncFolder(options_.path));
  return SyncFolder(fs::path(options_.path).parent_path().string());
}

KeptMail::Room KeptMail::Count() const {
  Room room;
  for (const char* name : {"/new", "/cur"}) {
    std::error_code error;
    for (fs::directory_iterator it(options_.path + name, error), end; !error && it != end; it.increment(error)) {
      std::error_code gone;
      const uintmax_t size = it->file_size(gone);
      if (gone) continue;
      ++room.messages;
      room.bytes += static_cast<int64_t>(size);
    }
  }
  return room;
}

absl::Status KeptMail::Before(Step step) const {
  return options_.before_step ? options_.before_step(step) : absl::OkStatus();
}

void KeptMail::Keep(std::string message, std::string client, Done done) {
  const std::string date = absl::FormatTime("%a, %d %b %Y %H:%M:%S +0000", clock_->Now(), absl::UTCTimeZone());
  std::string content = absl::StrCat("Received: from [", Printable(client, 100), "] by wavepost-bouncer; ", date, "\n",
                                     absl::StrReplaceAll(message, {{"\r\n", "\n"}}));
  message = std::string();
  writer_->Submit([this, content = std::move(content)] { return Write(content); }, std::move(done));
}

absl::Status KeptMail::Write(const std::string& content) {
  const auto bytes = static_cast<int64_t>(content.size());
  const auto full = [&] { return used_.messages >= options_.messages_max || used_.bytes + bytes > options_.bytes_max; };
  // People remove what they have read: look before refusing.
  if (full()) used_ = Count();
  if (full()) {
    return absl::ResourceExhaustedError(absl::StrCat("kept mail: ", options_.path, " is full; read it and make room"));
  }
  // Unique: the time, who wrote, and how many it wrote (https://cr.yp.to/proto/maildir.html).
  const std::string name =
      absl::StrCat(absl::ToUnixMicros(clock_->Now()), ".P", ::getpid(), "Q", ++written_, ".wavepost");
  const std::string temporary = absl::StrCat(options_.path, "/tmp/", name);
  absl::Status status = WriteTo(temporary, content);
  if (status.ok()) status = Before(Step::kRename);
  if (status.ok() && ::rename(temporary.c_str(), absl::StrCat(options_.path, "/new/", name).c_str()) != 0) {
    status = Failed("rename", temporary);
  }
  if (!status.ok()) {
    ::unlink(temporary.c_str());
    return status;
  }
  ++used_.messages;
  used_.bytes += bytes;
  return absl::OkStatus();
}

absl::Status KeptMail::WriteTo(const std::string& path, const std::string& content) const {
  RETURN_IF_ERROR(Before(Step::kWrite));
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return Failed("create", path);
  absl::Status status;
  for (size_t written = 0; status.ok() && written < content.size();) {
    const ssize_t got = ::write(fd, content.data() + written, content.size() - written);
    if (got > 0) {
      written += static_cast<size_t>(got);
    } else if (got == 0 || errno != EINTR) {
      status = Failed("write", path);
    }
  }
  if (status.ok()) status = Before(Step::kSyncFile);
  if (status.ok() && ::fsync(fd) != 0) status = Failed("sync", path);
  if (::close(fd) != 0 && status.ok()) status = Failed("close", path);
  return status;
}

absl::Status KeptMail::SyncNew() const {
  RETURN_IF_ERROR(Before(Step::kSyncFolder));
  return SyncFolder(options_.path + "/new");
}

}  // namespace wavepost
