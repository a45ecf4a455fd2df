#include "common/storage/commit_loop.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <memory>
#include <vector>

namespace wavepost {
namespace {

TEST(CommitLoopTest, DoneComesAfterTheSync) {
  int synced = 0;
  int applied = 0;
  CommitLoop loop([&] { return synced = applied, absl::OkStatus(); });
  EXPECT_TRUE(loop.Commit([&] { return ++applied, absl::OkStatus(); }).ok());
  EXPECT_EQ(synced, 1);
}

TEST(CommitLoopTest, ManyChangesShareASyncAndKeepTheirOrder) {
  std::latch entered(1), release(1);
  std::atomic<int> syncs = 0;
  bool first = true;
  CommitLoop loop([&] {
    if (std::exchange(first, false)) {
      entered.count_down();
      release.wait();
    }
    ++syncs;
    return absl::OkStatus();
  });
  std::vector<int> order;
  loop.Submit([] { return absl::OkStatus(); }, nullptr);
  entered.wait();  // the first group is syncing; the next one gathers
  for (int i = 0; i < 100; ++i) {
    loop.Submit([&order, i] { return order.push_back(i), absl::OkStatus(); }, nullptr);
  }
  release.count_down();
  loop.Stop();
  EXPECT_EQ(syncs, 2);
  ASSERT_EQ(order.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[i], i);
}

TEST(CommitLoopTest, AFailedApplyHurtsNobodyElse) {
  CommitLoop loop([] { return absl::OkStatus(); });
  EXPECT_EQ(loop.Commit([] { return absl::NotFoundError("x"); }).code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(loop.Commit([] { return absl::OkStatus(); }).ok());
}

TEST(CommitLoopTest, AFailedSyncIsFinal) {
  CommitLoop loop([] { return absl::DataLossError("disk gone"); });
  EXPECT_EQ(loop.Commit([] { return absl::OkStatus(); }).code(), absl::StatusCode::kDataLoss);
  bool ran = false;
  EXPECT_EQ(loop.Commit([&] { return ran = true, absl::OkStatus(); }).code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(ran);
}

TEST(CommitLoopTest, RefusesWhenFullAndAfterStop) {
  std::latch entered(1), release(1);
  CommitLoop loop([] { return absl::OkStatus(); }, /*waiting_max=*/1);
  loop.Submit(
      [&] {
        entered.count_down();
        release.wait();
        return absl::OkStatus();
      },
      nullptr);
  entered.wait();
  absl::Status waits = absl::UnknownError("not called"), refused;
  loop.Submit([] { return absl::OkStatus(); }, [&](absl::Status s) { waits = s; });
  loop.Submit([] { return absl::OkStatus(); }, [&](absl::Status s) { refused = s; });
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  release.count_down();
  loop.Stop();
  EXPECT_TRUE(waits.ok());
  EXPECT_EQ(loop.Commit([] { return absl::OkStatus(); }).code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace wavepost
