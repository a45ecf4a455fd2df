// The long-lived streams of the public API (imports, watches, followers): told when the store has changed, ended at the
// stop.
//
// Threads: OnStoreChange and Shutdown from any thread; everything else on the thread given to the constructor.
#pragma once

#include <cstddef>
#include <memory>
#include <set>

#include "coordinator/base/change_wakeup.h"
#include "coordinator/base/event_thread.h"

namespace wavepost {

class LiveStream {
 public:
  virtual ~LiveStream() = default;
  // Something in the store is new.
  virtual void OnStoreChange() {}
  // The coordinator is stopping: finish what is under way, then end.
  virtual void OnShutdown() = 0;
};

class LiveStreams {
 public:
  static constexpr size_t kStreamsMax = 2000;

  explicit LiveStreams(EventThread* thread);

  void OnStoreChange() { wakeup_.Notify(); }
  void Shutdown();

  // False if there are kStreamsMax already, or the coordinator is stopping.
  [[nodiscard]] bool Add(std::shared_ptr<LiveStream> stream);
  void Remove(const std::shared_ptr<LiveStream>& stream);

 private:
  EventThread* const thread_;
  std::set<std::shared_ptr<LiveStream>> streams_;
  bool stopping_ = false;
  ChangeWakeup wakeup_;
};

}  // namespace wavepost
