// A disk for tests that can lose power or be full.
//
// Wraps the machine's rocksdb::Env and remembers how much of each written file was synced. After CutPower() every
// change fails; once the database is closed, LoseUnsynced() leaves each file as a disk may leave it: all that was
// synced, and a random part of what was written after (from nothing to all). Thread-safe.
#pragma once

#include <rocksdb/env.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>

namespace wavepost {

class FaultEnv final : public rocksdb::EnvWrapper {
 public:
  explicit FaultEnv(uint64_t seed) : rocksdb::EnvWrapper(rocksdb::Env::Default()), random_(seed) {}

  // The power goes after this many more appends and syncs.
  void CutPowerAfter(int64_t operations) { left_ = operations; }
  void CutPower() { left_ = 0; }
  bool dead() const { return left_ <= 0; }
  void SetFull(bool full) { full_ = full; }
  void LoseUnsynced();
  int64_t syncs() const { return syncs_; }

  rocksdb::Status NewWritableFile(const std::string& name, std::unique_ptr<rocksdb::WritableFile>* out,
                                  const rocksdb::EnvOptions& options) override;
  rocksdb::Status ReopenWritableFile(const std::string& name, std::unique_ptr<rocksdb::WritableFile>* out,
                                     const rocksdb::EnvOptions& options) override;
  rocksdb::Status NewDirectory(const std::string& name, std::unique_ptr<rocksdb::Directory>* out) override;
  rocksdb::Status RenameFile(const std::string& from, const std::string& to) override;
  rocksdb::Status LinkFile(const std::string& from, const std::string& to) override;
  rocksdb::Status DeleteFile(const std::string& name) override;

 private:
  class File;
  class Folder;
  struct Sizes {
    uint64_t written = 0;
    uint64_t synced = 0;
  };

  rocksdb::Status Step();  // counts an operation; an error once the power is gone

  std::atomic<int64_t> left_ = INT64_MAX;
  std::atomic<int64_t> syncs_ = 0;
  std::atomic<bool> full_ = false;
  std::mutex mutex_;
  std::map<std::string, Sizes> files_;  // guarded by mutex_
  std::mt19937_64 random_;
};

}  // namespace wavepost
