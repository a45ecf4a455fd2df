#include "coordinator/base/event_thread.h"

#include <chrono>

namespace wavepost {

EventThread::EventThread() : thread_([this] { Run(); }) {}

EventThread::~EventThread() {
  Stop();
}

void EventThread::Post(Work work) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    posted_.push_back(std::move(work));
    if (posted_.size() > 1) return;  // the thread is awake, or was woken for the first one
  }
  wake_.notify_one();
}

void EventThread::After(absl::Duration delay, Work work) {
  const Time due = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(delay);
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    timed_.emplace(due, std::move(work));
  }
  wake_.notify_one();
}

void EventThread::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

bool EventThread::IsCurrent() const {
  return std::this_thread::get_id() == thread_.get_id();
}

void EventThread::Run() {
  std::unique_lock lock(mutex_);
  std::deque<Work> batch;
  while (true) {
    const Time now = std::chrono::steady_clock::now();
    while (!timed_.empty() && timed_.begin()->first <= now && !stopping_) {
      posted_.push_back(std::move(timed_.begin()->second));
      timed_.erase(timed_.begin());
    }
    if (posted_.empty()) {
      if (stopping_) return;
      if (timed_.empty()) {
        wake_.wait(lock);
      } else {
        const Time due = timed_.begin()->first;
        wake_.wait_until(lock, due);
      }
      continue;
    }
    batch.swap(posted_);
    lock.unlock();
    for (Work& work : batch) {
      work();
      work = nullptr;  // its captures die on this thread, before the next piece of work
    }
    batch.clear();
    lock.lock();
  }
}

}  // namespace wavepost
