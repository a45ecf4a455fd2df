// Opens a service's RocksDB folder: one place for options, versions, locks and the wording of storage errors.
//
// Thread-safe, as rocksdb::DB is. Errors are absl::Status: kDataLoss (corruption), kResourceExhausted (disk full),
// kFailedPrecondition (locked by another process, or written by another version), kUnavailable (other I/O).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class Env;
class Status;
class WriteBatch;
}  // namespace rocksdb

namespace wavepost {

// `what` says in the caller's words what was being done, e.g. "store a batch".
absl::Status FromRocks(const rocksdb::Status& status, std::string_view what);

class Db {
 public:
  struct Options {
    std::string path;                          // made if missing, mode 0700
    std::string kind;                          // "sender", "coordinator", ...: a folder of another kind is refused
    int version = 1;                           // of the layout; a folder of another version is refused
    std::vector<std::string> column_families;  // besides "default"; the order gives the indices for cf()
    size_t memory_bytes = 64 << 20;            // write buffers and block cache together
    rocksdb::Env* env = nullptr;  // not owned; null: the machine's. Tests wrap it to lose power or fill the disk
  };

  // Errors name the folder and what to do.
  static absl::StatusOr<std::unique_ptr<Db>> Open(const Options& options);
  ~Db();  // closes; everything written is in the log

  rocksdb::DB* raw() const { return db_.get(); }
  rocksdb::ColumnFamilyHandle* cf(size_t index) const { return handles_[index + 1]; }

  // Applies the batch without waiting for the disk. Survives the death of the process, not of the machine.
  absl::Status Write(rocksdb::WriteBatch* batch);
  // Makes everything written so far survive the death of the machine.
  absl::Status Sync();

  // The value, or kNotFound.
  absl::StatusOr<std::string> Get(size_t cf_index, std::string_view key) const;

 private:
  Db() = default;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

// Big-endian numbers for keys: byte order is number order.
void AppendBig32(uint32_t value, std::string* out);
void AppendBig64(uint64_t value, std::string* out);
uint32_t ReadBig32(std::string_view bytes);  // needs 4 bytes
uint64_t ReadBig64(std::string_view bytes);  // needs 8 bytes

}  // namespace wavepost
