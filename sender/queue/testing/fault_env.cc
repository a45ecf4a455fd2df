#include "sender/queue/testing/fault_env.h"

#include <filesystem>
#include <memory>
#include <utility>

namespace wavepost {

class FaultEnv::File final : public rocksdb::WritableFileWrapper {
 public:
  File(FaultEnv* env, std::string name, std::unique_ptr<rocksdb::WritableFile> file)
      : WritableFileWrapper(file.get()), env_(env), name_(std::move(name)), file_(std::move(file)) {}

  rocksdb::Status Append(const rocksdb::Slice& data) override {
    if (rocksdb::Status status = env_->Step(); !status.ok()) return status;
    if (env_->full_) return rocksdb::Status::NoSpace("the disk of this test is full");
    const rocksdb::Status status = file_->Append(data);
    std::lock_guard lock(env_->mutex_);
    if (status.ok()) env_->files_[name_].written += data.size();
    return status;
  }
  rocksdb::Status Append(const rocksdb::Slice& data, const rocksdb::DataVerificationInfo&) override {
    return Append(data);
  }
  rocksdb::Status Sync() override {
    if (rocksdb::Status status = env_->Step(); !status.ok()) return status;
    ++env_->syncs_;
    std::lock_guard lock(env_->mutex_);
    Sizes& sizes = env_->files_[name_];
    sizes.synced = sizes.written;
    return rocksdb::Status::OK();  // the machine's own power stays on: no need to wait for its disk
  }
  rocksdb::Status Fsync() override { return Sync(); }
  rocksdb::Status RangeSync(uint64_t, uint64_t) override { return rocksdb::Status::OK(); }

 private:
  FaultEnv* const env_;
  const std::string name_;
  const std::unique_ptr<rocksdb::WritableFile> file_;
};

class FaultEnv::Folder final : public rocksdb::Directory {
 public:
  rocksdb::Status Fsync() override { return rocksdb::Status::OK(); }
};

rocksdb::Status FaultEnv::NewDirectory(const std::string&, std::unique_ptr<rocksdb::Directory>* out) {
  *out = std::make_unique<Folder>();
  return rocksdb::Status::OK();
}

rocksdb::Status FaultEnv::Step() {
  if (--left_ < 0) return rocksdb::Status::IOError("the power of this test is gone");
  return rocksdb::Status::OK();
}

rocksdb::Status FaultEnv::NewWritableFile(const std::string& name, std::unique_ptr<rocksdb::WritableFile>* out,
                                          const rocksdb::EnvOptions& options) {
  if (dead()) return rocksdb::Status::IOError("the power of this test is gone");
  std::unique_ptr<rocksdb::WritableFile> file;
  rocksdb::EnvOptions plain = options;
  plain.use_direct_writes = false;
  plain.use_mmap_writes = false;
  const rocksdb::Status status = target()->NewWritableFile(name, &file, plain);
  if (!status.ok()) return status;
  {
    std::lock_guard lock(mutex_);
    files_[name] = {};
  }
  *out = std::make_unique<File>(this, name, std::move(file));
  return status;
}

rocksdb::Status FaultEnv::ReopenWritableFile(const std::string& name, std::unique_ptr<rocksdb::WritableFile>* out,
                                             const rocksdb::EnvOptions& options) {
  if (dead()) return rocksdb::Status::IOError("the power of this test is gone");
  std::unique_ptr<rocksdb::WritableFile> file;
  const rocksdb::Status status = target()->ReopenWritableFile(name, &file, options);
  if (status.ok()) *out = std::make_unique<File>(this, name, std::move(file));
  return status;
}

rocksdb::Status FaultEnv::RenameFile(const std::string& from, const std::string& to) {
  if (dead()) return rocksdb::Status::IOError("the power of this test is gone");
  const rocksdb::Status status = target()->RenameFile(from, to);
  std::lock_guard lock(mutex_);
  if (const auto it = files_.find(from); status.ok() && it != files_.end()) {
    files_[to] = it->second;
    files_.erase(it);
  }
  return status;
}

rocksdb::Status FaultEnv::LinkFile(const std::string&, const std::string&) {
  return rocksdb::Status::NotSupported("no links on the disk of this test");
}

rocksdb::Status FaultEnv::DeleteFile(const std::string& name) {
  if (dead()) return rocksdb::Status::IOError("the power of this test is gone");
  {
    std::lock_guard lock(mutex_);
    files_.erase(name);
  }
  return target()->DeleteFile(name);
}

void FaultEnv::LoseUnsynced() {
  std::lock_guard lock(mutex_);
  for (const auto& [name, sizes] : files_) {
    std::error_code error;
    const uint64_t size = std::filesystem::file_size(name, error);
    if (error || size <= sizes.synced) continue;
    const uint64_t unsynced = size - sizes.synced;
    uint64_t kept = 0;
    switch (random_() % 3) {
      case 0:
        break;
      case 1:
        kept = random_() % (unsynced + 1);
        break;
      default:
        kept = unsynced;
    }
    std::filesystem::resize_file(name, sizes.synced + kept, error);
  }
  files_.clear();
}

}  // namespace wavepost
