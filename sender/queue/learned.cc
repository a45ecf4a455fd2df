// What delivery has learned about sites: written often, read when a site becomes active, forgotten after 35 days.
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "common/base/status_macros.h"
#include "sender/queue/keys.h"
#include "sender/queue/rocks_queue_store.h"

namespace wavepost {
namespace {

constexpr absl::Duration kRemember = absl::Hours(24 * 35);

// When it was last of use; 0: it says nothing.
int64_t LastUse(const cluster::v1::GreylistState& state) {
  return std::max({state.passed_ms(), state.last_passed_ms(), state.deferred_ms(), state.appointment_ms()});
}

}  // namespace

absl::StatusOr<cluster::v1::PathState> RocksQueueStore::GetPathState(std::string_view egress_ip,
                                                                     std::string_view site) const {
  ASSIGN_OR_RETURN(const std::string bytes, db_->Get(kPaths, LearnedKey(egress_ip, site)));
  cluster::v1::PathState state;
  if (!state.ParseFromString(bytes)) return absl::DataLossError("what was learned about a site is unreadable");
  return state;
}

void RocksQueueStore::PutPathState(std::string_view egress_ip, std::string_view site,
                                   const cluster::v1::PathState& state) {
  loop_->Submit(
      [this, key = LearnedKey(egress_ip, site), bytes = state.SerializeAsString()] {
        Change change;
        change.batch.Put(db_->cf(kPaths), key, bytes);
        return Write(&change);
      },
      nullptr);
}

absl::StatusOr<cluster::v1::GreylistState> RocksQueueStore::GetGreylistState(std::string_view egress_ip,
                                                                             std::string_view mx_set) const {
  ASSIGN_OR_RETURN(const std::string bytes, db_->Get(kGreylist, LearnedKey(egress_ip, mx_set)));
  cluster::v1::GreylistState state;
  if (!state.ParseFromString(bytes)) return absl::DataLossError("what was learned about greylisting is unreadable");
  return state;
}

void RocksQueueStore::PutGreylistState(std::string_view egress_ip, std::string_view mx_set,
                                       const cluster::v1::GreylistState& state) {
  loop_->Submit(
      [this, key = LearnedKey(egress_ip, mx_set), bytes = state.SerializeAsString()] {
        Change change;
        change.batch.Put(db_->cf(kGreylist), key, bytes);
        return Write(&change);
      },
      nullptr);
}

absl::StatusOr<std::string> RocksQueueStore::GetNote(Notes kind, std::string_view key) const {
  return db_->Get(CfOf(kind), key);
}

absl::StatusOr<std::vector<std::string>> RocksQueueStore::ReadNotes(Notes kind) const {
  std::vector<std::string> notes;
  std::unique_ptr<rocksdb::Iterator> it(db_->raw()->NewIterator(rocksdb::ReadOptions(), db_->cf(CfOf(kind))));
  for (it->SeekToFirst(); it->Valid(); it->Next()) notes.push_back(it->value().ToString());
  RETURN_IF_ERROR(FromRocks(it->status(), "read notes"));
  return notes;
}

void RocksQueueStore::PutNote(Notes kind, std::string_view key, std::string bytes) {
  loop_->Submit(
      [this, kind, owned = std::string(key), bytes = std::move(bytes)] {
        Change change;
        change.batch.Put(db_->cf(CfOf(kind)), owned, bytes);
        return Write(&change);
      },
      nullptr);
}

void RocksQueueStore::EraseNote(Notes kind, std::string_view key) {
  loop_->Submit(
      [this, kind, owned = std::string(key)] {
        Change change;
        change.batch.Delete(db_->cf(CfOf(kind)), owned);
        return Write(&change);
      },
      nullptr);
}

absl::Status RocksQueueStore::ForgetTheLongAgoLearned(absl::Time now) {
  const int64_t oldest_ms = absl::ToUnixMillis(now - kRemember);
  Change change;
  std::unique_ptr<rocksdb::Iterator> it(db_->raw()->NewIterator(rocksdb::ReadOptions(), db_->cf(kPaths)));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    cluster::v1::PathState state;
    // Unreadable: learned again, and no reason to refuse to start.
    const bool read = state.ParseFromArray(it->value().data(), static_cast<int>(it->value().size()));
    if (!read || state.change_ms() < oldest_ms) change.batch.Delete(db_->cf(kPaths), it->key());
  }
  RETURN_IF_ERROR(FromRocks(it->status(), "read what was learned about sites"));
  it.reset(db_->raw()->NewIterator(rocksdb::ReadOptions(), db_->cf(kGreylist)));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    cluster::v1::GreylistState state;
    const bool read = state.ParseFromArray(it->value().data(), static_cast<int>(it->value().size()));
    if (!read || LastUse(state) < oldest_ms) change.batch.Delete(db_->cf(kGreylist), it->key());
  }
  RETURN_IF_ERROR(FromRocks(it->status(), "read what was learned about greylisting"));
  return change.batch.Count() == 0 ? absl::OkStatus() : Write(&change);
}

}  // namespace wavepost
