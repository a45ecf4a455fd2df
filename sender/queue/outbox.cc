// The outbox: reports by sequence number, until the coordinator has them.
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "sender/queue/keys.h"
#include "sender/queue/rocks_queue_store.h"

namespace wavepost {

constexpr int64_t kForgetChunk = 10'000;  // reports per write, so that a long outage does not end in one huge write

void RocksQueueStore::AddReport(std::string_view report, Change* change) {
  const int64_t sequence = last_sequence_ + ++change->reports;
  change->batch.Put(db_->cf(kOutbox), SequenceKey(sequence), rocksdb::Slice(report.data(), report.size()));
}

absl::StatusOr<std::vector<cluster::v1::Report>> RocksQueueStore::ReadOutbox(int64_t after_sequence,
                                                                             size_t limit) const {
  const std::string end = SequenceKey(synced_sequence_ + 1);
  const rocksdb::Slice end_slice(end);
  rocksdb::ReadOptions read;
  read.iterate_upper_bound = &end_slice;
  std::unique_ptr<rocksdb::Iterator> it(db_->raw()->NewIterator(read, db_->cf(kOutbox)));
  std::vector<cluster::v1::Report> out;
  for (it->Seek(SequenceKey(std::max<int64_t>(after_sequence, 0) + 1)); it->Valid() && out.size() < limit; it->Next()) {
    cluster::v1::Report& report = out.emplace_back();
    if (it->key().size() != 8 || !report.ParseFromArray(it->value().data(), static_cast<int>(it->value().size()))) {
      return absl::DataLossError(absl::StrCat("unreadable report in the outbox: ", it->key().ToString(/*hex=*/true)));
    }
    report.set_sequence(static_cast<int64_t>(ReadBig64({it->key().data(), it->key().size()})));
  }
  RETURN_IF_ERROR(FromRocks(it->status(), "read the outbox"));
  return out;
}

void RocksQueueStore::ForgetReports(int64_t through_sequence) {
  loop_->Submit([this, through_sequence] { return ApplyForgetReports(through_sequence); }, nullptr);
}

absl::Status RocksQueueStore::ApplyForgetReports(int64_t through_sequence) {
  // What was never readable was never sent, whatever an acknowledgement says.
  const int64_t through = std::min(through_sequence, synced_sequence_.load());
  while (first_sequence_ <= through) {
    const int64_t chunk_end = std::min(through, first_sequence_ + kForgetChunk - 1);
    Change change;
    for (int64_t sequence = first_sequence_; sequence <= chunk_end; ++sequence) {
      // A report is put once and never again: what SingleDelete asks for. The two vanish together when they are
      // flushed.
      change.batch.SingleDelete(db_->cf(kOutbox), SequenceKey(sequence));
    }
    RETURN_IF_ERROR(Write(&change));
    first_sequence_ = chunk_end + 1;
  }
  return absl::OkStatus();
}

}  // namespace wavepost
