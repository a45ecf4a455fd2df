// One thread that owns state: others post work to it, and it runs that work in order.
//
// Threads: Post, After and Stop may be called from any thread; the functions run on the event thread, one at a time.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/time/time.h"

namespace wavepost {

class EventThread {
 public:
  using Work = std::function<void()>;

  EventThread();
  ~EventThread();  // as Stop()

  EventThread(const EventThread&) = delete;
  EventThread& operator=(const EventThread&) = delete;

  // Runs `work` after everything that was posted before. After Stop it is dropped. Never blocks: what posts here is
  // bounded by its own window (messages in flight per stream, one wake-up at a time), so the queue needs no limit.
  void Post(Work work);

  // Runs `work` once, not before `delay` has passed. Dropped by Stop.
  void After(absl::Duration delay, Work work);

  // Runs what was posted, drops what waits for its time, ends the thread. Idempotent. Not from the event thread.
  void Stop();

  bool IsCurrent() const;

 private:
  using Time = std::chrono::steady_clock::time_point;

  void Run();

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Work> posted_;          // guarded by mutex_
  std::multimap<Time, Work> timed_;  // guarded by mutex_
  bool stopping_ = false;            // guarded by mutex_
  std::thread thread_;
};

}  // namespace wavepost
