#include "sender/shaping/gcra.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace wavepost {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

// Sends whenever it may, `count` times; returns when the last one went.
absl::Time SendAll(Gcra* gcra, absl::Time now, int count) {
  for (int i = 0; i < count; ++i) {
    now = std::max(now, gcra->Next(now));
    gcra->Take(now);
  }
  return now;
}

struct Row {
  std::string name;
  double per_second;
  double burst;
  int count;
  absl::Duration takes;
};

TEST(GcraTest, SpacesToTheNanosecond) {
  for (const Row& row :
       {Row{"OneInTenSeconds", 0.1, 1, 11, absl::Seconds(100)}, Row{"SevenPerSecond", 7, 1, 8, absl::Seconds(1)},
        Row{"Thousand", 1000, 1, 1001, absl::Seconds(1)}, Row{"BurstOfFive", 1, 5, 15, absl::Seconds(10)},
        Row{"BurstBelowOneIsOne", 2, 0, 3, absl::Seconds(1)},
        Row{"FractionalBurst", 1, 1.5, 3, absl::Milliseconds(1500)},
        Row{"NoLimit", kInfinity, 1, 1000, absl::ZeroDuration()}}) {
    Gcra gcra(row.per_second, row.burst);
    const absl::Duration took = SendAll(&gcra, kStart, row.count) - kStart;
    EXPECT_GE(took, row.takes - absl::Nanoseconds(1)) << row.name;
    EXPECT_LE(took, row.takes + absl::Microseconds(2)) << row.name;
  }
}

TEST(GcraTest, RateZeroLetsNothingThrough) {
  for (const double rate : {0.0, -1.0, 1e-12, -kInfinity, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_EQ(Gcra(rate, 10).Next(kStart), absl::InfiniteFuture()) << rate;
  }
}

TEST(GcraTest, AskingChangesNothing) {
  Gcra gcra(1, 1);
  gcra.Take(kStart);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(gcra.Next(kStart), kStart + absl::Seconds(1));
}

TEST(GcraTest, WhoTakesTooEarlyIsPaidForByThoseWhoFollow) {
  Gcra gcra(1, 1);
  for (int i = 0; i < 3; ++i) gcra.Take(kStart);
  EXPECT_EQ(gcra.Next(kStart), kStart + absl::Seconds(3));
}

TEST(GcraTest, DebtsHaveAnEnd) {
  Gcra gcra(1e-9, 1);
  for (int i = 0; i < 100; ++i) gcra.Take(kStart);
  EXPECT_GT(gcra.Next(kStart), kStart);
  EXPECT_LT(gcra.Next(kStart), absl::InfiniteFuture());
}

TEST(GcraTest, AnotherRateGrantsNoFreshBurst) {
  struct Change {
    std::string name;
    double from, from_burst;
    int used;
    double to, to_burst;
    absl::Duration wait;  // until the next one
  };
  for (const Change& row : {Change{"UsedUpStaysUsedUp", 10, 10, 10, 1, 10, absl::Seconds(1)},
                            Change{"InProportion", 1, 10, 5, 1, 4, absl::ZeroDuration()},
                            Change{"SlowerFromSpacing", 10, 1, 1, 1, 1, absl::Seconds(1)},
                            Change{"QuickerFromSpacing", 1, 1, 1, 10, 1, absl::Milliseconds(100)},
                            Change{"BurstGrows", 1, 2, 2, 1, 100, absl::Seconds(1)},
                            Change{"FromNoLimit", kInfinity, 1, 50, 2, 10, absl::Milliseconds(500)},
                            Change{"FromNoLimitUnused", kInfinity, 1, 0, 2, 10, absl::ZeroDuration()},
                            Change{"FromNothing", 0, 1, 0, 2, 10, absl::Milliseconds(500)},
                            Change{"ToNothing", 5, 1, 0, 0, 1, absl::InfiniteDuration()},
                            Change{"ToNoLimit", 1, 1, 1, kInfinity, 1, absl::ZeroDuration()}}) {
    Gcra gcra(row.from, row.from_burst);
    for (int i = 0; i < row.used; ++i) gcra.Take(kStart);
    gcra.SetRate(row.to, row.to_burst, kStart);
    const absl::Duration wait = std::max(absl::ZeroDuration(), gcra.Next(kStart) - kStart);
    if (row.wait == absl::InfiniteDuration()) {
      EXPECT_EQ(wait, row.wait) << row.name;
    } else {
      EXPECT_NEAR(absl::ToDoubleSeconds(wait), absl::ToDoubleSeconds(row.wait), 1e-6) << row.name;
    }
  }
}

TEST(GcraTest, GoingToAndFroGainsNothing) {
  Gcra gcra(10, 10);
  absl::Time now = SendAll(&gcra, kStart, 10);
  int sent = 0;
  for (int i = 0; i < 1000; ++i) {
    now += absl::Milliseconds(1);
    gcra.SetRate(i % 3 == 0 ? kInfinity : 10, i % 2 == 0 ? 10 : 3, now);
    if (i % 3 != 0 && gcra.Next(now) <= now) {
      gcra.Take(now);
      ++sent;
    }
  }
  EXPECT_LE(sent, 11);
}

// Never more than rate * t + burst within any time t; and whoever always sends when allowed gets all of it.
TEST(GcraTest, PropertyNeverMoreThanRateAndBurst) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const auto uniform = [&](double from, double to) {
      return std::uniform_real_distribution<double>(from, to)(random);
    };
    const double rate = std::exp(uniform(std::log(0.01), std::log(2000)));
    const double burst = std::exp(uniform(0, std::log(50)));
    const bool greedy = seed % 2 == 0;
    Gcra gcra(rate, burst);
    std::vector<double> sent;
    absl::Time now = kStart;
    for (int i = 0; i < 800; ++i) {
      if (!greedy) now += absl::Seconds(uniform(0, 3) / rate * (uniform(0, 1) < 0.02 ? 30 : 0.3));
      now = std::max(now, gcra.Next(now));
      gcra.Take(now);
      sent.push_back(absl::ToDoubleSeconds(now - kStart));
    }
    for (size_t from = 0; from < sent.size(); ++from) {
      for (size_t to = from; to < sent.size(); ++to) {
        ASSERT_LE(static_cast<double>(to - from + 1), rate * (sent[to] - sent[from]) + burst + 1e-4);
      }
    }
    if (greedy) {
      EXPECT_NEAR(sent.back() * rate, 800 - burst, 1.0 + 0.001 * 800);
    }
  }
}

TEST(GcraTest, IsSmall) {
  EXPECT_LE(sizeof(Gcra), 24U);
}

}  // namespace
}  // namespace wavepost
