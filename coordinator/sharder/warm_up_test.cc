#include "coordinator/sharder/warm_up.h"

#include <gtest/gtest.h>

#include <string>

namespace wavepost {
namespace {

constexpr int64_t kDay = 20'000;

v1::WarmUp Schedule() {
  v1::WarmUp warm_up;
  warm_up.mutable_start_time()->set_seconds(kDay * 86400 + 7);
  for (const int64_t cap : {200, 500, 1000}) warm_up.add_daily_caps(cap);
  return warm_up;
}

TEST(WarmUpTest, CapOfTheDay) {
  EXPECT_EQ(CapOf(Schedule(), kDay - 1), 0);
  EXPECT_EQ(CapOf(Schedule(), kDay), 200);
  EXPECT_EQ(CapOf(Schedule(), kDay + 2), 1000);
  EXPECT_EQ(CapOf(Schedule(), kDay + 3), kNoCap);
  EXPECT_EQ(DayOf(absl::FromUnixSeconds(86400 * 3 - 1)), 2);
}

TEST(WarmUpBookTest, CountsPerDomainAndIpAndDay) {
  WarmUpBook book;
  EXPECT_TRUE(book.StartDay(kDay));
  EXPECT_FALSE(book.StartDay(kDay));
  EXPECT_TRUE(book.Take("a", "x.example", 2));
  EXPECT_TRUE(book.Take("a", "x.example", 2));
  EXPECT_FALSE(book.Take("a", "x.example", 2));
  EXPECT_TRUE(book.Take("a", "y.example", 2));
  EXPECT_TRUE(book.Take("b", "x.example", 2));
  EXPECT_TRUE(book.Take("b", "x.example", kNoCap));
  EXPECT_FALSE(book.Take("c", "x.example", 0));
  const auto changed = book.Changed();
  ASSERT_EQ(changed.size(), 3u);
  EXPECT_EQ(changed[0].egress_ip, "a");
  EXPECT_EQ(changed[0].domain, "x.example");
  EXPECT_EQ(changed[0].recipients, 2);
  EXPECT_TRUE(book.StartDay(kDay + 1));
  EXPECT_TRUE(book.Take("a", "x.example", 2));
}

TEST(WarmUpBookTest, APlanThatWasRefusedCountsNothing) {
  WarmUpBook book;
  book.StartDay(kDay);
  book.Load("a", "x.example", 3);
  EXPECT_TRUE(book.Take("a", "x.example", 5));
  book.Commit();
  EXPECT_TRUE(book.Take("a", "x.example", 5));
  EXPECT_FALSE(book.Take("a", "x.example", 5));
  book.Rollback();
  EXPECT_TRUE(book.Changed().empty());
  EXPECT_TRUE(book.Take("a", "x.example", 5));
  EXPECT_FALSE(book.Take("a", "x.example", 5));
}

TEST(WarmUpBookTest, MemoryIsBounded) {
  WarmUpBook book;
  book.StartDay(kDay);
  for (size_t i = 0; i < WarmUpBook::kEntriesMax + 10; ++i) book.Take("a", std::to_string(i), 1);
  EXPECT_EQ(book.Changed().size(), WarmUpBook::kEntriesMax);
}

}  // namespace
}  // namespace wavepost
