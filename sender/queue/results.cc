// What delivery writes: marks before the final dot, outcomes, deferrals. The hot path: keys and records are built on
// the caller's thread; the writer's thread makes one point lookup (is it still queued?) and one write.
#include <memory>
#include <utility>

#include "common/base/status_macros.h"
#include "sender/queue/keys.h"
#include "sender/queue/rocks_queue_store.h"

namespace wavepost {

RocksQueueStore::EntryKeys RocksQueueStore::KeysOf(const LaneKey& lane, int64_t due_ms, RecipientId id,
                                                   std::string_view address) {
  return {QueueKey(lane, due_ms, id), AddressKey(address, id), id};
}

void RocksQueueStore::RemoveEntry(const EntryKeys& keys, Change* change) {
  change->batch.Delete(db_->cf(kQueue), keys.queue);
  change->batch.Delete(db_->cf(kAddress), keys.address);
  if (marked_.contains(keys.id.packed())) change->batch.Delete(db_->cf(kInFlight), keys.queue);
  if (withdrawn_.contains(keys.id.packed())) change->batch.Delete(db_->cf(kWithdrawn), IdKey(keys.id));
  --change->queued;
}

void RocksQueueStore::ForgetMarks(RecipientId id) {
  marked_.erase(id.packed());
  withdrawn_.erase(id.packed());
}

void RocksQueueStore::MarkInFlight(const QueueItem& item, cluster::v1::InFlight mark, Done done) {
  loop_->Submit([this, keys = KeysOf(item.lane, item.due_ms, item.id, item.entry.address()),
                 bytes = mark.SerializeAsString()] { return ApplyMark(keys, bytes); },
                std::move(done));
}

absl::Status RocksQueueStore::ApplyMark(const EntryKeys& keys, std::string_view mark) {
  ASSIGN_OR_RETURN(const bool queued, IsQueued(keys.queue));
  if (!queued) return absl::NotFoundError("the recipient is not queued any more");
  Change change;
  change.batch.Put(db_->cf(kInFlight), keys.queue, rocksdb::Slice(mark.data(), mark.size()));
  RETURN_IF_ERROR(Write(&change));
  marked_.insert(keys.id.packed());
  return absl::OkStatus();
}

void RocksQueueStore::Finish(const QueueItem& item, cluster::v1::Report report, Done done) {
  report.clear_sequence();  // given by the writer, stands in the key
  loop_->Submit([this, keys = KeysOf(item.lane, item.due_ms, item.id, item.entry.address()),
                 bytes = report.SerializeAsString()] { return ApplyFinish(keys, bytes); },
                std::move(done));
}

absl::Status RocksQueueStore::ApplyFinish(const EntryKeys& keys, std::string_view report) {
  ASSIGN_OR_RETURN(const bool queued, IsQueued(keys.queue));
  if (!queued) return absl::OkStatus();
  Change change;
  RemoveEntry(keys, &change);
  AddReport(report, &change);
  RETURN_IF_ERROR(Write(&change));
  ForgetMarks(keys.id);
  return absl::OkStatus();
}

void RocksQueueStore::Defer(const QueueItem& item, cluster::v1::QueueEntry entry, int64_t due_ms,
                            cluster::v1::Report report, Done done) {
  report.clear_sequence();
  loop_->Submit(
      [this, keys = KeysOf(item.lane, item.due_ms, item.id, item.entry.address()),
       next = QueueKey(RetryLane(item.lane), due_ms, item.id), entry_bytes = entry.SerializeAsString(),
       report_bytes = report.SerializeAsString()] { return ApplyDefer(keys, next, entry_bytes, report_bytes); },
      std::move(done));
}

absl::Status RocksQueueStore::ApplyDefer(const EntryKeys& keys, const std::string& next_queue_key,
                                         std::string_view entry, std::string_view report) {
  ASSIGN_OR_RETURN(const bool queued, IsQueued(keys.queue));
  if (!queued) return absl::OkStatus();
  Change change;
  if (withdrawn_.contains(keys.id.packed())) {
    cluster::v1::Report last;
    last.ParseFromArray(report.data(), static_cast<int>(report.size()));
    last.set_outcome(v1::SUPPRESSED);
    last.clear_next_attempt_time();
    RemoveEntry(keys, &change);
    AddReport(last.SerializeAsString(), &change);
  } else {
    change.batch.Delete(db_->cf(kQueue), keys.queue);
    if (marked_.contains(keys.id.packed())) change.batch.Delete(db_->cf(kInFlight), keys.queue);
    change.batch.Put(db_->cf(kQueue), next_queue_key, rocksdb::Slice(entry.data(), entry.size()));
    change.batch.Put(db_->cf(kAddress), keys.address, next_queue_key);
    AddReport(report, &change);
  }
  RETURN_IF_ERROR(Write(&change));
  ForgetMarks(keys.id);
  return absl::OkStatus();
}

}  // namespace wavepost
