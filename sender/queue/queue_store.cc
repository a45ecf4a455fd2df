// Opening, closing, and the small records: contents, keys, facts. The rest of the store: batches.cc, lanes.cc,
// results.cc, suppressions.cc, outbox.cc, recovery.cc, key_sets.cc.
#include "sender/queue/queue_store.h"

#include <openssl/rand.h>
#include <rocksdb/db.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "sender/queue/keys.h"
#include "sender/queue/rocks_queue_store.h"

namespace wavepost {
namespace {

constexpr char kDataKind[] = "sender";
constexpr int kDataVersion = 2;       // 2: waves and kinds in the queue's keys
constexpr size_t kTenantsMax = 1024;  // cached content id -> tenant

rocksdb::Slice AsSlice(std::string_view s) {
  return {s.data(), s.size()};
}

template <typename Message>
absl::StatusOr<Message> Parsed(absl::StatusOr<std::string> bytes, std::string_view what) {
  RETURN_IF_ERROR(Annotate(bytes.status(), what));
  Message out;
  if (!out.ParseFromString(*bytes))
    return absl::DataLossError(absl::StrCat(Av(what), ": the stored record is unreadable"));
  return out;
}

}  // namespace

absl::StatusOr<std::unique_ptr<QueueStore>> QueueStore::Open(const Options& options, absl::Time now,
                                                             absl::Duration recovery_delay) {
  return RocksQueueStore::Open(options, now, recovery_delay, nullptr);
}

absl::StatusOr<std::unique_ptr<QueueStore>> RocksQueueStore::Open(const Options& options, absl::Time now,
                                                                  absl::Duration recovery_delay, rocksdb::Env* env) {
  std::unique_ptr<RocksQueueStore> store(new RocksQueueStore(options));
  const Db::Options db_options = {
      .path = options.data_dir,
      .kind = kDataKind,
      .version = kDataVersion,
      .column_families = {"queue", "address", "content", "keys", "batches", "outbox", "inflight", "facts", "withdrawn",
                          "waves", "paths", "greylist", "pauses", "orders", "mta_sts", "tls_reports"},
      .memory_bytes = options.memory_bytes,
      .env = env};
  ASSIGN_OR_RETURN(store->db_, Db::Open(db_options));
  RETURN_IF_ERROR(Annotate(store->LoadFacts(), options.data_dir));
  RETURN_IF_ERROR(Annotate(store->MakeDataId(), options.data_dir));
  RETURN_IF_ERROR(Annotate(store->Recover(now, recovery_delay), options.data_dir));
  RETURN_IF_ERROR(Annotate(store->ForgetTheLongAgoLearned(now), options.data_dir));
  RETURN_IF_ERROR(Annotate(store->EraseClearKeys(), options.data_dir));
  store->loop_ = std::make_unique<CommitLoop>([raw = store.get()] { return raw->SyncAll(); });
  return store;
}

absl::Status RocksQueueStore::MakeDataId() {
  if (!data_id_.empty()) return absl::OkStatus();
  unsigned char bytes[16];
  if (RAND_bytes(bytes, sizeof bytes) != 1) return absl::UnavailableError("no random bytes for the folder's id");
  data_id_.assign(reinterpret_cast<const char*>(bytes), sizeof bytes);
  facts_.set_data_id(data_id_);
  Change change;
  PutFacts(facts_, &change);
  return Write(&change);
}

void RocksQueueStore::Stop() {
  if (loop_ != nullptr) loop_->Stop();
  db_.reset();
}

absl::Status RocksQueueStore::Write(Change* change) {
  const int64_t queued = queued_ + change->queued;
  const int64_t last_sequence = last_sequence_ + change->reports;
  if (change->queued != 0 || change->reports != 0) {
    std::string counters;
    AppendBig64(static_cast<uint64_t>(queued), &counters);
    AppendBig64(static_cast<uint64_t>(last_sequence), &counters);
    change->batch.Put(db_->cf(kFacts), kCountersName, counters);
  }
  RETURN_IF_ERROR(db_->Write(&change->batch));
  queued_ = queued;
  last_sequence_ = last_sequence;
  return absl::OkStatus();
}

absl::Status RocksQueueStore::SyncAll() {
  RETURN_IF_ERROR(db_->Sync());
  if (synced_sequence_ != last_sequence_) {
    synced_sequence_ = last_sequence_;
    if (listener_) listener_();
  }
  return absl::OkStatus();
}

void RocksQueueStore::PutContent(cluster::v1::Content content, Done done) {
  loop_->Submit(
      [this, id = content.content_id(), bytes = content.SerializeAsString()] {
        if (db_->Get(kContent, id).ok()) return absl::OkStatus();  // named by its hash: the same
        Change change;
        change.batch.Put(db_->cf(kContent), id, bytes);
        return Write(&change);
      },
      std::move(done));
}

absl::StatusOr<cluster::v1::Content> RocksQueueStore::GetContent(std::string_view content_id) const {
  return Parsed<cluster::v1::Content>(db_->Get(kContent, content_id), "read a content");
}

absl::StatusOr<std::string> RocksQueueStore::TenantOf(const std::string& content_id) {
  const auto it = tenants_.find(content_id);
  if (it != tenants_.end()) return it->second;
  const absl::StatusOr<cluster::v1::Content> content = GetContent(content_id);
  if (absl::IsNotFound(content.status())) return std::string();
  RETURN_IF_ERROR(content.status());
  if (tenants_.size() >= kTenantsMax) tenants_.clear();
  return tenants_[content_id] = content->tenant();
}

absl::Time RocksQueueStore::lease_end() const {
  const int64_t ms = lease_end_ms_;
  return ms == 0 ? absl::InfinitePast() : absl::FromUnixMillis(ms);
}

void RocksQueueStore::PutLeaseEnd(absl::Time lease_end) {
  loop_->Submit(
      [this, lease_end] {
        cluster::v1::NodeFacts facts = facts_;
        facts.set_lease_end_ms(absl::ToUnixMillis(lease_end));
        Change change;
        PutFacts(facts, &change);
        RETURN_IF_ERROR(Write(&change));
        facts_ = facts;
        lease_end_ms_ = facts.lease_end_ms();
        return absl::OkStatus();
      },
      nullptr);
}

void RocksQueueStore::PutFacts(const cluster::v1::NodeFacts& facts, Change* change) {
  change->batch.Put(db_->cf(kFacts), kNodeFactsName, facts.SerializeAsString());
}

absl::StatusOr<bool> RocksQueueStore::IsQueued(std::string_view queue_key) const {
  rocksdb::PinnableSlice value;  // pinned in the cache, not copied
  const rocksdb::Status status = db_->raw()->Get(rocksdb::ReadOptions(), db_->cf(kQueue), AsSlice(queue_key), &value);
  if (status.IsNotFound()) return false;
  RETURN_IF_ERROR(FromRocks(status, "look up a queue entry"));
  return true;
}

absl::StatusOr<cluster::v1::QueueEntry> RocksQueueStore::GetEntry(std::string_view queue_key) const {
  return Parsed<cluster::v1::QueueEntry>(db_->Get(kQueue, queue_key), "read a queue entry");
}

}  // namespace wavepost
