#include "common/storage/testing/power_cut_env.h"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace wavepost {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

// The file system. Knows for each file how much of it is safe.
class PowerCutEnv::Disk final : public rocksdb::FileSystemWrapper {
 public:
  enum class Op { kAppend, kCreate, kSync, kOther };

  Disk() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "PowerCutDisk"; }

  // Counts an operation and says whether it may be done. After the cut all seem to succeed: nobody is left to be told.
  IOStatus Allow(Op op) {
    std::lock_guard lock(mutex_);
    ++operations_;
    if (is_cut()) return IOStatus::OK();
    if (operations_ == fail_at_) return IOStatus::IOError("injected failure");
    if (full_ && (op == Op::kAppend || op == Op::kCreate)) return IOStatus::NoSpace("the disk is full");
    return IOStatus::OK();
  }

  // With mutex_ held.
  bool is_cut() const { return cut_at_ != 0 && operations_ >= cut_at_; }
  bool power_is_cut() {
    std::lock_guard lock(mutex_);
    return is_cut();
  }

  // What comes after the cut is not counted, and so thrown away by PowerCycle; of the append at the cut, a half is.
  void Appended(const std::string& path, uint64_t bytes) {
    std::lock_guard lock(mutex_);
    if (is_cut()) bytes = operations_ == cut_at_ ? bytes / 2 : 0;
    files_[path].size += bytes;
  }
  void Truncated(const std::string& path, uint64_t size) {
    std::lock_guard lock(mutex_);
    FileFacts& file = files_[path];
    file.size = size;
    file.synced = std::min(file.synced, size);
  }
  void Synced(const std::string& path) {
    std::lock_guard lock(mutex_);
    if (!ignore_syncs_ && !is_cut()) files_[path].synced = files_[path].size;
  }
  void FolderSynced(const std::string& folder) {
    std::lock_guard lock(mutex_);
    if (is_cut()) return;
    std::erase_if(unsynced_entries_, [&](const Entry& entry) { return ParentOf(entry.path) == folder; });
  }

  IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext* dbg) override;
  IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions&,
                              std::unique_ptr<rocksdb::FSWritableFile>*, IODebugContext*) override {
    return IOStatus::NotSupported("reopening is not simulated", path);
  }
  IOStatus ReuseWritableFile(const std::string& path, const std::string&, const rocksdb::FileOptions&,
                             std::unique_ptr<rocksdb::FSWritableFile>*, IODebugContext*) override {
    return IOStatus::NotSupported("reuse is not simulated", path);
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions& options,
                        std::unique_ptr<rocksdb::FSDirectory>* result, IODebugContext* dbg) override;

  IOStatus DeleteFile(const std::string& path, const IOOptions& options, IODebugContext* dbg) override {
    const IOStatus allowed = Allow(Op::kOther);
    if (!allowed.ok()) return allowed;
    std::lock_guard lock(mutex_);
    if (is_cut()) return allowed;
    files_.erase(path);
    std::erase_if(unsynced_entries_, [&](const Entry& entry) { return entry.path == path; });
    return target()->DeleteFile(path, options, dbg);
  }

  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* dbg) override {
    const IOStatus allowed = Allow(Op::kOther);
    if (!allowed.ok()) return allowed;
    std::lock_guard lock(mutex_);
    Entry entry{.path = to, .before = std::nullopt};
    if (std::filesystem::exists(to)) entry.before = ReadAll(to);
    const IOStatus renamed = target()->RenameFile(from, to, options, dbg);
    if (!renamed.ok()) return renamed;
    files_[to] = files_[from];
    files_.erase(from);
    std::erase_if(unsynced_entries_, [&](const Entry& old) { return old.path == from; });
    unsynced_entries_.push_back(std::move(entry));
    return renamed;
  }

  absl::Status PowerCycle(uint64_t seed) {
    std::lock_guard lock(mutex_);
    std::mt19937_64 random(seed);
    std::error_code error;
    for (auto& [path, file] : files_) {
      const uint64_t unsynced = file.size - file.synced;
      // Half of the time nothing survives, otherwise any part of it.
      const uint64_t kept = random() % 2 == 0 ? 0 : random() % (unsynced + 1);
      file.size = file.synced = file.synced + kept;
      std::filesystem::resize_file(path, file.size, error);
      if (error) return absl::InternalError(absl::StrCat(path, ": ", error.message()));
    }
    for (auto entry = unsynced_entries_.rbegin(); entry != unsynced_entries_.rend(); ++entry) {
      files_.erase(entry->path);
      if (entry->before.has_value()) {
        std::ofstream(entry->path, std::ios::binary | std::ios::trunc) << *entry->before;
        files_[entry->path] = {.size = entry->before->size(), .synced = entry->before->size()};
      } else {
        std::filesystem::remove(entry->path, error);
      }
    }
    unsynced_entries_.clear();
    cut_at_ = fail_at_ = 0;
    full_ = false;
    return absl::OkStatus();
  }

  struct FileFacts {
    uint64_t size = 0;
    uint64_t synced = 0;
  };
  // A name in a folder that a power cut takes back.
  struct Entry {
    std::string path;
    std::optional<std::string> before;  // content of the file that a rename replaced
  };

  static std::string ParentOf(const std::string& path) { return std::filesystem::path(path).parent_path().string(); }
  static std::string ReadAll(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }

  std::mutex mutex_;  // guards all below
  int64_t operations_ = 0;
  int64_t cut_at_ = 0;   // 0: never
  int64_t fail_at_ = 0;  // 0: never
  bool full_ = false;
  bool ignore_syncs_ = false;
  std::map<std::string, FileFacts> files_;
  std::vector<Entry> unsynced_entries_;  // oldest first
};

class PowerCutEnv::File final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(Disk* disk, std::string path, std::unique_ptr<rocksdb::FSWritableFile> target)
      : FSWritableFileOwnerWrapper(std::move(target)), disk_(disk), path_(std::move(path)) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options, IODebugContext* dbg) override {
    const IOStatus allowed = disk_->Allow(Disk::Op::kAppend);
    if (!allowed.ok()) {
      // What fails may still have been done in part.
      const rocksdb::Slice part(data.data(), allowed.IsNoSpace() ? 0 : data.size() / 2);
      if (target()->Append(part, options, dbg).ok()) disk_->Appended(path_, part.size());
      return allowed;
    }
    const IOStatus done = target()->Append(data, options, dbg);
    if (done.ok()) disk_->Appended(path_, data.size());
    return done;
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* dbg) override {
    return Append(data, options, dbg);
  }
  IOStatus PositionedAppend(const rocksdb::Slice&, uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::NotSupported("direct I/O is not simulated", path_);
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* dbg) override {
    const IOStatus allowed = disk_->Allow(Disk::Op::kOther);
    if (!allowed.ok() || disk_->power_is_cut()) return allowed;
    const IOStatus done = target()->Truncate(size, options, dbg);
    if (done.ok()) disk_->Truncated(path_, size);
    return done;
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* dbg) override {
    const IOStatus allowed = disk_->Allow(Disk::Op::kSync);
    if (!allowed.ok()) return allowed;
    const IOStatus flushed = target()->Flush(options, dbg);
    if (flushed.ok()) disk_->Synced(path_);
    return flushed;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* dbg) override { return Sync(options, dbg); }
  // Starts write-back early, promises nothing.
  IOStatus RangeSync(uint64_t, uint64_t, const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

 private:
  Disk* const disk_;
  const std::string path_;
};

class PowerCutEnv::Folder final : public rocksdb::FSDirectoryWrapper {
 public:
  Folder(Disk* disk, std::string path, std::unique_ptr<rocksdb::FSDirectory> target)
      : FSDirectoryWrapper(std::move(target)), disk_(disk), path_(std::move(path)) {}

  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    const IOStatus allowed = disk_->Allow(Disk::Op::kSync);
    if (allowed.ok()) disk_->FolderSynced(path_);
    return allowed;
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* dbg,
                               const rocksdb::DirFsyncOptions&) override {
    return Fsync(options, dbg);
  }

 private:
  Disk* const disk_;
  const std::string path_;
};

IOStatus PowerCutEnv::Disk::NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                            std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext* dbg) {
  const IOStatus allowed = Allow(Op::kCreate);
  if (!allowed.ok()) return allowed;
  Entry entry{.path = path, .before = std::nullopt};
  if (std::filesystem::exists(path)) entry.before = ReadAll(path);
  std::unique_ptr<rocksdb::FSWritableFile> file;
  const IOStatus made = target()->NewWritableFile(path, options, &file, dbg);
  if (!made.ok()) return made;
  {
    std::lock_guard lock(mutex_);
    files_[path] = {};
    unsynced_entries_.push_back(std::move(entry));
  }
  *result = std::make_unique<File>(this, path, std::move(file));
  return made;
}

IOStatus PowerCutEnv::Disk::NewDirectory(const std::string& path, const IOOptions& options,
                                         std::unique_ptr<rocksdb::FSDirectory>* result, IODebugContext* dbg) {
  std::unique_ptr<rocksdb::FSDirectory> folder;
  const IOStatus opened = target()->NewDirectory(path, options, &folder, dbg);
  if (opened.ok()) {
    const std::string plain = path.size() > 1 && path.back() == '/' ? path.substr(0, path.size() - 1) : path;
    *result = std::make_unique<Folder>(this, plain, std::move(folder));
  }
  return opened;
}

PowerCutEnv::PowerCutEnv() : disk_(std::make_shared<Disk>()), env_(rocksdb::NewCompositeEnv(disk_)) {}
PowerCutEnv::~PowerCutEnv() = default;

rocksdb::Env* PowerCutEnv::env() const {
  return env_.get();
}

int64_t PowerCutEnv::operations() const {
  std::lock_guard lock(disk_->mutex_);
  return disk_->operations_;
}

void PowerCutEnv::CutPowerAt(int64_t nth) {
  std::lock_guard lock(disk_->mutex_);
  disk_->cut_at_ = disk_->operations_ + nth;
}

bool PowerCutEnv::power_is_cut() const {
  return disk_->power_is_cut();
}

void PowerCutEnv::FailAt(int64_t nth) {
  std::lock_guard lock(disk_->mutex_);
  disk_->fail_at_ = nth == 0 ? 0 : disk_->operations_ + nth;
}

void PowerCutEnv::SetFull(bool full) {
  std::lock_guard lock(disk_->mutex_);
  disk_->full_ = full;
}

void PowerCutEnv::IgnoreSyncs() {
  std::lock_guard lock(disk_->mutex_);
  disk_->ignore_syncs_ = true;
}

absl::Status PowerCutEnv::PowerCycle(uint64_t seed) {
  return disk_->PowerCycle(seed);
}

}  // namespace wavepost
