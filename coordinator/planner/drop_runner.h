// Carries out drops that are under way, page by page, until none is left. The place is the store's: a crash repeats
// nothing.
//
// Threads: Wake and Stop from any thread; the work happens on a thread of its own, since the store's calls block.
#pragma once

#include "coordinator/base/change_wakeup.h"
#include "coordinator/base/event_thread.h"
#include "coordinator/store/store.h"

namespace wavepost {

class DropRunner {
 public:
  // `store` must outlive this. Does nothing before the first Wake.
  explicit DropRunner(Store* store) : store_(store), wakeup_(&thread_, [this] { Turn(); }) {}
  ~DropRunner() { Stop(); }

  // Something in the store has changed: there may be a drop.
  void Wake() { wakeup_.Notify(); }
  // Finishes the page under way.
  void Stop() { thread_.Stop(); }

 private:
  void Turn();

  Store* const store_;
  bool scheduled_ = false;
  EventThread thread_;
  ChangeWakeup wakeup_;
};

}  // namespace wavepost
