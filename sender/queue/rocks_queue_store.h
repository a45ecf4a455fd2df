// QueueStore on RocksDB. Private to this folder: everybody else goes through queue_store.h.
//
// Members without a lock belong to the commit thread (or to Open, before that thread has anything to do). What the
// callers may read at any time is atomic.
#pragma once

#include <rocksdb/write_batch.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/recipient_id.h"
#include "common/storage/commit_loop.h"
#include "common/storage/db.h"
#include "sender/queue/queue_store.h"
#include "wavepost/cluster/v1/dispatch_service.pb.h"
#include "wavepost/cluster/v1/sender_records.pb.h"

namespace wavepost {

class RocksQueueStore final : public QueueStore {
 public:
  // As QueueStore::Open; `env` as in Db::Options.
  static absl::StatusOr<std::unique_ptr<QueueStore>> Open(const Options& options, absl::Time now,
                                                          absl::Duration recovery_delay, rocksdb::Env* env);
  ~RocksQueueStore() override { Stop(); }

  void AddBatch(cluster::v1::Batch batch, absl::Time now, std::function<void(std::vector<LaneDue>)> added,
                Done done) override;
  void ForgetBatches(std::vector<std::string> batch_ids) override;
  void ForgetBatchesExcept(std::vector<std::string> batch_ids) override;
  void PutContent(cluster::v1::Content content, Done done) override;
  void PutKeySet(cluster::v1::KeySet keys, Done done) override;
  void ApplySuppressions(std::vector<cluster::v1::SuppressionChange> changes, absl::Time now, Done done) override;

  absl::StatusOr<std::vector<LaneDue>> ReadLanes(const LaneKey* after, size_t limit) const override;
  absl::StatusOr<cluster::v1::WaveFacts> GetWave(uint32_t wave) const override;
  absl::StatusOr<std::vector<QueueItem>> FindWaiting(std::string_view address, size_t limit) const override;
  absl::StatusOr<LanePage> ReadLane(const LaneKey& lane, const QueueItem* after, int64_t due_max_ms,
                                    size_t limit) const override;
  void MarkInFlight(const QueueItem& item, cluster::v1::InFlight mark, Done done) override;
  void Finish(const QueueItem& item, cluster::v1::Report report, Done done) override;
  void Defer(const QueueItem& item, cluster::v1::QueueEntry entry, int64_t due_ms, cluster::v1::Report report,
             Done done) override;
  absl::StatusOr<cluster::v1::Content> GetContent(std::string_view content_id) const override;
  absl::StatusOr<cluster::v1::KeySet> GetKeySet(std::string_view tenant, std::string_view domain) const override;
  absl::StatusOr<std::vector<cluster::v1::KeySetVersion>> ReadKeySetVersions(size_t limit) const override;

  absl::StatusOr<cluster::v1::PathState> GetPathState(std::string_view egress_ip, std::string_view site) const override;
  void PutPathState(std::string_view egress_ip, std::string_view site, const cluster::v1::PathState& state) override;
  absl::StatusOr<cluster::v1::GreylistState> GetGreylistState(std::string_view egress_ip,
                                                              std::string_view mx_set) const override;
  void PutGreylistState(std::string_view egress_ip, std::string_view mx_set,
                        const cluster::v1::GreylistState& state) override;

  absl::StatusOr<std::string> GetNote(Notes kind, std::string_view key) const override;
  absl::StatusOr<std::vector<std::string>> ReadNotes(Notes kind) const override;
  void PutNote(Notes kind, std::string_view key, std::string bytes) override;
  void EraseNote(Notes kind, std::string_view key) override;

  void ApplyOrders(std::vector<cluster::v1::Order> orders, Done done) override;
  absl::StatusOr<std::vector<v1::Pause>> ReadPauses() const override;
  absl::StatusOr<std::vector<OpenOrder>> ReadOpenOrders() const override;
  void OrderDone(int64_t sequence) override;
  void FlushLane(const LaneKey& lane, absl::Time now, size_t limit, LaneWorkDone done) override;
  void DropLane(const LaneKey& lane, absl::Time now, size_t limit, LaneWorkDone done) override;

  absl::StatusOr<std::vector<cluster::v1::Report>> ReadOutbox(int64_t after_sequence, size_t limit) const override;
  void ForgetReports(int64_t through_sequence) override;
  void OnReports(std::function<void()> listener) override { listener_ = std::move(listener); }

  int64_t queued() const override { return queued_; }
  int64_t suppression_cursor() const override { return suppression_cursor_; }
  int64_t order_cursor() const override { return order_cursor_; }
  const std::string& data_id() const override { return data_id_; }
  absl::Time lease_end() const override;
  void PutLeaseEnd(absl::Time lease_end) override;

  void Stop() override;

 private:
  enum Cf : size_t {
    kQueue,
    kAddress,
    kContent,
    kKeys,
    kBatches,
    kOutbox,
    kInFlight,
    kFacts,
    kWithdrawn,
    kWaves,
    kPaths,
    kGreylist,
    kPauses,
    kOrders,
    kMtaStsNotes,
    kTlsReportNotes
  };
  static Cf CfOf(Notes kind) { return kind == Notes::kMtaSts ? kMtaStsNotes : kTlsReportNotes; }

  // Names in kFacts.
  static constexpr char kNodeFactsName[] = "node";
  static constexpr char kCountersName[] = "counters";

  // One atomic write. The counters that it moves are written with it, and move in memory when it is applied.
  struct Change {
    rocksdb::WriteBatch batch;
    int64_t queued = 0;   // entries that come, less those that go
    int64_t reports = 0;  // reports that go into the outbox
  };

  // An entry's keys, made on the caller's thread.
  struct EntryKeys {
    std::string queue;
    std::string address;
    RecipientId id;
  };

  struct PreparedBatch;

  explicit RocksQueueStore(const Options& options) : options_(options) {}

  static absl::StatusOr<std::shared_ptr<PreparedBatch>> Prepare(const cluster::v1::Batch& batch, absl::Time now);
  static EntryKeys KeysOf(const LaneKey& lane, int64_t due_ms, RecipientId id, std::string_view address);

  // before the loop runs
  absl::Status MakeDataId();
  absl::Status LoadFacts();
  absl::Status Recover(absl::Time now, absl::Duration delay);
  absl::Status ForgetTheLongAgoLearned(absl::Time now);
  absl::Status EraseClearKeys();
  absl::Status AskForKeySets(Change* change);
  absl::Status RecoverInFlight(absl::Time now, absl::Duration delay, Change* change);
  absl::Status RecoverWithdrawn(absl::Time now, Change* change);

  // commit thread
  absl::Status ApplyBatch(const PreparedBatch& batch, std::vector<LaneDue>* added);
  void PutWaves(const PreparedBatch& batch, Change* change);
  absl::Status ApplyOrderList(const std::vector<cluster::v1::Order>& orders);
  absl::StatusOr<LaneWork> ApplyFlush(const LaneKey& lane, absl::Time now, size_t limit);
  absl::StatusOr<LaneWork> ApplyDrop(const LaneKey& lane, absl::Time now, size_t limit);
  absl::Status ApplyMark(const EntryKeys& keys, std::string_view mark);
  absl::Status ApplyFinish(const EntryKeys& keys, std::string_view report);
  absl::Status ApplyDefer(const EntryKeys& keys, const std::string& next_queue_key, std::string_view entry,
                          std::string_view report);
  absl::Status ApplySuppressionChanges(const std::vector<cluster::v1::SuppressionChange>& changes, absl::Time now);
  // Collects in `withdrawn` the ids that get a mark, in `gone` those that leave the queue.
  absl::Status Withdraw(const cluster::v1::SuppressionChange& change, absl::Time now, Change* out,
                        std::vector<RecipientId>* withdrawn, absl::flat_hash_set<uint64_t>* gone);
  absl::Status ApplyForgetReports(int64_t through_sequence);
  // True if the entry stands at that key.
  absl::StatusOr<bool> IsQueued(std::string_view queue_key) const;
  absl::StatusOr<cluster::v1::QueueEntry> GetEntry(std::string_view queue_key) const;
  absl::StatusOr<std::vector<std::string>> EgressIpsInQueue() const;
  // The tenant of a content; empty: not known here.
  absl::StatusOr<std::string> TenantOf(const std::string& content_id);
  void AddReport(std::string_view report, Change* change);
  // Entry, address index and marks go.
  void RemoveEntry(const EntryKeys& keys, Change* change);
  // Drops what memory knows of an entry that was removed or moved.
  void ForgetMarks(RecipientId id);
  void PutFacts(const cluster::v1::NodeFacts& facts, Change* change);
  absl::Status Write(Change* change);
  absl::Status SyncAll();

  const Options options_;
  std::unique_ptr<Db> db_;

  absl::flat_hash_set<uint64_t> marked_;                   // have a record in kInFlight
  absl::flat_hash_set<uint64_t> withdrawn_;                // have a record in kWithdrawn
  std::optional<uint32_t> last_wave_;                      // has a record in kWaves
  absl::flat_hash_map<std::string, std::string> tenants_;  // content id -> tenant, a cache
  cluster::v1::NodeFacts facts_;
  int64_t last_sequence_ = 0;   // given to a report
  int64_t first_sequence_ = 1;  // no report before it is in the outbox
  std::function<void()> listener_;

  std::atomic<int64_t> queued_ = 0;
  std::atomic<int64_t> synced_sequence_ = 0;
  std::atomic<int64_t> suppression_cursor_ = 0;
  std::atomic<int64_t> order_cursor_ = 0;
  std::atomic<int64_t> lease_end_ms_ = 0;
  std::string data_id_;

  std::unique_ptr<CommitLoop> loop_;  // last: its thread uses everything above
};

// The outcome of a recipient that ends here without (another) attempt.
cluster::v1::Report EndedReport(RecipientId id, const cluster::v1::QueueEntry& entry, v1::Outcome outcome,
                                absl::Time now);
// The outcome of a recipient whose address was suppressed before it was sent (or before it was sent again).
cluster::v1::Report SuppressedReport(RecipientId id, const cluster::v1::QueueEntry& entry, absl::Time now);

}  // namespace wavepost
