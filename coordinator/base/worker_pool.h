// A few threads for work that may wait for the disk, with a bounded queue in front.
//
// Threads: Post and Stop may be called from any thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace wavepost {

class WorkerPool {
 public:
  using Work = std::function<void()>;

  WorkerPool(size_t threads, size_t waiting_max);
  ~WorkerPool();  // as Stop()

  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // False, and nothing happens, if waiting_max pieces of work wait already or the pool was stopped.
  [[nodiscard]] bool Post(Work work);

  // Runs what waits, then ends the threads. Idempotent. Not from a worker.
  void Stop();

 private:
  void Run();

  const size_t waiting_max_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Work> waiting_;  // guarded by mutex_
  bool stopping_ = false;     // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace wavepost
