#include "coordinator/dispatch/batch_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "absl/strings/str_cat.h"

namespace wavepost {
namespace {

using testing::ElementsAre;

PendingHead Head(int64_t sequence, const std::string& tenant, uint32_t wave, int64_t recipients = 500,
                 double weight = 1) {
  return {.batch_id = absl::StrCat("b", sequence),
          .sequence = sequence,
          .wave = wave,
          .recipients = recipients,
          .tenant = tenant,
          .weight = weight};
}

PendingHead Urgent(int64_t sequence) {
  PendingHead head = Head(sequence, "x", 99, 1);
  head.urgent = true;
  return head;
}

std::vector<int64_t> Take(BatchQueue& queue, size_t count) {
  std::vector<int64_t> out;
  while (!queue.empty() && out.size() < count) {
    const PendingHead* front = queue.Front();
    const int64_t expected = front->sequence;
    out.push_back(queue.Pop().sequence);
    EXPECT_EQ(out.back(), expected);
  }
  return out;
}

TEST(BatchQueueTest, OneWaveKeepsItsOrder) {
  BatchQueue queue;
  for (const int64_t sequence : {3, 1, 2}) queue.Add(Head(sequence, "a", 1));
  queue.Add(Head(1, "a", 1));  // again
  EXPECT_EQ(queue.size(), 3u);
  EXPECT_THAT(Take(queue, 9), ElementsAre(1, 2, 3));
  EXPECT_EQ(queue.Front(), nullptr);
}

// A million recipients of one tenant were there first.
TEST(BatchQueueTest, ASmallWaveOfAnotherTenantDoesNotStandBehindAMillion) {
  BatchQueue queue;
  for (int64_t i = 1; i <= 2000; ++i) queue.Add(Head(i, "big", 1));
  EXPECT_THAT(Take(queue, 3), ElementsAre(1, 2, 3));
  queue.Add(Head(2001, "small", 2, 300));
  EXPECT_THAT(Take(queue, 3), testing::Contains(2001));
}

TEST(BatchQueueTest, AWaveDoesNotStandBehindAnotherOfItsTenant) {
  BatchQueue queue;
  for (int64_t i = 1; i <= 2000; ++i) queue.Add(Head(i, "big", 1));
  Take(queue, 10);
  queue.Add(Head(2001, "big", 2, 300));
  EXPECT_THAT(Take(queue, 3), testing::Contains(2001));
}

TEST(BatchQueueTest, UrgentGoesBeforeAMillionOfBulk) {
  BatchQueue queue;
  for (int64_t i = 1; i <= 2000; ++i) queue.Add(Head(i, "big", 1));
  Take(queue, 5);
  queue.Add(Urgent(2002));
  queue.Add(Urgent(2001));
  EXPECT_THAT(Take(queue, 3), ElementsAre(2001, 2002, 6));
}

PendingHead UrgentOf(const std::string& tenant, uint32_t wave, int64_t sequence, int64_t recipients) {
  PendingHead head = Head(sequence, tenant, wave, recipients);
  head.urgent = true;
  return head;
}

TEST(BatchQueueTest, UrgentTenantsTakeTurnsToo) {
  BatchQueue queue;
  for (int64_t i = 1; i <= 100; ++i) queue.Add(UrgentOf("big", 1, i, 500));
  Take(queue, 3);
  queue.Add(UrgentOf("small", 2, 200, 1));
  EXPECT_THAT(Take(queue, 2), testing::Contains(200));
  PendingHead next = queue.Pop();
  const int64_t sequence = next.sequence;
  queue.PutBack(std::move(next));
  EXPECT_THAT(Take(queue, 1), ElementsAre(sequence));
}

TEST(BatchQueueTest, BulkHasATurnNowAndThenHoweverMuchIsUrgent) {
  BatchQueue queue;
  for (int64_t i = 1; i <= 100; ++i) queue.Add(UrgentOf("big", 1, i, 500));
  for (int64_t i = 1001; i <= 1002; ++i) queue.Add(Head(i, "bulk", 2));
  for (const int64_t bulk : {1001, 1002}) {
    for (int64_t recipients = 0; recipients < BatchQueue::kUrgentRunMax; recipients += 500) {
      EXPECT_TRUE(queue.Pop().urgent);
    }
    PendingHead head = queue.Pop();
    EXPECT_EQ(head.sequence, bulk);
    queue.PutBack(std::move(head));
    EXPECT_EQ(queue.Pop().sequence, bulk) << "what is put back keeps its turn";
  }
  EXPECT_EQ(Take(queue, 100).size(), 64u) << "no bulk waits";
}

TEST(BatchQueueTest, TenantsShareByWeight) {
  BatchQueue queue;
  for (int64_t i = 0; i < 300; ++i) {
    queue.Add(Head(1000 + i, "one", 1, 500, 1));
    queue.Add(Head(2000 + i, "two", 2, 500, 2));
    // Small batches are no disadvantage: turns are counted in recipients.
    for (int64_t k = 0; k < 10; ++k) queue.Add(Head(10'000 + 10 * i + k, "tiny", 3, 50, 1));
  }
  std::map<std::string, int64_t> recipients;
  for (int64_t sum = 0; sum < 100'000;) {
    const PendingHead head = queue.Pop();
    recipients[head.tenant] += head.recipients;
    sum += head.recipients;
  }
  EXPECT_NEAR(static_cast<double>(recipients["one"]), 25'000, 1000);
  EXPECT_NEAR(static_cast<double>(recipients["two"]), 50'000, 1000);
  EXPECT_NEAR(static_cast<double>(recipients["tiny"]), 25'000, 1000);
}

TEST(BatchQueueTest, WhoWasAwayHasNothingSavedUp) {
  BatchQueue queue;
  for (int64_t i = 1; i <= 1000; ++i) queue.Add(Head(i, "busy", 1));
  queue.Add(Head(5000, "back", 2));
  Take(queue, 500);
  for (int64_t i = 6000; i < 6500; ++i) queue.Add(Head(i, "back", 2));
  std::map<std::string, int> batches;
  for (int i = 0; i < 100; ++i) ++batches[queue.Pop().tenant];
  EXPECT_NEAR(batches["busy"], 50, 2);
}

// One batch at a time, each as soon as the last is gone: no more than its share all the same.
TEST(BatchQueueTest, ComingAndGoingIsNoAdvantage) {
  BatchQueue queue;
  for (int64_t i = 1; i <= 1000; ++i) queue.Add(Head(i, "busy", 1));
  int64_t next = 5000;
  queue.Add(Head(++next, "sly", 2));
  std::map<std::string, int> batches;
  for (int i = 0; i < 600; ++i) {
    const PendingHead head = queue.Pop();
    ++batches[head.tenant];
    if (head.tenant == "sly") queue.Add(Head(++next, "sly", 2));
  }
  EXPECT_NEAR(batches["busy"], 300, 3);
}

TEST(BatchQueueTest, WhatIsPutBackKeepsItsTurn) {
  BatchQueue queue;
  for (int64_t i = 1; i <= 3; ++i) queue.Add(Head(i, "a", 1));
  for (int64_t i = 4; i <= 6; ++i) queue.Add(Head(i, "b", 2));
  PendingHead first = queue.Pop();
  EXPECT_EQ(first.sequence, 1);
  queue.PutBack(std::move(first));
  EXPECT_THAT(Take(queue, 9), ElementsAre(1, 4, 2, 5, 3, 6));
}

TEST(BatchQueueTest, RemoveTakesOutOne) {
  BatchQueue queue;
  queue.Add(Head(1, "a", 1));
  queue.Add(Head(2, "a", 1));
  queue.Add(Urgent(3));
  EXPECT_TRUE(queue.Remove("b1"));
  EXPECT_FALSE(queue.Remove("b1"));
  EXPECT_TRUE(queue.Remove("b3"));
  EXPECT_THAT(Take(queue, 9), ElementsAre(2));
  EXPECT_FALSE(queue.Remove("b2"));
}

}  // namespace
}  // namespace wavepost
