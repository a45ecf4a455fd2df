#include "common/storage/commit_loop.h"

#include <algorithm>
#include <future>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace wavepost {

CommitLoop::CommitLoop(Sync sync, size_t waiting_max)
    : sync_(std::move(sync)), waiting_max_(waiting_max), thread_([this] { Run(); }) {}

CommitLoop::~CommitLoop() {
  Stop();
}

void CommitLoop::Submit(Apply apply, Done done) {
  absl::Status refused;
  std::unique_lock lock(mutex_);
  if (stopping_) {
    refused = absl::CancelledError("the writer is stopped");
  } else if (waiting_.size() >= waiting_max_) {
    refused = absl::ResourceExhaustedError("the disk is slower than the changes that come in; try again later");
  } else {
    waiting_.push_back({std::move(apply), std::move(done)});
    lock.unlock();
    wake_.notify_one();
    return;
  }
  lock.unlock();
  if (done) done(refused);
}

absl::Status CommitLoop::Commit(Apply apply) {
  auto promise = std::make_shared<std::promise<absl::Status>>();
  std::future<absl::Status> result = promise->get_future();
  Submit(std::move(apply), [promise](absl::Status status) { promise->set_value(std::move(status)); });
  return result.get();
}

void CommitLoop::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

size_t CommitLoop::waiting() const {
  std::lock_guard lock(mutex_);
  return waiting_.size();
}

void CommitLoop::Run() {
  std::vector<Change> group;
  std::vector<absl::Status> results;
  for (;;) {
    group.clear();
    results.clear();
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      const size_t count = std::min(waiting_.size(), kGroupMax);
      for (size_t i = 0; i < count; ++i) {
        group.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
      }
    }
    bool applied = false;
    for (Change& change : group) {
      results.push_back(broken_.ok() ? change.apply() : broken_);
      applied = applied || results.back().ok();
    }
    if (applied) {
      const absl::Status synced = sync_();
      if (!synced.ok()) {
        broken_ = absl::UnavailableError(
            absl::StrCat("the data folder failed and takes no more changes until a restart: ", synced.message()));
        for (absl::Status& result : results) {
          if (result.ok()) result = synced;
        }
      }
    }
    for (size_t i = 0; i < group.size(); ++i) {
      if (group[i].done) group[i].done(results[i]);
      group[i] = {};  // release what the functions hold, in order
    }
  }
}

}  // namespace wavepost
