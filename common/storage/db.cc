#include "common/storage/db.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr char kFormatKey[] = "format";  // in the default column family: "KIND VERSION"

rocksdb::DBOptions MakeDbOptions(const Db::Options& options) {
  rocksdb::DBOptions db;
  db.create_if_missing = true;
  db.create_missing_column_families = true;
  if (options.env != nullptr) db.env = options.env;
  // All column families share one budget, so that memory does not grow with their number.
  db.db_write_buffer_size = options.memory_bytes / 2;
  db.max_total_wal_size = options.memory_bytes * 2;
  db.max_background_jobs = 2;
  db.bytes_per_sync = 1 << 20;
  db.max_open_files = 512;
  db.keep_log_file_num = 2;
  db.max_log_file_size = 4 << 20;
  // Read back everything that was synced; a record cut off by a crash at the end of the log is not an error.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  return db;
}

rocksdb::ColumnFamilyOptions MakeCfOptions(const Db::Options& options, const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions cf;
  cf.write_buffer_size = options.memory_bytes / 4;
  cf.compression = rocksdb::kLZ4Compression;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  // In pieces: as one block each, the index and filter of a large table (a megabyte per million keys) do not fit into a
  // shard of the small cache, and every lookup would read and unpack them again.
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.pin_top_level_index_and_filter = true;
  cf.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return cf;
}

absl::Status CheckFormat(rocksdb::DB* db, const Db::Options& options) {
  const std::string want = absl::StrCat(options.kind, " ", options.version);
  std::string have;
  rocksdb::Status status = db->Get(rocksdb::ReadOptions(), kFormatKey, &have);
  if (status.IsNotFound()) {
    rocksdb::WriteOptions synced;
    synced.sync = true;
    return FromRocks(db->Put(synced, kFormatKey, want), absl::StrCat(options.path, ": mark the data folder"));
  }
  if (!status.ok()) return FromRocks(status, absl::StrCat(options.path, ": read the data folder's version"));
  if (have == want) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(options.path, ": this data folder was written as '", have, "', this program reads '", want,
                   "'; run the version that wrote it, or point data_dir at another folder. Nothing was changed"));
}

}  // namespace

absl::Status FromRocks(const rocksdb::Status& status, std::string_view what) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = absl::StrCat(Av(what), ": ", status.ToString());
  if (status.IsNotFound()) return absl::NotFoundError(message);
  if (status.IsCorruption()) return absl::DataLossError(message);
  if (status.IsNoSpace() || status.IsMemoryLimit()) return absl::ResourceExhaustedError(message);
  return absl::UnavailableError(message);
}

absl::StatusOr<std::unique_ptr<Db>> Db::Open(const Options& options) {
  WP_CHECK(!options.kind.empty());
  std::error_code error;
  std::filesystem::create_directories(options.path, error);
  if (error) {
    return absl::UnavailableError(absl::StrCat(options.path, ": cannot make the data folder: ", error.message()));
  }
  ::chmod(options.path.c_str(), 0700);  // queues hold addresses and keys

  const auto cache = rocksdb::NewLRUCache(options.memory_bytes / 2);
  std::vector<rocksdb::ColumnFamilyDescriptor> families = {
      {rocksdb::kDefaultColumnFamilyName, MakeCfOptions(options, cache)}};
  for (const std::string& name : options.column_families) families.emplace_back(name, MakeCfOptions(options, cache));

  std::unique_ptr<Db> out(new Db);
  rocksdb::DB* raw = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::Open(MakeDbOptions(options), options.path, families, &out->handles_, &raw);
  if (!status.ok()) {
    if (absl::StrContains(status.ToString(), "/LOCK") || absl::StrContains(status.ToString(), "lock hold by")) {
      return absl::FailedPreconditionError(absl::StrCat(
          options.path, ": the data folder is in use by another process; stop it, or give this one its own data_dir"));
    }
    if (status.IsInvalidArgument() && absl::StrContains(status.ToString(), "olumn famil")) {
      return absl::FailedPreconditionError(absl::StrCat(
          options.path, ": this data folder was written by another kind or version of program: ", status.ToString(),
          "; point data_dir at another folder. Nothing was changed"));
    }
    return FromRocks(status, absl::StrCat(options.path, ": open the data folder"));
  }
  out->db_.reset(raw);
  RETURN_IF_ERROR(CheckFormat(raw, options));
  return out;
}

Db::~Db() {
  if (db_ == nullptr) return;
  for (rocksdb::ColumnFamilyHandle* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
  db_->Close();
}

absl::Status Db::Write(rocksdb::WriteBatch* batch) {
  return FromRocks(db_->Write(rocksdb::WriteOptions(), batch), "write to the data folder");
}

absl::Status Db::Sync() {
  return FromRocks(db_->SyncWAL(), "sync the data folder");
}

absl::StatusOr<std::string> Db::Get(size_t cf_index, std::string_view key) const {
  std::string value;
  RETURN_IF_ERROR(FromRocks(
      db_->Get(rocksdb::ReadOptions(), cf(cf_index), rocksdb::Slice(key.data(), key.size()), &value), "read"));
  return value;
}

void AppendBig32(uint32_t value, std::string* out) {
  for (int shift = 24; shift >= 0; shift -= 8) out->push_back(static_cast<char>(value >> shift & 255));
}

void AppendBig64(uint64_t value, std::string* out) {
  AppendBig32(static_cast<uint32_t>(value >> 32), out);
  AppendBig32(static_cast<uint32_t>(value), out);
}

uint32_t ReadBig32(std::string_view bytes) {
  WP_CHECK(bytes.size() >= 4);
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

uint64_t ReadBig64(std::string_view bytes) {
  WP_CHECK(bytes.size() >= 8);
  return static_cast<uint64_t>(ReadBig32(bytes)) << 32 | ReadBig32(bytes.substr(4));
}

}  // namespace wavepost
