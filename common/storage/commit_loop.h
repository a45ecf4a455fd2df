// The group-commit writer: one thread that applies changes in order and makes many of them durable with one sync.
//
// Submit a change and what to do once it is on disk. The thread takes everything that waits (up to kGroupMax), runs
// each `apply` in order of submission, syncs once, then runs each `done` in the same order. While one group syncs, the
// next gathers: under load the cost of a sync is shared by hundreds of changes.
//
// `apply` runs on the commit thread only. So state that is touched by nothing but apply functions needs no lock, and a
// read-modify-write of the database is free of races. `done` also runs there: it must be short, and post elsewhere.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "absl/status/status.h"

namespace wavepost {

class CommitLoop {
 public:
  using Apply = std::function<absl::Status()>;
  using Done = std::function<void(absl::Status)>;
  using Sync = std::function<absl::Status()>;

  static constexpr size_t kGroupMax = 2048;

  // `sync` makes all that was applied durable (Db::Sync). waiting_max bounds the queue.
  explicit CommitLoop(Sync sync, size_t waiting_max = 1 << 16);
  ~CommitLoop();  // as Stop()

  // Any thread. `done` gets OK once the change is on disk; the apply's error if it failed (nothing else of the group is
  // affected); the sync's error if that failed: then the change may or may not survive, and the loop refuses all
  // further changes with kUnavailable, because a log that failed to sync once cannot be trusted to have kept what came
  // before. Refused with kResourceExhausted when waiting_max changes wait, kCancelled after Stop: `done` is then called
  // at once, on the caller's thread. `done` may be null.
  void Submit(Apply apply, Done done);

  // The same, and waits. Not from the commit thread.
  absl::Status Commit(Apply apply);

  // Finishes what waits, then ends the thread. Idempotent.
  void Stop();

  // Changes that wait, for status pages.
  size_t waiting() const;

 private:
  struct Change {
    Apply apply;
    Done done;
  };

  void Run();

  const Sync sync_;
  const size_t waiting_max_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Change> waiting_;  // guarded by mutex_
  bool stopping_ = false;       // guarded by mutex_
  absl::Status broken_;         // commit thread only
  std::thread thread_;
};

}  // namespace wavepost
