#include "bouncer/inbound/kept_mail.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
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

// CRLF becomes LF, in place: a message can be large.
void DropCarriageReturns(std::string* message) {
  size_t to = 0;
  for (size_t from = 0; from < message->size(); ++from) {
    const bool line_end = (*message)[from] == '\r' && from + 1 < message->size() && (*message)[from + 1] == '\n';
    if (!line_end) (*message)[to++] = (*message)[from];
  }
  message->resize(to);
}

absl::Status WriteAll(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t got = ::write(fd, bytes.data(), bytes.size());
    if (got > 0) {
      bytes.remove_prefix(static_cast<size_t>(got));
    } else if (got == 0 || errno != EINTR) {
      return Failed("write", path);
    }
  }
  return absl::OkStatus();
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
  std::string trace = absl::StrCat("Received: from [", Printable(client, 100), "] by wavepost-bouncer; ", date, "\n");
  DropCarriageReturns(&message);
  writer_->Submit([this, trace = std::move(trace), message = std::move(message)] { return Write(trace, message); },
                  std::move(done));
}

absl::Status KeptMail::Write(const std::string& trace, const std::string& message) {
  const auto bytes = static_cast<int64_t>(trace.size() + message.size());
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
  absl::Status status = WriteTo(temporary, trace, message);
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

absl::Status KeptMail::WriteTo(const std::string& path, const std::string& trace, const std::string& message) const {
  RETURN_IF_ERROR(Before(Step::kWrite));
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return Failed("create", path);
  absl::Status status = WriteAll(fd, trace, path);
  if (status.ok()) status = WriteAll(fd, message, path);
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
