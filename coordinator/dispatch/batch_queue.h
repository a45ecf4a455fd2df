// Pending batches of one node, in the order in which they go out. Pure.
//
// Urgent batches first; but after kUrgentRunMax urgent recipients in a row one bulk batch has its turn, if any waits.
// Among urgent ones and among bulk, tenants take turns by recipients, in proportion to their weights, and within a
// tenant its waves do: three hundred recipients never stand behind another's million. Within a wave the oldest batch
// goes first. Start-time fair queueing: a tenant or wave that had nothing waiting has no turns saved up, and none
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
  static constexpr int64_t kUrgentRunMax = 9000;  // recipients

  // In order of sequence. One with an id that is there already is ignored.
  void Add(PendingHead head);
  // Puts back what Pop gave last, at the head of its wave; its turn is given back too.
  void PutBack(PendingHead head);
  // False: it is not there.
  bool Remove(const std::string& batch_id);

  bool empty() const { return places_.empty(); }
  size_t size() const { return places_.size(); }
  // Then a bulk batch at the front is there because its turn has come.
  bool has_urgent() const { return urgent_.batches > 0; }
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
  struct Class {
    std::map<std::string, Tenant> tenants;  // some with nothing waiting
    size_t batches = 0;
    double clock = 0;  // `served` of the tenant that had the last turn, before it
    int64_t pops = 0;
  };
  struct Place {
    bool urgent = false;
    std::string tenant;
    uint32_t wave = 0;
    int64_t sequence = 0;
  };

  static constexpr int64_t kPruneEvery = 256;  // batches

  static const PendingHead* FrontOf(const Class& in);
  static void Prune(Class* in, Tenant* tenant);
  Class& ClassOf(bool urgent) { return urgent ? urgent_ : bulk_; }

  Class urgent_;
  Class bulk_;
  int64_t urgent_run_ = 0;      // urgent recipients since the last bulk batch
  int64_t run_before_pop_ = 0;  // urgent_run_ before the last Pop
  absl::flat_hash_map<std::string, Place> places_;
};

}  // namespace wavepost
