// Pending batches of one node, in the order in which they go out. Pure.
//
// Urgent batches first, oldest first. Among bulk, tenants take turns by recipients, in proportion to their weights, and
// within a tenant its waves do: three hundred recipients never stand behind another's million. Within a wave the oldest
// batch goes first. Start-time fair queueing: a tenant or wave that had nothing waiting has no turns saved up, and none
// forgotten that it had ahead of the others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "coordinator/store/store.h"

namespace wavepost {

class BatchQueue {
 public:
  // In order of sequence. One with an id that is there already is ignored.
  void Add(PendingHead head);
  // Puts back what Pop gave, at the head of its wave; its turn is given back too.
  void PutBack(PendingHead head);
  // False: it is not there.
  bool Remove(const std::string& batch_id);

  bool empty() const { return places_.empty(); }
  size_t size() const { return places_.size(); }
  // What Pop would give; null if empty. Valid until the next change.
  const PendingHead* Front() const;
  PendingHead Pop();

 private:
  struct Wave {
    std::map<int64_t, PendingHead> heads;  // by sequence
    double served = 0;                     // recipients, as virtual time
  };
  struct Tenant {
    std::map<uint32_t, Wave> waves;  // some with nothing waiting
    size_t batches = 0;
    double served = 0;      // recipients by weight, as virtual time
    double wave_clock = 0;  // `served` of the wave that had the last turn, before it
  };
  struct Place {
    bool urgent = false;
    std::string tenant;
    uint32_t wave = 0;
    int64_t sequence = 0;
  };

  static constexpr int64_t kPruneEvery = 256;  // batches

  const PendingHead* BulkFront() const;
  void Prune(Tenant* tenant);

  std::map<int64_t, PendingHead> urgent_;  // by sequence
  std::map<std::string, Tenant> tenants_;  // some with nothing waiting
  double clock_ = 0;                       // `served` of the tenant that had the last turn, before it
  int64_t pops_ = 0;
  absl::flat_hash_map<std::string, Place> places_;
};

}  // namespace wavepost
