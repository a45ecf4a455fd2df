// One attached node, from Welcome to the end of its stream: what it gets, when, and how much of it. Pure: events in,
// effects out; the driver (dispatch_service.h) carries them out.
//
// Invariants:
//   1. A batch is read from the store (with the suppressions of that moment) only when it can be sent at once, and is
//   sent
//      in the order of the store's answers: a suppression reaches the node after every batch that was read before it.
//   2. A batch goes out once per session at most, after its content and key set, and never after its ack. A node that
//   has
//      a key set gets its changes, whether or not a batch needs it.
//   3. Recipients on their way stay within the node's credit. A batch larger than the credit waits; only to a node that
//      says that it holds nothing at all does one go out beyond it, or a node with a small limit would wait for ever.
//   4. Orders go out in log order, each after every batch that was read before it and before every batch of a wave that
//      was started after it: a drop never takes in what was not meant. While orders are on their way from the store, no
//      batch is read.
//   5. Bulk leaves a reserve of the credit to urgent batches, which go out before bulk, but for bulk's turn
//      now and then (BatchQueue).
//   6. At most kQueuedMax messages wait for the stream (and four more that were on their way when it filled up), and at
//      most kPendingMax acks and reports for the store.
//
// Credit: a node states what it can take on top of what it holds. Batches that it has not acknowledged are taken off
// each statement (it cannot have counted them yet, or will count them in the next one), later ones as they are sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "coordinator/dispatch/batch_queue.h"
#include "coordinator/dispatch/key_book.h"
#include "coordinator/store/store.h"
#include "wavepost/cluster/v1/coordinator_records.pb.h"
#include "wavepost/cluster/v1/dispatch_service.pb.h"

namespace wavepost {

// The first message of a node. Fills in defaults (pool "default", weight 1).
// Errors: kInvalidArgument that names the field.
absl::Status CheckHello(cluster::v1::Hello* hello);

// A batch as it goes out, with what must have gone out before.
struct LoadedBatch {
  cluster::v1::Batch batch;
  std::shared_ptr<const cluster::v1::Content> content;  // batch.content_id is its id
  std::shared_ptr<const cluster::v1::KeySet> keys;      // never null
  int64_t after_order = 0;                              // the node must have orders up to here before it
  int64_t keys_generation = 0;                          // Store::KeysGeneration when `keys` were read
};

class NodeSession {
 public:
  static constexpr size_t kQueuedMax = 8;
  static constexpr size_t kQueuedBytesMax = 16 << 20;  // contents carry files; one more message may go over it
  static constexpr size_t kPendingMax = 32;
  static constexpr size_t kHeadsMax = 1000;         // pending batches looked at in one go
  static constexpr size_t kOrdersMax = 1000;        // per push
  static constexpr int64_t kReserveMax = 1000;      // recipients of the credit that bulk leaves to urgent batches:
  static constexpr int64_t kReserveShare = 10;      // a tenth of the most that the node has ever said,
  static constexpr int64_t kReserveFrom = 5000;     // nothing if that is less than this
  static constexpr size_t kSuppressionsMax = 1000;  // per push
  static constexpr size_t kReportsMax = 1000;       // per message
  static constexpr size_t kForgetMax = 1000;        // batch ids per message
  static constexpr size_t kQuestionsMax = 16;       // that wait for room in the stream

  struct Options {
    absl::Duration lease = absl::Hours(1);
    absl::Duration renew_every = absl::Seconds(10);
    absl::Duration silence_max = absl::Seconds(60);  // a node that says nothing for so long is taken for gone
  };

  // To be carried out in this order. `close` not OK: nothing else follows.
  struct Effects {
    std::vector<cluster::v1::CoordinatorMessage> send;
    std::vector<std::string> acknowledge;                 // batch ids; answer with OnForgotten
    std::vector<std::vector<cluster::v1::Report>> apply;  // answer each with OnApplied
    std::optional<int64_t> load_heads_after;              // sequence; answer with OnHeads
    std::optional<PendingHead> load_batch;                // answer with OnBatch
    std::optional<int64_t> load_orders_after;             // sequence; answer with OnOrders
    std::optional<int64_t> orders_acknowledged;           // sequence; answer with OnOrdersAcknowledged
    std::vector<cluster::v1::Answer> answers;             // to questions
    std::optional<int64_t> load_suppressions_after;       // sequence; answer with OnSuppressions
    std::optional<KeySetName> load_keys;                  // answer with OnKeys
    absl::Status close;
  };

  // hello: checked. node: as AttachNode returned it. outstanding: all batch ids that the node may be sent again.
  NodeSession(const Options& options, const cluster::v1::Hello& hello, const cluster::v1::StoredNode& node,
              absl::Time now);

  // The first call. keys_generation: Store::KeysGeneration.
  Effects Start(const std::vector<std::string>& outstanding_batch_ids, int64_t keys_generation);

  Effects OnMessage(cluster::v1::NodeMessage message, absl::Time now);
  // Pending batches after the asked sequence, in order; empty: none.
  Effects OnHeads(std::vector<PendingHead> heads);
  // Nothing: the batch is gone (acknowledged, dropped).
  Effects OnBatch(std::optional<LoadedBatch> loaded);
  // As Store::Orders answers for the asked sequence and kOrdersMax.
  Effects OnOrders(std::vector<cluster::v1::Order> orders);
  Effects OnOrdersAcknowledged();
  // Beyond kQuestionsMax that wait, the answer is a problem at once. A stop of a trace is taken always (there is at
  // most one for each trace that went out); one for a trace that has not gone out takes that back, and neither goes
  // out.
  Effects OnQuestion(cluster::v1::Question question);
  // Changes after the asked sequence, in order; fewer than kSuppressionsMax: these were all.
  Effects OnSuppressions(std::vector<cluster::v1::SuppressionChange> changes);
  // Changes after follow_after(), read for all sessions that follow the log. `complete`: these were all.
  Effects OnNewSuppressions(const std::vector<cluster::v1::SuppressionChange>& changes, bool complete);
  // The asked key set, as it is now; nothing: it cannot be read.
  Effects OnKeys(std::optional<cluster::v1::KeySet> keys);
  // Something in the store is new: perhaps batches, perhaps orders, perhaps keys.
  Effects OnStoreChange(int64_t last_order, int64_t keys_generation);
  Effects OnForgotten(const std::string& batch_id);
  Effects OnApplied(int64_t through_sequence);
  // A message has left the queue.
  Effects OnWritten();
  Effects OnTick(absl::Time now);

  // True while another message may be read from the stream.
  bool CanRead() const { return pending_ < kPendingMax; }
  // Place in the suppression log, if the session has everything up to here and waits for news.
  std::optional<int64_t> follow_after() const;
  const cluster::v1::NodeStatus& status() const { return status_; }
  int64_t credit() const { return credit_; }

 private:
  void OnAck(const std::string& batch_id, Effects* effects);
  void OnStatus(const cluster::v1::NodeStatus& status);
  void SendBatch(LoadedBatch loaded, Effects* effects);
  void PushSuppressions(std::vector<cluster::v1::SuppressionChange> changes, Effects* effects);
  // Sends and asks for whatever there is room for.
  void Pump(Effects* effects);
  void PumpBatches(Effects* effects);
  void SendKeys(cluster::v1::KeySet keys, Effects* effects);
  void Send(cluster::v1::CoordinatorMessage message, Effects* effects);
  bool HasRoom() const { return queued_ < kQueuedMax && queued_bytes_ < kQueuedBytesMax; }

  const Options options_;
  absl::Time heard_;    // from the node
  absl::Time renewed_;  // the lease
  cluster::v1::NodeStatus status_;
  int64_t epoch_;
  int64_t credit_ = 0;
  size_t queued_ = 0;  // messages that the stream has not taken
  std::deque<size_t> queued_sizes_;
  size_t queued_bytes_ = 0;
  size_t pending_ = 0;  // acks and reports that the store has not taken

  // Batches: first known (heads), one being read (loading), then sent (unacked).
  BatchQueue heads_;
  int64_t heads_after_ = 0;  // sequence of the last head that was seen
  bool heads_loading_ = false;
  bool heads_ended_ = false;  // there was no more when last asked
  bool heads_stale_ = true;   // the store has changed since
  std::optional<PendingHead> loading_;
  absl::flat_hash_map<std::string, int64_t> unacked_;  // id -> recipients
  int64_t unacked_recipients_ = 0;
  absl::flat_hash_set<std::string> acked_;    // the store does not know yet, or a reading of heads began before it did
  bool loading_forgotten_ = false;            // the store knows the ack of the batch that is being read
  std::vector<std::string> forgotten_heads_;  // leave acked_ when the running reading of heads has come back

  absl::flat_hash_set<std::string> contents_sent_;
  KeyBook keys_;

  int64_t suppression_cursor_;
  bool suppressions_loading_ = false;
  bool suppressions_complete_ = false;  // follows the log

  int64_t order_cursor_;
  int64_t last_order_ = 0;  // that the store is known to have
  bool orders_loading_ = false;
  bool orders_complete_ = false;

  std::deque<cluster::v1::Question> questions_;
  int64_t reserve_ = 0;  // of the credit, for urgent batches

  bool lease_due_ = false;
  int64_t report_ack_ = 0;           // stored through here, as far as this stream has sent
  bool report_ack_due_ = false;      // and the node is to be told
  std::vector<std::string> forget_;  // batch ids to be forgotten by the node
};

}  // namespace wavepost
