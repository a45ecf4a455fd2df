// Walks running waves: reads a page of recipients, decides about each, records the plan; then the next wave has its
// turn. Waves of urgent campaigns have theirs before all others.
//
// The place in a wave is the store's: a crash repeats at most the reading of a page. A wave whose pool has no IP waits.
// Threads: Wake and Stop from any thread; everything else happens on a thread of its own, since the store's calls
// block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "coordinator/base/change_wakeup.h"
#include "coordinator/base/event_thread.h"
#include "coordinator/planner/page_planner.h"
#include "coordinator/planner/wave_volumes.h"
#include "coordinator/store/store.h"

namespace wavepost {

// Waves in the order in which they may have the next turn: urgent ones first, and among equals those behind the one
// that had the last. Pure.
std::vector<uint32_t> TurnOrder(const std::vector<WaveToPlan>& waves, uint32_t last);

class Planner {
 public:
  static constexpr size_t kPageMax = 1000;    // recipients planned per turn
  static constexpr int kCountPageMax = 5000;  // recipients counted per turn

  // Both must outlive this. Does nothing before the first Wake.
  Planner(Store* store, const Clock* clock);
  ~Planner();  // as Stop()

  // Something in the store has changed: there may be a wave to plan.
  void Wake() { wakeup_.Notify(); }

  // Finishes the page that is being planned.
  void Stop();

 private:
  struct Work {
    std::string wave;  // its name
    std::string pool;
    std::shared_ptr<WaveVolumes> volumes = std::make_shared<WaveVolumes>();
    std::string count_cursor;
    bool counted = false;
    std::unique_ptr<PagePlanner> pages;
  };

  void Turn();
  // A bounded piece of work for one wave. False: nothing could be done for it now.
  absl::StatusOr<bool> Advance(uint32_t number);
  absl::Status Count(Work* work);

  // The day's counts, as stored, when a day begins.
  absl::Status LoadBook();

  Store* const store_;
  const Clock* const clock_;
  WarmUpBook book_;
  std::map<uint32_t, Work> works_;  // by wave number; only waves that are being planned
  uint32_t last_ = 0;               // the wave that had the last turn
  bool scheduled_ = false;
  EventThread thread_;
  ChangeWakeup wakeup_;
};

}  // namespace wavepost
