// What a new process finds: counters, facts, and recipients that the last one had in flight when it died.
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "sender/queue/keys.h"
#include "sender/queue/rocks_queue_store.h"

namespace wavepost {
namespace {

// What is known of an attempt whose process died between the final dot and the recorded reply.
v1::DeliveryStatus UnknownEnd(const cluster::v1::InFlight& mark, const std::string& egress_ip) {
  v1::DeliveryStatus status;
  status.set_text("this node stopped after it had sent the message and before it had recorded the reply");
  status.set_phase("end_of_data");
  status.set_mx_host(mark.mx_host());
  status.set_mx_ip(mark.mx_ip());
  status.set_egress_ip(egress_ip);
  status.set_reason(v1::NETWORK);
  status.set_fault(v1::NETWORK_FAULT);
  status.set_maybe_delivered(true);
  return status;
}

void SetMillis(int64_t ms, google::protobuf::Timestamp* out) {
  out->set_seconds(ms / 1000);
  out->set_nanos(static_cast<int32_t>(ms % 1000) * 1'000'000);
}

}  // namespace

absl::Status RocksQueueStore::LoadFacts() {
  const absl::StatusOr<std::string> node = db_->Get(kFacts, kNodeFactsName);
  if (node.ok() && !facts_.ParseFromString(*node)) return absl::DataLossError("the node's facts are unreadable");
  if (!node.ok() && !absl::IsNotFound(node.status())) return node.status();
  suppression_cursor_ = facts_.suppression_cursor();
  order_cursor_ = facts_.order_cursor();
  lease_end_ms_ = facts_.lease_end_ms();
  data_id_ = facts_.data_id();

  const absl::StatusOr<std::string> counters = db_->Get(kFacts, kCountersName);
  if (counters.ok() && counters->size() != 16) return absl::DataLossError("the queue's counters are unreadable");
  if (!counters.ok() && !absl::IsNotFound(counters.status())) return counters.status();
  if (counters.ok()) {
    queued_ = static_cast<int64_t>(ReadBig64(*counters));
    last_sequence_ = static_cast<int64_t>(ReadBig64(counters->substr(8)));
  } else {
    last_sequence_ = options_.sequence_start;
  }
  std::unique_ptr<rocksdb::Iterator> it(db_->raw()->NewIterator(rocksdb::ReadOptions(), db_->cf(kOutbox)));
  it->SeekToFirst();
  RETURN_IF_ERROR(FromRocks(it->status(), "read the outbox"));
  first_sequence_ = it->Valid() && it->key().size() == 8
                        ? static_cast<int64_t>(ReadBig64({it->key().data(), it->key().size()}))
                        : last_sequence_ + 1;
  return absl::OkStatus();
}

absl::Status RocksQueueStore::Recover(absl::Time now, absl::Duration delay) {
  // All of it in one write: a crash in here leaves what was there before.
  Change change;
  RETURN_IF_ERROR(RecoverWithdrawn(now, &change));
  RETURN_IF_ERROR(RecoverInFlight(now, delay, &change));
  if (change.batch.Count() > 0) RETURN_IF_ERROR(Write(&change));
  // Also what the last process wrote and had no time to sync: from here on it counts as synced.
  RETURN_IF_ERROR(db_->Sync());
  synced_sequence_ = last_sequence_;
  marked_.clear();
  withdrawn_.clear();
  return absl::OkStatus();
}

absl::Status RocksQueueStore::RecoverWithdrawn(absl::Time now, Change* change) {
  std::unique_ptr<rocksdb::Iterator> it(db_->raw()->NewIterator(rocksdb::ReadOptions(), db_->cf(kWithdrawn)));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    if (it->key().size() != 8) return absl::DataLossError("unreadable mark of a withdrawn recipient");
    EntryKeys keys;
    keys.id = RecipientId::FromPacked(ReadBig64({it->key().data(), it->key().size()}));
    keys.address = it->value().ToString();
    const absl::StatusOr<std::string> queue_key = db_->Get(kAddress, keys.address);
    if (absl::IsNotFound(queue_key.status())) {  // no reason to refuse to start
      change->batch.Delete(db_->cf(kWithdrawn), it->key());
      continue;
    }
    RETURN_IF_ERROR(queue_key.status());
    keys.queue = *queue_key;
    ASSIGN_OR_RETURN(cluster::v1::QueueEntry entry, GetEntry(keys.queue));
    const absl::StatusOr<std::string> mark = db_->Get(kInFlight, keys.queue);
    if (!mark.ok() && !absl::IsNotFound(mark.status())) return mark.status();
    if (mark.ok()) {
      cluster::v1::InFlight in_flight;
      if (!in_flight.ParseFromString(*mark)) return absl::DataLossError("unreadable mark of a recipient in flight");
      const std::optional<QueuePlace> place = ParseQueueKey(keys.queue);
      *entry.mutable_last_status() = UnknownEnd(in_flight, place ? place->lane.egress_ip : std::string());
      entry.set_attempts(entry.attempts() + 1);
      marked_.insert(keys.id.packed());
    }
    withdrawn_.insert(keys.id.packed());
    RemoveEntry(keys, change);
    AddReport(SuppressedReport(keys.id, entry, now).SerializeAsString(), change);
  }
  return FromRocks(it->status(), "read the withdrawn recipients");
}

absl::Status RocksQueueStore::RecoverInFlight(absl::Time now, absl::Duration delay, Change* change) {
  const int64_t due_ms = absl::ToUnixMillis(now + delay);
  std::unique_ptr<rocksdb::Iterator> it(db_->raw()->NewIterator(rocksdb::ReadOptions(), db_->cf(kInFlight)));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    const std::string queue_key = it->key().ToString();
    const std::optional<QueuePlace> place = ParseQueueKey(queue_key);
    cluster::v1::InFlight mark;
    if (!place || !mark.ParseFromArray(it->value().data(), static_cast<int>(it->value().size()))) {
      return absl::DataLossError(absl::StrCat("unreadable mark of a recipient in flight: ", it->key().ToString(true)));
    }
    if (withdrawn_.contains(place->id.packed())) continue;  // done by RecoverWithdrawn
    absl::StatusOr<cluster::v1::QueueEntry> found = GetEntry(queue_key);
    change->batch.Delete(db_->cf(kInFlight), queue_key);
    if (absl::IsNotFound(found.status())) continue;
    RETURN_IF_ERROR(found.status());
    cluster::v1::QueueEntry& entry = *found;
    entry.set_attempts(entry.attempts() + 1);
    if (entry.first_attempt_ms() == 0) entry.set_first_attempt_ms(mark.start_ms());
    entry.set_reason_count(entry.reason() == v1::NETWORK ? entry.reason_count() + 1 : 1);
    entry.set_reason(v1::NETWORK);
    entry.set_maybe_delivered(true);
    *entry.mutable_last_status() = UnknownEnd(mark, place->lane.egress_ip);

    const EntryKeys next = KeysOf(RetryLane(place->lane), due_ms, place->id, entry.address());
    change->batch.Delete(db_->cf(kQueue), queue_key);
    change->batch.Put(db_->cf(kQueue), next.queue, entry.SerializeAsString());
    change->batch.Put(db_->cf(kAddress), next.address, next.queue);

    cluster::v1::Report report;
    report.set_recipient_id(place->id.packed());
    *report.mutable_status() = entry.last_status();
    report.set_attempts(entry.attempts());
    SetMillis(absl::ToUnixMillis(now), report.mutable_time());
    SetMillis(due_ms, report.mutable_next_attempt_time());
    AddReport(report.SerializeAsString(), change);
  }
  return FromRocks(it->status(), "read the recipients in flight");
}

}  // namespace wavepost
