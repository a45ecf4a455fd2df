#include "sender/shaping/warm_up.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "wavepost/cluster/v1/sender_records.pb.h"

namespace wavepost {
namespace {

const absl::Time kStart = absl::FromCivil(absl::CivilDay(2026, 3, 1), absl::UTCTimeZone());
constexpr absl::Duration kDay = absl::Hours(24);

std::shared_ptr<const WarmUpPlan> Plan(std::vector<int64_t> caps) {
  auto plan = std::make_shared<WarmUpPlan>();
  plan->start = kStart;
  plan->caps = std::move(caps);
  return plan;
}

TEST(WarmUpPlanTest, BuiltInCapsAscend) {
  const std::vector<int64_t>& caps = WarmUpPlan::BuiltInCaps();
  EXPECT_EQ(caps.front(), 200);
  EXPECT_EQ(caps[7], 40000);
  EXPECT_EQ(caps.back(), 1280000);
  EXPECT_TRUE(std::is_sorted(caps.begin(), caps.end()));
}

TEST(WarmUpPlanTest, CapOfTheDay) {
  struct Row {
    std::string name;
    absl::Duration after;
    std::optional<int64_t> cap;
  };
  const auto plan = Plan({200, 500, 1000});
  for (const Row& row :
       {Row{"BeforeTheStart", -absl::Nanoseconds(1), 0}, Row{"FirstInstant", absl::ZeroDuration(), 200},
        Row{"EndOfDayOne", kDay - absl::Nanoseconds(1), 200}, Row{"DayTwo", kDay, 500},
        Row{"DayThree", kDay * 2.5, 1000}, Row{"Warm", kDay * 3, std::nullopt},
        Row{"LongWarm", kDay * 3000, std::nullopt}}) {
    EXPECT_EQ(plan->CapAt(kStart + row.after), row.cap) << row.name;
  }
}

TEST(WarmUpPlanTest, ThroughAt) {
  struct Row {
    std::string name;
    int64_t recipients;
    int64_t sent_today;
    absl::Duration at;
    absl::Duration from, until;  // after the start
  };
  const auto plan = Plan({200, 500, 1000});
  for (const Row& row : {
           Row{"Nobody", 0, 0, absl::Hours(1), absl::Hours(1), absl::Hours(1)},
           Row{"WithinTheBurst", 5, 0, absl::Hours(1), absl::Hours(1), absl::Hours(1)},
           Row{"HalfOfDayOne", 100, 0, absl::ZeroDuration(), absl::Hours(11), absl::Hours(12)},
           Row{"AllOfDayOne", 200, 0, absl::ZeroDuration(), absl::Hours(23), kDay},
           Row{"OneMoreThanDayOne", 201, 0, absl::ZeroDuration(), kDay, kDay},
           Row{"DayOneIsUsedUp", 1, 200, absl::Hours(1), kDay, kDay},
           Row{"MoreThanTheCapWasSent", 1, 900, absl::Hours(1), kDay, kDay},
           Row{"IntoDayThree", 200 + 500 + 500, 0, absl::ZeroDuration(), kDay * 2.45, kDay * 2.5},
           Row{"ThenWarm", 200 + 500 + 1000 + 1, 0, absl::ZeroDuration(), kDay * 3, kDay * 3},
           Row{"MillionsAreThroughOnceWarm", 1'000'000'000, 0, absl::ZeroDuration(), kDay * 3, kDay * 3},
           Row{"Warm", 1'000'000, 0, kDay * 10, kDay * 10, kDay * 10},
           Row{"BeforeTheStart", 100, 0, -kDay * 5, absl::Hours(11), absl::Hours(12)},
           // At most three times the even pace: an hour before midnight 25 of 200 are left to go, and the burst.
           Row{"LateInTheDay", 30, 0, absl::Hours(23), absl::Hours(23.9), kDay},
           Row{"TooLateInTheDay", 40, 0, absl::Hours(23), kDay, kDay + absl::Hours(1)},
       }) {
    const absl::Time through = plan->ThroughAt(row.recipients, row.sent_today, kStart + row.at);
    EXPECT_GE(through, kStart + row.from) << row.name;
    EXPECT_LE(through, kStart + row.until) << row.name;
  }
}

// Sends whenever it may; returns when the last one went.
absl::Time SendAll(WarmUpMeter* meter, absl::Time now, int64_t count, std::vector<absl::Time>* times = nullptr) {
  for (int64_t i = 0; i < count; ++i) {
    absl::Time next = meter->NextMessage(now);
    while (next > now) {
      now = next;
      next = meter->NextMessage(now);
    }
    meter->OnSending(now);
    if (times != nullptr) times->push_back(now);
  }
  return now;
}

TEST(WarmUpMeterTest, TheForecastIsWhatHappens) {
  for (const int64_t count : {3, 50, 199, 200, 201, 700, 701, 3000, 3700}) {
    for (const absl::Duration at : {absl::ZeroDuration(), absl::Hours(9.5), absl::Hours(22), absl::Hours(30)}) {
      const auto plan = Plan({200, 500, 1000, 2000});
      WarmUpMeter meter(plan, {});
      const absl::Time through = SendAll(&meter, kStart + at, count);
      EXPECT_NEAR(absl::ToDoubleMinutes(through - kStart),
                  absl::ToDoubleMinutes(plan->ThroughAt(count, 0, kStart + at) - kStart), 10)
          << count << " from " << at;
    }
  }
}

TEST(WarmUpMeterTest, ADayIsSpreadEvenlyAndUsedUp) {
  WarmUpMeter meter(Plan({200, 5000}), {});
  std::vector<absl::Time> times;
  SendAll(&meter, kStart, 5200, &times);
  std::vector<int> hours(48);
  for (const absl::Time time : times) ++hours[static_cast<size_t>(absl::ToInt64Hours(time - kStart))];
  for (int hour = 0; hour < 24; ++hour) EXPECT_NEAR(hours[hour], 200 / 24.0, 6) << hour;
  for (int hour = 24; hour < 48; ++hour) EXPECT_NEAR(hours[hour], 5000 / 24.0, 55) << hour;
  EXPECT_LE(times[199], kStart + kDay) << "the cap of day one left on day one";
  EXPECT_GE(times[200], kStart + kDay);
}

TEST(WarmUpMeterTest, NeverMoreThanTheCapWhateverTheTraffic) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    const auto plan = Plan({20, 50, 100, 400});
    WarmUpMeter meter(plan, {});
    std::vector<int64_t> days(4);
    absl::Time now = kStart - absl::Hours(3);
    while (now < kStart + kDay * 4) {
      if (meter.NextMessage(now) <= now) {
        EXPECT_GE(now, kStart);
        ++days[static_cast<size_t>(absl::ToInt64Hours(now - kStart) / 24)];
        meter.OnSending(now);
      }
      // Restarts are part of the traffic.
      if (random() % 50 == 0) meter = WarmUpMeter(plan, meter.State(now));
      now += absl::Seconds(std::uniform_int_distribution<int>(0, seed % 2 == 0 ? 300 : 3600)(random));
    }
    for (size_t day = 0; day < 4; ++day) EXPECT_LE(days[day], plan->caps[day]) << seed;
    EXPECT_GT(days[3], 0);
  }
}

TEST(WarmUpMeterTest, LateTrafficDoesNotBurstBeforeMidnight) {
  WarmUpMeter meter(Plan({40000, 80000}), {});
  std::vector<absl::Time> times;
  SendAll(&meter, kStart + absl::Hours(23), 10000, &times);
  const auto today = std::count_if(times.begin(), times.end(), [](absl::Time t) { return t < kStart + kDay; });
  EXPECT_NEAR(static_cast<double>(today), 40000 / 8.0 + 400, 10);
}

TEST(WarmUpMeterTest, ARestartRemembersTheDay) {
  const auto plan = Plan({200, 500});
  WarmUpMeter meter(plan, {});
  const absl::Time now = SendAll(&meter, kStart, 200);
  WarmUpMeter again(plan, meter.State(now));
  EXPECT_EQ(again.sent(now), 200);
  EXPECT_EQ(again.NextMessage(now), kStart + kDay);
  EXPECT_EQ(again.sent(kStart + kDay), 0) << "a new day";
  EXPECT_LE(again.NextMessage(kStart + kDay), kStart + kDay);
}

TEST(WarmUpMeterTest, WarmIsNoLimit) {
  WarmUpMeter meter(Plan({200}), {});
  const absl::Time now = kStart + kDay;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_LE(meter.NextMessage(now), now);
    meter.OnSending(now);
  }
  EXPECT_EQ(meter.cap(now), std::nullopt);
}

TEST(WarmUpMeterTest, StateOfOtherTimes) {
  cluster::v1::WarmUpState state;
  state.set_day(-5);
  state.set_sent(-100);
  WarmUpMeter meter(Plan({200}), state);
  EXPECT_EQ(meter.sent(kStart), 0);
  EXPECT_EQ(meter.NextMessage(kStart - kDay), kStart);
  EXPECT_LE(meter.NextMessage(kStart), kStart);
}

}  // namespace
}  // namespace wavepost
