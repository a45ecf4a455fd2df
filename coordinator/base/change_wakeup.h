// Turns any number of notifications into one call on an event thread: while a call waits, more change nothing.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <utility>

#include "coordinator/base/event_thread.h"

namespace wavepost {

class ChangeWakeup {
 public:
  // `call` runs on `thread`, which must outlive the last Notify.
  ChangeWakeup(EventThread* thread, std::function<void()> call)
      : thread_(thread), state_(std::make_shared<State>(std::move(call))) {}

  // Any thread; cheap.
  void Notify() {
    if (state_->waiting.exchange(true)) return;
    thread_->Post([state = state_] {
      state->waiting = false;  // before the call: what changes during it must not be missed
      state->call();
    });
  }

 private:
  struct State {
    explicit State(std::function<void()> c) : call(std::move(c)) {}
    std::atomic<bool> waiting = false;
    const std::function<void()> call;
  };

  EventThread* const thread_;
  const std::shared_ptr<State> state_;
};

}  // namespace wavepost
