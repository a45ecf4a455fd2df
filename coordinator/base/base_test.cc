#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "coordinator/base/event_thread.h"
#include "coordinator/base/log.h"
#include "coordinator/base/worker_pool.h"

namespace wavepost {
namespace {

TEST(EventThreadTest, RunsInOrderAndFinishesWhatWasPosted) {
  std::vector<int> seen;
  EventThread thread;
  for (int i = 0; i < 1000; ++i) thread.Post([&seen, i] { seen.push_back(i); });
  thread.Stop();
  ASSERT_EQ(seen.size(), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(seen[i], i);
}

TEST(EventThreadTest, TimedWorkRunsByDueTimeAndIsDroppedByStop) {
  std::mutex mutex;
  std::condition_variable done;
  std::string order;
  EventThread thread;
  thread.After(absl::Milliseconds(4), [&] {
    const std::lock_guard lock(mutex);
    order += "b";
    done.notify_one();
  });
  thread.After(absl::Milliseconds(1), [&] {
    const std::lock_guard lock(mutex);
    order += "a";
  });
  bool never = false;
  thread.After(absl::Hours(1), [&] { never = true; });
  {
    std::unique_lock lock(mutex);
    done.wait(lock, [&] { return order.size() == 2; });
  }
  thread.Stop();
  EXPECT_EQ(order, "ab");
  EXPECT_FALSE(never);
  thread.Post([&] { never = true; });
  EXPECT_FALSE(never);
}

TEST(WorkerPoolTest, RefusesBeyondItsLimitAndFinishesTheRest) {
  std::mutex gate;
  std::atomic<int> ran = 0;
  gate.lock();
  WorkerPool pool(1, 2);
  std::atomic<bool> started = false;
  ASSERT_TRUE(pool.Post([&] {
    started = true;
    const std::lock_guard lock(gate);
    ++ran;
  }));
  while (!started) std::this_thread::yield();
  EXPECT_TRUE(pool.Post([&] { ++ran; }));
  EXPECT_TRUE(pool.Post([&] { ++ran; }));
  EXPECT_FALSE(pool.Post([&] { ++ran; }));
  gate.unlock();
  pool.Stop();
  EXPECT_EQ(ran, 3);
  EXPECT_FALSE(pool.Post([] {}));
}

TEST(LogTest, QuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(
      LogfmtLine("node_attached", {{"node", "sender-0"}, {"epoch", 3}, {"text", "say \"hi\"\nthere"}, {"empty", ""}}),
      "event=node_attached node=sender-0 epoch=3 text=\"say \\\"hi\\\" there\" empty=\"\"");
}

}  // namespace
}  // namespace wavepost
