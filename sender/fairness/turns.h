// Weighted turns among a changing set of participants. Pure.
//
// The rule is WF2Q+ (worst-case fair weighted fair queueing) with turns of equal size: each participant has a virtual
// start S and finish F = S + 1/weight of its next turn; of those whose turn has begun (S <= V, the common virtual time)
// the one with the earliest finish goes. So at every moment, and not only in the long run, the turns that anybody has
// had differ from its exact share by less than two, and by less than one while the set stays the same. Picking the
// earliest finish alone would let a heavy one run ahead by many.
//
// Two tournament trees (by F over those that have begun, by S over the others) name the winner at their roots, once
// among all and once among those with retries. A turn is O(log participants) and allocates nothing; skipping
// participants costs O(skipped * log participants). Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"

namespace wavepost {

class Turns {
 public:
  using Slot = uint32_t;
  static constexpr Slot kNone = UINT32_MAX;
  // A participant that could not take its turns for long is owed no more than this many.
  static constexpr double kOwedMax = 32;
  // Weights outside are cut.
  static constexpr double kWeightMin = 1e-3;
  static constexpr double kWeightMax = 1e3;

  // The slot of a participant, which is kept until it has nothing left to remember; made if need be. Sets its weight.
  Slot Open(uint32_t id, double weight);
  // kNone: unknown.
  Slot Find(uint32_t id) const;
  // What it has: anything, and among that any retries. Coming from nothing it starts level with the others; the slot of
  // one that has nothing may be given to another from the next Open on.
  void SetReady(Slot slot, bool any, bool retries);

  // Whose turn it is; kNone: nobody's. retries_only: only those with retries. skip: ids passed over; null: none.
  Slot Peek(bool retries_only, const absl::flat_hash_set<uint32_t>* skip) const;
  // It takes a turn; it must be ready.
  void Charge(Slot slot);
  // Gives a turn back. Unknown debts are forgiven: never brings it further than kOwedMax turns behind.
  void Refund(Slot slot);

  size_t ready() const { return ready_; }

 private:
  struct Participant {
    double start = 0;     // S
    double interval = 1;  // 1 / weight
    uint32_t id = 0;
    bool ready = false;
    bool retries = false;
    bool begun = false;  // in the tree by finish, else in the one by start
  };

  // Writes the winners above `slot` anew, in the tree that it is in.
  void Update(bool begun, Slot slot);
  void Place(Slot slot, bool begun);
  void Promote();
  void Grow();
  void ForgetIdle();
  size_t Index(bool begun, bool retries, size_t node) const {
    return ((begun ? 2 : 0) + (retries ? 1 : 0)) * 2 * leaves_ + node;
  }
  // Slots are stored plus one: 0, nobody, becomes kNone.
  Slot Winner(bool begun, bool retries, size_t node) const { return tree_[Index(begun, retries, node)] - 1; }
  Slot Best(bool begun, bool retries, size_t node, const absl::flat_hash_set<uint32_t>* skip) const;

  std::vector<Participant> participants_;
  std::vector<std::pair<uint32_t, Slot>> index_;  // by id
  std::vector<Slot> free_;
  std::vector<uint32_t> tree_;  // four trees of 2 * leaves_ nodes; node 1 is the root; slots plus one
  std::vector<double> keys_;    // by slot plus one; that of nobody is infinite
  size_t leaves_ = 0;           // power of two
  size_t ready_ = 0;
  double virtual_time_ = 0;  // V
  double weights_ = 0;       // of those that are ready
};

}  // namespace wavepost
