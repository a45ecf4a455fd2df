// The recipients that connections are busy with now. Written by the shards, asked by the storage thread when a
// suppression comes in. Thread-safe.
#pragma once

#include <mutex>

#include "absl/container/flat_hash_set.h"
#include "common/base/recipient_id.h"

namespace wavepost {

class InFlightSet {
 public:
  void Insert(RecipientId id) {
    std::lock_guard lock(mutex_);
    ids_.insert(id.packed());
  }
  void Erase(RecipientId id) {
    std::lock_guard lock(mutex_);
    ids_.erase(id.packed());
  }
  bool Contains(RecipientId id) const {
    std::lock_guard lock(mutex_);
    return ids_.contains(id.packed());
  }

 private:
  mutable std::mutex mutex_;
  absl::flat_hash_set<uint64_t> ids_;  // guarded by mutex_
};

}  // namespace wavepost
