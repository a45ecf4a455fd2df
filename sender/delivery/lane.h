// The window of one lane: the recipients of one wave at one domain from one egress IP, as far as they are in memory.
//
// The queue on disk is the truth; a lane holds a window of at most kWindow entries that are due, and remembers where in
// the queue it goes on reading. So memory depends on the number of lanes with work, not on how much waits in them.
// Pure: no clock, no I/O. Not thread-safe: a lane belongs to one shard.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "sender/queue/queue_store.h"

namespace wavepost {

class Lane {
 public:
  static constexpr size_t kWindow = 64;
  static constexpr size_t kFirstWindow = 8;  // until the first one was taken: most lanes wait long for their turn
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  explicit Lane(LaneKey key) : key_(std::move(key)) {}

  const LaneKey& key() const { return key_; }

  // Entries due from due_ms on have come into the queue.
  void OnAdded(int64_t due_ms);
  // True if the queue has, or may have, entries due at now_ms that are not in the window, and there is room for them.
  bool WantsPage(int64_t now_ms) const { return next_due_ms_ <= now_ms && ready_.size() < window_ / 2; }
  size_t page_max() const { return window_; }
  // Where to go on reading; null: from the front.
  const QueueItem* cursor() const { return cursor_.has_value() ? &*cursor_ : nullptr; }
  // Takes what was read at `cursor`. Entries that are in the window or in delivery already are dropped. Returns how
  // many are new.
  size_t OnPage(QueueStore::LanePage page);

  // The next entry for a connection; nothing: the window is empty.
  std::optional<QueueItem> Take();
  // It was not tried: first in line again.
  void PutBack(QueueItem item);
  // The window is forgotten and read anew from the front: entries of it may be gone (a drop).
  void Reread(int64_t now_ms);
  // It left the lane: finished, moved to the retry lane, or withdrawn.
  void OnSettled(RecipientId id) { known_.erase(id.packed()); }

  size_t ready() const { return ready_.size(); }
  const QueueItem& front() const { return ready_.front(); }
  // When the queue has more for us; kNever: it has nothing that we know of.
  int64_t next_due_ms() const { return next_due_ms_; }
  // Nothing in memory or in delivery.
  bool at_rest() const { return known_.empty(); }
  // Nothing in memory, nothing in the queue.
  bool empty() const { return known_.empty() && next_due_ms_ == kNever; }

 private:
  LaneKey key_;
  std::deque<QueueItem> ready_;
  absl::flat_hash_set<uint64_t> known_;  // ids in the window or in delivery, until their change is on disk
  std::optional<QueueItem> cursor_;      // due_ms and id of the last entry read; its entry is empty
  int64_t next_due_ms_ = kNever;
  size_t window_ = kFirstWindow;
};

}  // namespace wavepost
