#include "sender/delivery/lane.h"

#include <gtest/gtest.h>

namespace wavepost {
namespace {

const LaneKey kKey = {.egress_ip = "127.0.0.1", .domain = "a.test", .wave = 1};

QueueItem Item(int64_t due_ms, uint32_t index) {
  return {.lane = kKey, .due_ms = due_ms, .id = {1, index}, .entry = {}};
}

QueueStore::LanePage Page(std::vector<QueueItem> items, std::optional<int64_t> next_due_ms) {
  return {.items = std::move(items), .next_due_ms = next_due_ms};
}

TEST(LaneTest, TakesInOrderAndEndsEmpty) {
  Lane lane(kKey);
  EXPECT_TRUE(lane.empty());
  lane.OnAdded(5);
  EXPECT_FALSE(lane.WantsPage(4));
  ASSERT_TRUE(lane.WantsPage(5));
  lane.OnPage(Page({Item(5, 1), Item(5, 2)}, std::nullopt));
  EXPECT_FALSE(lane.WantsPage(100));
  EXPECT_EQ(lane.Take()->id.index, 1u);
  EXPECT_EQ(lane.Take()->id.index, 2u);
  EXPECT_FALSE(lane.Take().has_value());
  EXPECT_FALSE(lane.empty()) << "two are in delivery";
  lane.OnSettled({1, 1});
  lane.OnSettled({1, 2});
  EXPECT_TRUE(lane.empty());
}

TEST(LaneTest, ReadsOnFromTheCursor) {
  Lane lane(kKey);
  lane.OnAdded(5);
  lane.OnPage(Page({Item(5, 1), Item(6, 2)}, 7));
  ASSERT_NE(lane.cursor(), nullptr);
  EXPECT_EQ(lane.cursor()->due_ms, 6);
  EXPECT_EQ(lane.next_due_ms(), 7);
}

TEST(LaneTest, AnEntryBeforeTheCursorIsNotMissedAndNothingIsTakenTwice) {
  Lane lane(kKey);
  lane.OnAdded(5);
  lane.OnPage(Page({Item(5, 10), Item(5, 11)}, std::nullopt));
  EXPECT_EQ(lane.Take()->id.index, 10u);
  lane.OnAdded(5);  // another batch of the same millisecond, with smaller ids
  EXPECT_EQ(lane.cursor(), nullptr);
  ASSERT_TRUE(lane.WantsPage(5));
  lane.OnPage(Page({Item(5, 3), Item(5, 10), Item(5, 11)}, std::nullopt));
  EXPECT_EQ(lane.Take()->id.index, 11u);
  EXPECT_EQ(lane.Take()->id.index, 3u);
  EXPECT_FALSE(lane.Take().has_value());
}

TEST(LaneTest, ADeferredEntryComesBackWhenDue) {
  Lane lane(kKey);
  lane.OnAdded(5);
  lane.OnPage(Page({Item(5, 1)}, std::nullopt));
  lane.Take();
  lane.OnSettled({1, 1});
  lane.OnAdded(300);
  EXPECT_EQ(lane.next_due_ms(), 300);
  EXPECT_FALSE(lane.WantsPage(299));
  ASSERT_TRUE(lane.WantsPage(300));
  lane.OnPage(Page({Item(300, 1)}, std::nullopt));
  EXPECT_EQ(lane.Take()->due_ms, 300);
}

TEST(LaneTest, RereadsWhatMayBeGoneButNotWhatIsInDelivery) {
  Lane lane(kKey);
  lane.OnAdded(5);
  lane.OnPage(Page({Item(5, 1), Item(5, 2), Item(5, 3)}, std::nullopt));
  lane.Take();
  lane.Reread(9);
  EXPECT_EQ(lane.ready(), 0u);
  ASSERT_TRUE(lane.WantsPage(9));
  EXPECT_EQ(lane.cursor(), nullptr);
  EXPECT_EQ(lane.OnPage(Page({Item(5, 1), Item(5, 3)}, std::nullopt)), 1u);
  EXPECT_EQ(lane.Take()->id.index, 3u);
}

TEST(LaneTest, PutBackIsFirstInLine) {
  Lane lane(kKey);
  lane.OnAdded(5);
  lane.OnPage(Page({Item(5, 1), Item(5, 2)}, std::nullopt));
  lane.PutBack(*lane.Take());
  EXPECT_EQ(lane.Take()->id.index, 1u);
}

}  // namespace
}  // namespace wavepost
