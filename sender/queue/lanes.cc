// Reading the queue: from lane to lane, and one lane from its front.
//
// Lanes are drained from the front, so there may be thousands of deleted entries before the first live one. Readers
// who pass `after` never walk over them; the upper bound keeps a read from running on into the next lane.
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/mail/address.h"
#include "sender/queue/keys.h"
#include "sender/queue/rocks_queue_store.h"

namespace wavepost {
namespace {

absl::Status BadKey(const rocksdb::Slice& key) {
  return absl::DataLossError(absl::StrCat("unreadable key in the queue: ", key.ToString(/*hex=*/true)));
}

}  // namespace

absl::StatusOr<std::vector<LaneDue>> RocksQueueStore::ReadLanes(const LaneKey* after, size_t limit) const {
  std::vector<LaneDue> lanes;
  std::unique_ptr<rocksdb::Iterator> it(db_->raw()->NewIterator(rocksdb::ReadOptions(), db_->cf(kQueue)));
  if (after == nullptr) {
    it->SeekToFirst();
  } else {
    it->Seek(LaneEnd(*after));
  }
  while (it->Valid() && lanes.size() < limit) {
    std::optional<QueuePlace> place = ParseQueueKey({it->key().data(), it->key().size()});
    if (!place) return BadKey(it->key());
    lanes.push_back({std::move(place->lane), place->due_ms});
    // Most lanes of the long tail hold one entry: a step is cheaper than a seek.
    const std::string end = LaneEnd(lanes.back().lane);
    it->Next();
    if (it->Valid() && it->key().compare(end) < 0) it->Seek(end);
  }
  RETURN_IF_ERROR(FromRocks(it->status(), "read the lanes of the queue"));
  return lanes;
}

absl::StatusOr<std::vector<QueueItem>> RocksQueueStore::FindWaiting(std::string_view address, size_t limit) const {
  std::vector<QueueItem> found;
  const bool domain_only = address.starts_with('@');
  const size_t cf = domain_only ? kQueue : kAddress;
  std::vector<std::string> prefixes;
  if (!domain_only) {
    prefixes.push_back(AddressPrefix(SuppressionKey(address)));
  } else {
    ASSIGN_OR_RETURN(const std::vector<std::string> ips, EgressIpsInQueue());
    for (const std::string& ip : ips) prefixes.push_back(DomainPrefix(ip, address.substr(1)));
  }
  for (const std::string& prefix : prefixes) {
    std::unique_ptr<rocksdb::Iterator> it(db_->raw()->NewIterator(rocksdb::ReadOptions(), db_->cf(cf)));
    for (it->Seek(prefix); it->Valid() && it->key().starts_with(prefix) && found.size() < limit; it->Next()) {
      const std::string queue_key = (domain_only ? it->key() : it->value()).ToString();
      std::optional<QueuePlace> place = ParseQueueKey(queue_key);
      absl::StatusOr<cluster::v1::QueueEntry> entry = GetEntry(queue_key);
      if (!place || !entry.ok()) continue;  // gone meanwhile
      found.push_back({std::move(place->lane), place->due_ms, place->id, *std::move(entry)});
    }
    RETURN_IF_ERROR(FromRocks(it->status(), "look for recipients in the queue"));
  }
  return found;
}

absl::StatusOr<std::vector<std::string>> RocksQueueStore::EgressIpsInQueue() const {
  std::vector<std::string> ips;
  std::unique_ptr<rocksdb::Iterator> it(db_->raw()->NewIterator(rocksdb::ReadOptions(), db_->cf(kQueue)));
  for (it->SeekToFirst(); it->Valid();) {
    const std::string_view key(it->key().data(), it->key().size());
    ips.emplace_back(key.substr(0, key.find('\0')));
    it->Seek(ips.back() + '\1');
  }
  RETURN_IF_ERROR(FromRocks(it->status(), "read the lanes of the queue"));
  return ips;
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
    QueueItem item = {.lane = lane, .due_ms = place->due_ms, .id = place->id, .entry = {}};
    if (!item.entry.ParseFromArray(it->value().data(), static_cast<int>(it->value().size()))) return BadKey(it->key());
    page.items.push_back(std::move(item));
  }
  RETURN_IF_ERROR(FromRocks(it->status(), "read a lane of the queue"));
  return page;
}

}  // namespace wavepost
