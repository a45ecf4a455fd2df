// Withdrawing what is queued for an address that was suppressed.
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>

#include <algorithm>
#include <utility>

#include "common/base/status_macros.h"
#include "sender/queue/keys.h"
#include "sender/queue/rocks_queue_store.h"

namespace wavepost {

cluster::v1::Report SuppressedReport(RecipientId id, const cluster::v1::QueueEntry& entry, absl::Time now) {
  return EndedReport(id, entry, v1::SUPPRESSED, now);
}

cluster::v1::Report EndedReport(RecipientId id, const cluster::v1::QueueEntry& entry, v1::Outcome outcome,
                                absl::Time now) {
  cluster::v1::Report report;
  report.set_recipient_id(id.packed());
  report.set_outcome(outcome);
  if (entry.has_last_status()) *report.mutable_status() = entry.last_status();
  if (entry.maybe_delivered()) report.mutable_status()->set_maybe_delivered(true);
  report.set_attempts(entry.attempts());
  const int64_t ms = absl::ToUnixMillis(now);
  report.mutable_time()->set_seconds(ms / 1000);
  report.mutable_time()->set_nanos(static_cast<int32_t>(ms % 1000) * 1'000'000);
  return report;
}

void RocksQueueStore::ApplySuppressions(std::vector<cluster::v1::SuppressionChange> changes, absl::Time now,
                                        Done done) {
  loop_->Submit([this, changes = std::move(changes), now] { return ApplySuppressionChanges(changes, now); },
                std::move(done));
}

absl::Status RocksQueueStore::ApplySuppressionChanges(const std::vector<cluster::v1::SuppressionChange>& changes,
                                                      absl::Time now) {
  Change out;
  std::vector<RecipientId> withdrawn;
  absl::flat_hash_set<uint64_t> gone;
  cluster::v1::NodeFacts facts = facts_;
  for (const cluster::v1::SuppressionChange& change : changes) {
    // No look at the cursor here: a repeated change finds nothing to withdraw, and one that the coordinator repeats
    // because a batch crossed it on the way must still work.
    if (!change.removed()) RETURN_IF_ERROR(Withdraw(change, now, &out, &withdrawn, &gone));
    facts.set_suppression_cursor(std::max(facts.suppression_cursor(), change.sequence()));
  }
  PutFacts(facts, &out);
  RETURN_IF_ERROR(Write(&out));
  facts_ = facts;
  suppression_cursor_ = facts.suppression_cursor();
  for (const RecipientId id : withdrawn) withdrawn_.insert(id.packed());
  for (const uint64_t id : gone) ForgetMarks(RecipientId::FromPacked(id));
  return absl::OkStatus();
}

absl::Status RocksQueueStore::Withdraw(const cluster::v1::SuppressionChange& change, absl::Time now, Change* out,
                                       std::vector<RecipientId>* withdrawn, absl::flat_hash_set<uint64_t>* gone) {
  const std::string prefix = AddressPrefix(change.address());
  std::string end = prefix;
  end.back() = '\1';
  const rocksdb::Slice end_slice(end);
  rocksdb::ReadOptions read;
  read.iterate_upper_bound = &end_slice;
  std::unique_ptr<rocksdb::Iterator> it(db_->raw()->NewIterator(read, db_->cf(kAddress)));
  for (it->Seek(prefix); it->Valid(); it->Next()) {
    if (it->key().size() != prefix.size() + 8) continue;  // the prefix of a longer, hostile "address"
    const EntryKeys keys = {it->value().ToString(), it->key().ToString(),
                            RecipientId::FromPacked(ReadBig64({it->key().data() + prefix.size(), 8}))};
    if (gone->contains(keys.id.packed())) continue;  // named twice in one push
    ASSIGN_OR_RETURN(const cluster::v1::QueueEntry entry, GetEntry(keys.queue));
    ASSIGN_OR_RETURN(const std::string tenant, TenantOf(entry.content_id()));
    if (tenant != change.tenant()) continue;
    if (marked_.contains(keys.id.packed())) {
      // On disk too: a restart must not send it again.
      out->batch.Put(db_->cf(kWithdrawn), IdKey(keys.id), keys.address);
      withdrawn->push_back(keys.id);
      continue;
    }
    RemoveEntry(keys, out);
    AddReport(SuppressedReport(keys.id, entry, now).SerializeAsString(), out);
    gone->insert(keys.id.packed());
  }
  return FromRocks(it->status(), "look up the recipients of an address");
}

}  // namespace wavepost
