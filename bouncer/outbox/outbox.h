// What has been taken in and not yet been acknowledged by the coordinator, on disk.
//
// A report is stored and synced before the sending host gets its 250, and stays until the coordinator has it on its own
// disk. Sequence numbers rise by 1 and are never given out twice, also across restarts with an empty outbox. A new
// folder starts at the number given (the clock in microseconds): a bouncer that lost its disk so stays above the
// numbers that the coordinator already knows, and nothing of it is taken for a repetition. For the same reason a new
// folder gets an id: two bouncers with one name, or one with an emptied disk, are two to the coordinator, each with
// numbers of its own. A folder that turns out to be an old copy gets a new id, and so becomes another one too.
//
// No record stops those behind it: what could not be sent is made sendable before it is stored (see MakeSendable), and
// one that does not parse (the disk has damaged it, or an earlier version stored a text that is not UTF-8) is told with
// what can be read of it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/storage/commit_loop.h"
#include "common/storage/db.h"
#include "wavepost/cluster/v1/bounce_feed_service.pb.h"

namespace wavepost {

// Where the intake puts reports. Its tests have versions that fail.
class ReportStore {
 public:
  using Done = std::function<void(absl::Status)>;
  virtual ~ReportStore() = default;

  // Stores all or none; their sequence is set here. `done` gets OK once they are on disk, synced. It runs on another
  // thread, or on the caller's if the reports are refused at once; it must be short. Any thread.
  //
  // Errors: kResourceExhausted (full: come back later), kUnavailable (disk), kCancelled (stopped).
  virtual void Append(std::vector<cluster::v1::BounceReport> reports, Done done) = 0;
};

// Makes sure that the other end can take the record: texts that are not UTF-8 are made so, and an aggregate report that
// is too large loses rows and is marked incomplete. Pure.
void MakeSendable(size_t bytes_max, cluster::v1::BounceReport* report);

// Thread-safe. Memory: rocksdb's share (kMemoryBytes) and the changes that wait, at most one per connection.
class Outbox final : public ReportStore {
 public:
  static constexpr size_t kMemoryBytes = 32 << 20;
  // A larger record loses rows of its aggregate report: a message of the feed must stay below the coordinator's 8 MiB.
  static constexpr size_t kRecordBytesMax = 4 << 20;

  struct Options {
    std::string path;
    int64_t first_sequence = 1;          // of a new folder
    std::string new_id;                  // of a new folder; the caller makes it up
    int64_t records_max = 20'000'000;    // waiting for the coordinator; beyond that Append refuses
    std::function<absl::Status()> sync;  // instead of Db::Sync; for tests of failing disks
  };

  // Errors: as Db::Open.
  static absl::StatusOr<std::unique_ptr<Outbox>> Open(Options options);
  ~Outbox() override;  // as Stop()

  void Append(std::vector<cluster::v1::BounceReport> reports, Done done) override;

  // Synced reports with a sequence above `after`, in order: at most `records_max`, and no more than `bytes_max` (but at
  // least one). Empty: there are none. A record that does not parse is logged, and told with what RescueRecord reads of
  // it. Blocks on the disk.
  absl::StatusOr<std::vector<cluster::v1::BounceReport>> Read(int64_t after, size_t records_max,
                                                              size_t bytes_max) const;

  // Removes everything up to `through`. Not synced: what comes back after a power cut is sent again, which is harmless.
  // Numbers beyond durable_through() are cut to it. Blocks on the disk. One caller at a time.
  absl::Status Forget(int64_t through);

  // The last sequence that is synced, and the last one that was forgotten; the difference waits.
  int64_t durable_through() const { return durable_.load(std::memory_order_acquire); }
  int64_t forgotten_through() const { return forgotten_.load(std::memory_order_acquire); }

  // The last sequence of the folder as it was opened, first of all times since its last Greeted(). The coordinator can
  // know nothing above it under this id. If it does, the folder is an old copy: what came since has numbers that the
  // coordinator has had from the folder's other life, and takes for repetitions.
  int64_t recovered_through() const { return recovered_; }

  // The coordinator's mark has been compared with recovered_through(), and fits. Synced; once, then cheap. Blocks on
  // the disk. The caller of Forget calls it.
  absl::Status Greeted();

  // Makes it another folder to the coordinator, which has no mark of that id: everything that waits is entered under
  // its present numbers. What it had entered from an old copy it enters again: that is counted twice, where the new
  // reports would be lost. Atomic and synced; an error leaves the old id. Blocks; the caller of Forget calls it.
  absl::Status Rename(std::string id);

  // Given to the folder when it was new, or by Rename. Empty: an earlier version made it. For the caller of Forget.
  const std::string& id() const { return id_; }

  // Called on the writer's thread after reports became durable; must be short. Set it before the first Append.
  void OnDurable(std::function<void()> listener) { listener_ = std::move(listener); }

  // Finishes what waits; refuses what comes later. Reading goes on. Idempotent.
  void Stop();

 private:
  Outbox() = default;
  absl::Status Recover(const Options& options);
  absl::Status Apply(std::vector<cluster::v1::BounceReport>* reports);

  std::unique_ptr<Db> db_;
  std::string id_;
  int64_t recovered_ = 0;
  bool greeted_ = false;
  int64_t records_max_ = 0;
  int64_t next_ = 1;  // commit thread only
  std::atomic<int64_t> durable_{0};
  std::atomic<int64_t> forgotten_{0};
  std::function<void()> listener_;
  std::unique_ptr<CommitLoop> writer_;  // last: its thread uses everything above
};

}  // namespace wavepost
