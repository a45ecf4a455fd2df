#include "common/dns/ttl_cache.h"

#include <gtest/gtest.h>

#include <string>

namespace wavepost {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1000);

TEST(TtlCache, EntriesDieByTime) {
  TtlCache<int> cache(10);
  cache.Put("a", 1, kStart, absl::Seconds(10));
  EXPECT_EQ(*cache.Find("a", kStart + absl::Seconds(9)), 1);
  EXPECT_EQ(cache.Find("a", kStart + absl::Seconds(10)), nullptr);
  EXPECT_EQ(cache.size(), 0u) << "the dead are removed";
  cache.Put("b", 1, kStart, absl::ZeroDuration());
  cache.Put("c", 1, kStart, -absl::Seconds(1));
  EXPECT_EQ(cache.size(), 0u);
}

TEST(TtlCache, PutReplacesValueAndTime) {
  TtlCache<int> cache(10);
  cache.Put("a", 1, kStart, absl::Seconds(10));
  cache.Put("a", 2, kStart, absl::Seconds(20));
  EXPECT_EQ(cache.size(), 1u);
  EXPECT_EQ(*cache.Find("a", kStart + absl::Seconds(15)), 2);
}

TEST(TtlCache, TheLeastRecentlyUsedGoesFirst) {
  TtlCache<int> cache(2);
  cache.Put("a", 1, kStart, absl::Hours(1));
  cache.Put("b", 2, kStart, absl::Hours(1));
  EXPECT_NE(cache.Find("a", kStart), nullptr);
  cache.Put("c", 3, kStart, absl::Hours(1));
  EXPECT_EQ(cache.Find("b", kStart), nullptr);
  EXPECT_NE(cache.Find("a", kStart), nullptr);
  EXPECT_NE(cache.Find("c", kStart), nullptr);
}

TEST(TtlCache, IsBounded) {
  TtlCache<int> cache(100);
  for (int i = 0; i < 10000; ++i) cache.Put(std::to_string(i), i, kStart, absl::Hours(1));
  EXPECT_EQ(cache.size(), 100u);
  TtlCache<int> none(0);
  none.Put("a", 1, kStart, absl::Hours(1));
  EXPECT_EQ(none.Find("a", kStart), nullptr);
}

}  // namespace
}  // namespace wavepost
