// What a sender node has on disk: its queue, contents, keys, outbox and the marks of what is in flight.
//
// Everything goes through one group-commit writer: a change is on disk, synced, when its `done` is run with OK. The
// calls do not block. `done` runs on the writer's thread and must be short: post to where the result is wanted. Reads
// may be made from any thread; they see what was applied, which may be a little more than what is synced.
//
// The layout stands in README.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/recipient_id.h"
#include "wavepost/cluster/v1/dispatch_service.pb.h"
#include "wavepost/cluster/v1/sender_records.pb.h"
#include "wavepost/v1/queue_service.pb.h"

namespace wavepost {

class Sealer;

// Where recipients wait for the same thing: one source address, one recipient domain, one wave; those that were
// deferred apart from those that were never tried, since an appointment (greylisting) must not stand behind a million
// newcomers.
struct LaneKey {
  std::string egress_ip;
  std::string domain;  // A-labels, lower case
  uint32_t wave = 0;
  bool retry = false;

  friend bool operator==(const LaneKey&, const LaneKey&) = default;
  friend auto operator<=>(const LaneKey&, const LaneKey&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const LaneKey& key) {
    return H::combine(std::move(h), key.egress_ip, key.domain, key.wave, key.retry);
  }
};

// An entry with its place.
struct QueueItem {
  LaneKey lane;
  int64_t due_ms = 0;
  RecipientId id;
  cluster::v1::QueueEntry entry;
};

// A lane and when its first entry is due.
struct LaneDue {
  LaneKey lane;
  int64_t due_ms = 0;
};

class QueueStore {
 public:
  using Done = std::function<void(absl::Status)>;

  struct Options {
    std::string data_dir;
    size_t memory_bytes = 64 << 20;
    int64_t queue_max = 20'000'000;  // recipients; a batch beyond it is refused with kResourceExhausted
    // Reports of a new folder are numbered from the next one on. A node that has lost its disk must not use numbers
    // again that the coordinator has seen: it would take the reports for repeats. Production gives the clock's
    // microseconds.
    int64_t sequence_start = 0;
    const Sealer* sealer = nullptr;  // for private keys at rest; outlives the store. Required
  };

  virtual ~QueueStore() = default;

  // Opens the folder (see Db::Open for errors). What was in flight when the last process died is put back with
  // maybe_delivered set, its attempt counted, and due after `recovery_delay` from `now`: the receiver may still be at
  // it.
  static absl::StatusOr<std::unique_ptr<QueueStore>> Open(const Options& options, absl::Time now,
                                                          absl::Duration recovery_delay);

  // --- from the coordinator
  // Stores all of a batch,
  // due now, or nothing. A batch id that is known already is OK and changes nothing. A recipient whose id is queued
  // already is skipped. `added` (may be null) is called on the writer thread, before `done`, with the lanes that got
  // entries. Errors: kResourceExhausted (beyond queue_max, disk full), kInvalidArgument (names the recipient; cannot
  // happen with batches that a coordinator made).
  virtual void AddBatch(cluster::v1::Batch batch, absl::Time now, std::function<void(std::vector<LaneDue>)> added,
                        Done done) = 0;
  virtual void ForgetBatches(std::vector<std::string> batch_ids) = 0;
  // Forgets every remembered batch id that is not among these.
  virtual void ForgetBatchesExcept(std::vector<std::string> batch_ids) = 0;
  virtual void PutContent(cluster::v1::Content content, Done done) = 0;
  // Replaces the key set of its tenant and domain. Private keys are sealed on disk.
  virtual void PutKeySet(cluster::v1::KeySet keys, Done done) = 0;
  // Applies suppression changes: queued recipients of the tenant with that address get the outcome SUPPRESSED, except
  // those past MarkInFlight; see Finish and Defer for these. Moves the suppression cursor.
  virtual void ApplySuppressions(std::vector<cluster::v1::SuppressionChange> changes, absl::Time now, Done done) = 0;

  // --- delivery
  // Up to `limit` lanes with their first due times, from the one behind `after` on (null: from the first). Skips from
  // lane to lane, so it is fast with millions queued. Fewer than `limit`: these were the last.
  virtual absl::StatusOr<std::vector<LaneDue>> ReadLanes(const LaneKey* after, size_t limit) const = 0;
  // What is known of a wave that has recipients here. kNotFound: nothing. Any thread; cached.
  virtual absl::StatusOr<cluster::v1::WaveFacts> GetWave(uint32_t wave) const = 0;
  // The lane's entries from (due_ms, id) `after` on (exclusive; null: from the start), due at or before due_max_ms, at
  // most `limit`. next_due_ms: when the first entry beyond the returned ones is due; nothing: there is none.
  struct LanePage {
    std::vector<QueueItem> items;
    std::optional<int64_t> next_due_ms;
  };
  virtual absl::StatusOr<LanePage> ReadLane(const LaneKey& lane, const QueueItem* after, int64_t due_max_ms,
                                            size_t limit) const = 0;
  // Before the final dot, the point of no return: after a crash this recipient may have been delivered. Synced when
  // done. kNotFound: it is not queued any more (withdrawn meanwhile); it must not be sent. kNotFound: the recipient is
  // not queued at that place any more, or its address was suppressed meanwhile (then this call has finished it as
  // SUPPRESSED): break the transaction off before the dot and forget the item.
  virtual void MarkInFlight(const QueueItem& item, cluster::v1::InFlight mark, Done done) = 0;
  // The recipient has its outcome: entry, address index and mark go, the report goes into the outbox, in one write.
  // The report's sequence is given here. A repeat for a recipient that is no longer queued changes nothing.
  virtual void Finish(const QueueItem& item, cluster::v1::Report report, Done done) = 0;
  // The recipient waits: the entry moves to due_ms in the retry lane with `entry`, the mark goes, the report (outcome
  // UNSPECIFIED) goes into the outbox, in one write. If the address was suppressed meanwhile (see ApplySuppressions),
  // it is finished as SUPPRESSED instead and `done` still gets OK.
  virtual void Defer(const QueueItem& item, cluster::v1::QueueEntry entry, int64_t due_ms, cluster::v1::Report report,
                     Done done) = 0;
  virtual absl::StatusOr<cluster::v1::Content> GetContent(std::string_view content_id) const = 0;
  // kNotFound: none has come. Others as Sealer::Open: the keys in the folder belong to another sealing key.
  virtual absl::StatusOr<cluster::v1::KeySet> GetKeySet(std::string_view tenant, std::string_view domain) const = 0;
  // Those that can be opened with the sealer's keys, at most `limit`.
  virtual absl::StatusOr<std::vector<cluster::v1::KeySetVersion>> ReadKeySetVersions(size_t limit) const = 0;

  // Recipients that wait under this address, at most `limit`; or, for "@domain", the first ones of its lanes.
  virtual absl::StatusOr<std::vector<QueueItem>> FindWaiting(std::string_view address, size_t limit) const = 0;

  // --- what was learned
  // kNotFound: nothing, or too long ago. Put: written with the next group.
  virtual absl::StatusOr<cluster::v1::PathState> GetPathState(std::string_view egress_ip,
                                                              std::string_view site) const = 0;
  virtual void PutPathState(std::string_view egress_ip, std::string_view site, const cluster::v1::PathState& state) = 0;
  virtual absl::StatusOr<cluster::v1::GreylistState> GetGreylistState(std::string_view egress_ip,
                                                                      std::string_view mx_set) const = 0;
  virtual void PutGreylistState(std::string_view egress_ip, std::string_view mx_set,
                                const cluster::v1::GreylistState& state) = 0;

  // Small records of other parts, by a key of theirs. Written with the next group.
  enum class Notes { kMtaSts, kTlsReports };
  virtual absl::StatusOr<std::string> GetNote(Notes kind, std::string_view key) const = 0;  // kNotFound
  virtual absl::StatusOr<std::vector<std::string>> ReadNotes(Notes kind) const = 0;
  virtual void PutNote(Notes kind, std::string_view key, std::string bytes) = 0;
  virtual void EraseNote(Notes kind, std::string_view key) = 0;

  // --- orders of operators and tenants
  // Stores pauses, forgets resumed ones, remembers flushes and drops until OrderDone, moves the order cursor.
  virtual void ApplyOrders(std::vector<cluster::v1::Order> orders, Done done) = 0;
  virtual absl::StatusOr<std::vector<v1::Pause>> ReadPauses() const = 0;
  struct OpenOrder {
    int64_t sequence = 0;
    v1::QueueOrder order;
  };
  virtual absl::StatusOr<std::vector<OpenOrder>> ReadOpenOrders() const = 0;
  virtual void OrderDone(int64_t sequence) = 0;
  // A page of work on one lane, synced when `done` is run. changed: entries that were moved or ended; more: the lane
  // may have more.
  struct LaneWork {
    int64_t changed = 0;
    bool more = false;
  };
  using LaneWorkDone = std::function<void(absl::StatusOr<LaneWork>)>;
  // What is due after `now` becomes due at `now`.
  virtual void FlushLane(const LaneKey& lane, absl::Time now, size_t limit, LaneWorkDone done) = 0;
  // What waits gets the outcome CANCELLED; what is past MarkInFlight stays.
  virtual void DropLane(const LaneKey& lane, absl::Time now, size_t limit, LaneWorkDone done) = 0;

  // --- outbox
  // Reports after a sequence, synced ones only, in order, at most `limit`.
  virtual absl::StatusOr<std::vector<cluster::v1::Report>> ReadOutbox(int64_t after_sequence, size_t limit) const = 0;
  // The coordinator has them.
  virtual void ForgetReports(int64_t through_sequence) = 0;
  // Called on the writer thread when new reports are on disk. Set before the first change.
  virtual void OnReports(std::function<void()> listener) = 0;

  // --- facts
  virtual int64_t queued() const = 0;              // recipients; any thread
  virtual int64_t suppression_cursor() const = 0;  // any thread
  virtual int64_t order_cursor() const = 0;        // any thread
  virtual const std::string& data_id() const = 0;  // 16 bytes, made with the folder
  virtual absl::Time lease_end() const = 0;        // as last stored; any thread. absl::InfinitePast(): never attached
  virtual void PutLeaseEnd(absl::Time lease_end) = 0;

  // Finishes what was submitted and closes. No call may follow.
  virtual void Stop() = 0;
};

}  // namespace wavepost
