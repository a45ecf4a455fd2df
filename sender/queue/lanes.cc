// Reading the queue: from lane to lane, and one lane from its front.
//
// Lanes are drained from the front, so there may be thousands of deleted entries before the first live one. Readers
// who pass `after` never walk over them; the upper bound keeps a read from running on into the next lane.
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "sender/queue/keys.h"
#include "sender/queue/rocks_queue_store.h"

namespace wavepost {
namespace {

absl::Status BadKey(const rocksdb::Slice& key) {
  return absl::DataLossError(absl::StrCat("unreadable key in the queue: ", key.ToString(/*hex=*/true)));
}

}  // namespace

absl::Status RocksQueueStore::ForEachLane(const std::function<void(const LaneDue&)>& visit) const {
  std::unique_ptr<rocksdb::Iterator> it(db_->raw()->NewIterator(rocksdb::ReadOptions(), db_->cf(kQueue)));
  it->SeekToFirst();
  while (it->Valid()) {
    const std::optional<QueuePlace> place = ParseQueueKey({it->key().data(), it->key().size()});
    if (!place) return BadKey(it->key());
    visit({place->lane, place->due_ms});
    it->Seek(LaneEnd(place->lane));
  }
  return FromRocks(it->status(), "read the lanes of the queue");
}

absl::StatusOr<QueueStore::LanePage> RocksQueueStore::ReadLane(const LaneKey& lane, const QueueItem* after,
                                                               int64_t due_max_ms, size_t limit) const {
  const std::string end = LaneEnd(lane);
  const rocksdb::Slice end_slice(end);
  rocksdb::ReadOptions read;
  read.iterate_upper_bound = &end_slice;
  std::unique_ptr<rocksdb::Iterator> it(db_->raw()->NewIterator(read, db_->cf(kQueue)));
  if (after == nullptr) {
    it->Seek(LanePrefix(lane));
  } else {
    const std::string last = QueueKey(lane, after->due_ms, after->id);
    it->Seek(last);
    if (it->Valid() && it->key() == rocksdb::Slice(last)) it->Next();
  }
  LanePage page;
  for (; it->Valid(); it->Next()) {
    const std::optional<QueuePlace> place = ParseQueueKey({it->key().data(), it->key().size()});
    if (!place) return BadKey(it->key());
    if (page.items.size() >= limit || place->due_ms > due_max_ms) {
      page.next_due_ms = place->due_ms;
      break;
    }
    QueueItem item = {lane, place->due_ms, place->id, {}};
    if (!item.entry.ParseFromArray(it->value().data(), static_cast<int>(it->value().size()))) return BadKey(it->key());
    page.items.push_back(std::move(item));
  }
  RETURN_IF_ERROR(FromRocks(it->status(), "read a lane of the queue"));
  return page;
}

}  // namespace wavepost
