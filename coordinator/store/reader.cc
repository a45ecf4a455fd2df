#include "coordinator/store/reader.h"

#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/options.h>
#include <rocksdb/slice.h>

#include <algorithm>
#include <array>

#include "common/storage/db.h"

namespace wavepost {
namespace {

constexpr size_t kMultiGetMax = 128;  // keys per call: bounds what is pinned at a time

rocksdb::Slice ToSlice(std::string_view s) {
  return {s.data(), s.size()};
}
std::string_view ToView(const rocksdb::Slice& s) {
  return {s.data(), s.size()};
}

rocksdb::ReadOptions OptionsFor(const std::shared_ptr<const rocksdb::Snapshot>& snapshot) {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot.get();
  return options;
}

}  // namespace

absl::StatusOr<std::string> Reader::Get(Family family, std::string_view key) const {
  std::string value;
  RETURN_IF_ERROR(FromRocks(db_->raw()->Get(OptionsFor(snapshot_), db_->cf(family), ToSlice(key), &value), "read"));
  return value;
}

absl::StatusOr<std::vector<std::optional<std::string>>> Reader::MultiGet(Family family,
                                                                         const std::vector<std::string>& keys) const {
  const rocksdb::ReadOptions options = OptionsFor(snapshot_);
  std::vector<std::optional<std::string>> out(keys.size());
  std::array<rocksdb::Slice, kMultiGetMax> slices;
  std::array<rocksdb::PinnableSlice, kMultiGetMax> values;
  std::array<rocksdb::Status, kMultiGetMax> statuses;
  for (size_t begin = 0; begin < keys.size(); begin += kMultiGetMax) {
    const size_t count = std::min(kMultiGetMax, keys.size() - begin);
    for (size_t i = 0; i < count; ++i) slices[i] = ToSlice(keys[begin + i]);
    db_->raw()->MultiGet(options, db_->cf(family), count, slices.data(), values.data(), statuses.data());
    for (size_t i = 0; i < count; ++i) {
      if (statuses[i].ok()) {
        out[begin + i].emplace(values[i].data(), values[i].size());
      } else if (!statuses[i].IsNotFound()) {
        return FromRocks(statuses[i], "read");
      }
      values[i].Reset();
    }
  }
  return out;
}

absl::Status Reader::Scan(Family family, std::string_view from, std::string_view until,
                          const std::function<bool(std::string_view, std::string_view)>& visit) const {
  rocksdb::ReadOptions options = OptionsFor(snapshot_);
  const rocksdb::Slice upper = ToSlice(until);
  if (!until.empty()) options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> it(db_->raw()->NewIterator(options, db_->cf(family)));
  for (it->Seek(ToSlice(from)); it->Valid(); it->Next()) {
    if (!visit(ToView(it->key()), ToView(it->value()))) return absl::OkStatus();
  }
  return FromRocks(it->status(), "read");
}

absl::StatusOr<std::string> Reader::LastKey(Family family) const {
  const std::unique_ptr<rocksdb::Iterator> it(db_->raw()->NewIterator(OptionsFor(snapshot_), db_->cf(family)));
  it->SeekToLast();
  if (it->Valid()) return std::string(ToView(it->key()));
  RETURN_IF_ERROR(FromRocks(it->status(), "read"));
  return std::string();
}

}  // namespace wavepost
