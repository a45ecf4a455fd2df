// Orders of operators and tenants: stored before they are acknowledged, carried out lane by lane in pages.
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "common/base/status_macros.h"
#include "sender/queue/keys.h"
#include "sender/queue/rocks_queue_store.h"

namespace wavepost {

void RocksQueueStore::ApplyOrders(std::vector<cluster::v1::Order> orders, Done done) {
  loop_->Submit([this, orders = std::move(orders)] { return ApplyOrderList(orders); }, std::move(done));
}

absl::Status RocksQueueStore::ApplyOrderList(const std::vector<cluster::v1::Order>& orders) {
  Change change;
  cluster::v1::NodeFacts facts = facts_;
  for (const cluster::v1::Order& order : orders) {
    // A repeat would start a flush or drop again that is done.
    if (order.sequence() <= facts.order_cursor()) continue;
    switch (order.order_case()) {
      case cluster::v1::Order::kPause: {
        cluster::v1::StoredPause stored;
        *stored.mutable_pause() = order.pause();
        change.batch.Put(db_->cf(kPauses), order.pause().name(), stored.SerializeAsString());
        break;
      }
      case cluster::v1::Order::kResume:
        change.batch.Delete(db_->cf(kPauses), order.resume());
        break;
      case cluster::v1::Order::kQueue: {
        cluster::v1::StoredOrder stored;
        *stored.mutable_order() = order.queue();
        change.batch.Put(db_->cf(kOrders), SequenceKey(order.sequence()), stored.SerializeAsString());
        break;
      }
      case cluster::v1::Order::ORDER_NOT_SET:
        break;
    }
    facts.set_order_cursor(order.sequence());
  }
  PutFacts(facts, &change);
  RETURN_IF_ERROR(Write(&change));
  facts_ = facts;
  order_cursor_ = facts.order_cursor();
  return absl::OkStatus();
}

absl::StatusOr<std::vector<v1::Pause>> RocksQueueStore::ReadPauses() const {
  std::vector<v1::Pause> pauses;
  std::unique_ptr<rocksdb::Iterator> it(db_->raw()->NewIterator(rocksdb::ReadOptions(), db_->cf(kPauses)));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    cluster::v1::StoredPause stored;
    if (!stored.ParseFromArray(it->value().data(), static_cast<int>(it->value().size()))) {
      return absl::DataLossError("a stored pause is unreadable");
    }
    pauses.push_back(std::move(*stored.mutable_pause()));
  }
  RETURN_IF_ERROR(FromRocks(it->status(), "read the pauses"));
  return pauses;
}

absl::StatusOr<std::vector<QueueStore::OpenOrder>> RocksQueueStore::ReadOpenOrders() const {
  std::vector<OpenOrder> orders;
  std::unique_ptr<rocksdb::Iterator> it(db_->raw()->NewIterator(rocksdb::ReadOptions(), db_->cf(kOrders)));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    cluster::v1::StoredOrder stored;
    if (it->key().size() != 8 || !stored.ParseFromArray(it->value().data(), static_cast<int>(it->value().size()))) {
      return absl::DataLossError("a stored order is unreadable");
    }
    orders.push_back({static_cast<int64_t>(ReadBig64({it->key().data(), 8})), std::move(*stored.mutable_order())});
  }
  RETURN_IF_ERROR(FromRocks(it->status(), "read the orders"));
  return orders;
}

void RocksQueueStore::OrderDone(int64_t sequence) {
  loop_->Submit(
      [this, sequence] {
        Change change;
        change.batch.Delete(db_->cf(kOrders), SequenceKey(sequence));
        return Write(&change);
      },
      nullptr);
}

void RocksQueueStore::FlushLane(const LaneKey& lane, absl::Time now, size_t limit, LaneWorkDone done) {
  auto work = std::make_shared<LaneWork>();
  loop_->Submit(
      [this, lane, now, limit, work]() -> absl::Status {
        ASSIGN_OR_RETURN(*work, ApplyFlush(lane, now, limit));
        return absl::OkStatus();
      },
      [work, done = std::move(done)](absl::Status status) { status.ok() ? done(*work) : done(std::move(status)); });
}

absl::StatusOr<QueueStore::LaneWork> RocksQueueStore::ApplyFlush(const LaneKey& lane, absl::Time now, size_t limit) {
  const std::string end = LaneEnd(lane);
  const rocksdb::Slice end_slice(end);
  rocksdb::ReadOptions read;
  read.iterate_upper_bound = &end_slice;
  std::unique_ptr<rocksdb::Iterator> it(db_->raw()->NewIterator(read, db_->cf(kQueue)));
  const int64_t now_ms = absl::ToUnixMillis(now);
  Change change;
  LaneWork work;
  // What is due by now may be in somebody's hands, and need not be moved.
  for (it->Seek(QueueKey(lane, now_ms + 1, RecipientId{})); it->Valid(); it->Next()) {
    const std::optional<QueuePlace> place = ParseQueueKey({it->key().data(), it->key().size()});
    if (!place) return absl::DataLossError("unreadable key in the queue");
    if (static_cast<size_t>(work.changed) >= limit) {
      work.more = true;
      break;
    }
    cluster::v1::QueueEntry entry;
    if (!entry.ParseFromArray(it->value().data(), static_cast<int>(it->value().size()))) continue;
    const std::string next = QueueKey(lane, now_ms, place->id);
    change.batch.Delete(db_->cf(kQueue), it->key());
    change.batch.Put(db_->cf(kQueue), next, it->value());
    change.batch.Put(db_->cf(kAddress), AddressKey(entry.address(), place->id), next);
    ++work.changed;
  }
  RETURN_IF_ERROR(FromRocks(it->status(), "flush a lane of the queue"));
  if (work.changed > 0) RETURN_IF_ERROR(Write(&change));
  return work;
}

void RocksQueueStore::DropLane(const LaneKey& lane, absl::Time now, size_t limit, LaneWorkDone done) {
  auto work = std::make_shared<LaneWork>();
  loop_->Submit(
      [this, lane, now, limit, work]() -> absl::Status {
        ASSIGN_OR_RETURN(*work, ApplyDrop(lane, now, limit));
        return absl::OkStatus();
      },
      [work, done = std::move(done)](absl::Status status) { status.ok() ? done(*work) : done(std::move(status)); });
}

absl::StatusOr<QueueStore::LaneWork> RocksQueueStore::ApplyDrop(const LaneKey& lane, absl::Time now, size_t limit) {
  const std::string end = LaneEnd(lane);
  const rocksdb::Slice end_slice(end);
  rocksdb::ReadOptions read;
  read.iterate_upper_bound = &end_slice;
  std::unique_ptr<rocksdb::Iterator> it(db_->raw()->NewIterator(read, db_->cf(kQueue)));
  Change change;
  LaneWork work;
  for (it->Seek(LanePrefix(lane)); it->Valid(); it->Next()) {
    const std::optional<QueuePlace> place = ParseQueueKey({it->key().data(), it->key().size()});
    if (!place) return absl::DataLossError("unreadable key in the queue");
    if (marked_.contains(place->id.packed())) continue;  // past the point of no return: its reply decides
    if (static_cast<size_t>(work.changed) >= limit) {
      work.more = true;
      break;
    }
    cluster::v1::QueueEntry entry;
    if (!entry.ParseFromArray(it->value().data(), static_cast<int>(it->value().size()))) continue;
    RemoveEntry(KeysOf(lane, place->due_ms, place->id, entry.address()), &change);
    AddReport(EndedReport(place->id, entry, v1::CANCELLED, now).SerializeAsString(), &change);
    ++work.changed;
  }
  RETURN_IF_ERROR(FromRocks(it->status(), "drop a lane of the queue"));
  if (work.changed > 0) RETURN_IF_ERROR(Write(&change));
  return work;
}

}  // namespace wavepost
