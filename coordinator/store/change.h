// One atomic change of the books, made on the writer thread.
//
// Collects rows, events and altered wave and node records, and writes them as one batch with Commit; dropped without
// Commit it leaves no trace. WriterState is what the writer thread keeps between changes: the place in each log, and
// write-through copies of wave and node records, so that counting a recipient costs no read.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/recipient_id.h"
#include "coordinator/store/keys.h"
#include "coordinator/store/reader.h"
#include "coordinator/store/store.h"
#include "google/protobuf/message_lite.h"

namespace rocksdb {
class WriteBatch;
}

namespace wavepost {

// Where a batch that is not acknowledged lies.
struct PendingRef {
  std::string node;
  int64_t sequence = 0;
  int64_t recipients = 0;
};

// Place of an order log without orders: a node that has been told of it has a place behind which nothing is skipped.
inline constexpr int64_t kOrderBase = 1;

// Whose mail a running wave is.
struct RunningWave {
  std::string campaign;
  std::string from_address;
};

struct WriterState {
  int64_t last_event = 0;
  int64_t last_suppression = 0;
  uint32_t last_wave = 0;
  absl::flat_hash_map<uint32_t, cluster::v1::StoredWave> waves;  // at most kWavesCachedMax
  absl::flat_hash_map<std::string, cluster::v1::StoredNode> nodes;
  absl::flat_hash_map<std::string, PendingRef> pending;  // by batch id
  std::map<std::string, int64_t> backlog;                // recipients in pending, by node
  std::map<uint32_t, bool> to_plan;                      // running, not planned through -> urgent
  int64_t last_order = kOrderBase;
  int64_t order_rows = 0;
  int64_t trim_from = 0;                // where the next search for rows of the order log that may go begins; a hint
  std::map<int64_t, v1::Pause> pauses;  // rows of the order log, by sequence; some may have ended
  std::map<int64_t, cluster::v1::StoredDrop> drops;  // under way
  bool drops_changed = false;                        // since they were published
  std::map<uint32_t, RunningWave> running;           // by wave
  bool running_changed = false;                      // since it was published
  int64_t keys_generation = 1;
  bool soft_rows = false;       // there may be rows of soft bounces
  std::string soft_sweep_from;  // where the next search for stale ones begins; a hint
  absl::Status broken;          // not OK: a write failed, nothing more is taken
};

class Change {
 public:
  static constexpr size_t kWavesCachedMax = 4096;

  // All of them outlive the change.
  Change(Db* db, WriterState* state, absl::Time now);
  ~Change();
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;

  absl::Time now() const { return now_; }
  const Reader& read() const { return read_; }
  WriterState& state() { return *state_; }

  void Put(Family family, std::string_view key, std::string_view value);
  void Put(Family family, std::string_view key, const google::protobuf::MessageLite& message);
  void Delete(Family family, std::string_view key);

  // The record, to be altered in place; stored by Commit. kNotFound. Valid as long as the change.
  absl::StatusOr<cluster::v1::StoredWave*> Wave(uint32_t number);
  absl::StatusOr<cluster::v1::StoredWave*> WaveNamed(std::string_view name);
  void AddWave(cluster::v1::StoredWave wave);
  // Made if it is not there.
  absl::StatusOr<cluster::v1::StoredNode*> Node(std::string_view node_id);

  void AddBatch(const cluster::v1::PendingBatch& batch, std::string_view node);
  void DropBatch(const std::string& batch_id);  // unknown ids are fine

  // Sequence and time are filled in. The second form: about a wave, and about a recipient if `id` is given.
  void AddEvent(v1::Event event);
  void AddEvent(v1::Event event, uint32_t wave, std::optional<RecipientId> id = std::nullopt);

  // Puts the address on the tenant's list, with log entry and event, unless an entry that lasts at least as long is
  // there. Returns the entry that is there now. `wave` and `id` say whose report it was.
  absl::StatusOr<v1::Suppression> Suppress(std::string_view tenant, v1::Suppression suppression, uint32_t wave = 0,
                                           std::optional<RecipientId> id = std::nullopt);
  // Whether Suppress would add such an entry now.
  absl::StatusOr<bool> WouldSuppress(std::string_view tenant, const v1::Suppression& suppression) const;
  void LogSuppression(cluster::v1::SuppressionChange change);

  // Appends to the order log; the order with its sequence, and a pause or a flush or drop with its name, comes back.
  cluster::v1::Order AddOrder(cluster::v1::Order order);
  void RemoveOrder(int64_t sequence);  // must be in the log, once per change
  void PutDrop(cluster::v1::StoredDrop drop);
  void RemoveDrop(int64_t sequence);

  // Keys of mail may have changed: see Store::KeysGeneration.
  void TouchKeys() { keys_touched_ = true; }

  // The answer that this request id got. kInvalidArgument REQUEST_ID_REUSED if it belongs to another request.
  absl::StatusOr<std::optional<std::string>> Answered(std::string_view parent, const RequestKey& request) const;
  void RememberAnswer(std::string_view parent, const RequestKey& request,
                      const google::protobuf::MessageLite& response);

  absl::Status Commit();

 private:
  absl::StatusOr<v1::Suppression> FindSuppression(const std::string& key) const;
  // The entry in force that `suppression` would not replace, if there is one.
  absl::StatusOr<std::optional<v1::Suppression>> Standing(const std::string& key,
                                                          const v1::Suppression& suppression) const;
  void KeepCopies();

  Db* const db_;
  WriterState* const state_;
  const absl::Time now_;
  const Reader read_;
  const std::unique_ptr<rocksdb::WriteBatch> batch_;
  int64_t last_event_;
  int64_t last_suppression_;
  int64_t last_order_;
  bool keys_touched_ = false;
  std::vector<cluster::v1::Order> orders_added_;
  std::vector<int64_t> orders_removed_;
  std::map<int64_t, std::optional<cluster::v1::StoredDrop>> drops_;  // changed; nothing: removed
  // std::map: pointers into it stay valid.
  std::map<uint32_t, cluster::v1::StoredWave> waves_;
  std::map<std::string, cluster::v1::StoredNode, std::less<>> nodes_;
  std::map<std::string, v1::Suppression> suppressions_;  // by key: added in this change
  std::vector<std::pair<std::string, PendingRef>> batches_added_;
  std::vector<std::string> batches_dropped_;
};

// RUNNING -> COMPLETED with its event, if nothing is open any more.
void CompleteWave(Change* change, cluster::v1::StoredWave* wave);

// An entry that has not run out.
bool InForce(const v1::Suppression& suppression, absl::Time now);

absl::Status NoSuch(std::string_view what, std::string_view name);        // kNotFound
absl::Status AlreadyThere(std::string_view what, std::string_view name);  // kAlreadyExists

}  // namespace wavepost
