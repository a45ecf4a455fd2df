// The shaper in a closed loop against modelled receivers, in virtual time. The figures of README.md come from here:
// --gtest_output=xml:FILE writes them down.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <ostream>
#include <string>

#include "absl/time/time.h"
#include "sender/shaping/shaper.h"
#include "sender/shaping/testing/loop.h"
#include "sender/sites/limits.h"

namespace wavepost {
namespace {

using testing::BlockingReceiver;
using testing::BucketReceiver;
using testing::ConnectionsReceiver;
using testing::Loop;
using testing::LoopFigures;
using testing::LoopOptions;
using testing::MinuteReceiver;

const absl::Time kStart = absl::FromUnixSeconds(1'000'000);

// Receivers here are asked for more than a connection rate of 100 a minute can carry.
LoopOptions Options(int connections, absl::Duration latency = absl::Milliseconds(200), uint64_t seed = 1) {
  LoopOptions options;
  options.limits.connections = connections;
  options.limits.connections_per_minute = 1000;
  options.latency = latency;
  options.seed = seed;
  return options;
}

struct RateRow {
  std::string name;
  double rate;
  double burst;
  int connections;
  absl::Duration latency;
  // Slow receivers are asked less often, so that what it costs stays within 1 %: everything takes so much longer.
  int longer = 1;
};

void PrintTo(const RateRow& row, std::ostream* out) {
  *out << row.name;
}

class ShaperRateTest : public ::testing::TestWithParam<RateRow> {};

void Record(const std::string& what, const LoopFigures& figures) {
  ::testing::Test::RecordProperty(what + "_utilisation", std::to_string(figures.utilisation));
  ::testing::Test::RecordProperty(what + "_wasted", std::to_string(figures.wasted));
}

TEST_P(ShaperRateTest, FindsTheRateFollowsItDownAndFindsItAgain) {
  const RateRow& row = GetParam();
  for (const uint64_t seed : {1, 2, 3}) {
    SCOPED_TRACE(seed);
    const auto at = [&](int minutes) { return absl::Minutes(minutes) * row.longer; };
    BucketReceiver receiver(kStart, {{at(0), row.rate}, {at(60), row.rate / 2}, {at(100), row.rate}}, row.burst);
    Loop loop(Options(row.connections, row.latency, seed), &receiver, kStart);
    const LoopFigures start = loop.RunUntil(kStart + at(15));
    EXPECT_GE(start.utilisation, 0.70) << "first quarter of an hour";
    const LoopFigures steady = loop.RunUntil(kStart + at(60));
    EXPECT_GE(steady.utilisation, 0.93);
    EXPECT_LE(steady.wasted, 0.01);
    EXPECT_GT(steady.refused, 0) << "never asked for more";
    const LoopFigures halving = loop.RunUntil(kStart + at(65));
    EXPECT_LE(halving.wasted, 0.06) << "while it was halved";
    const LoopFigures halved = loop.RunUntil(kStart + at(100));
    EXPECT_GE(halved.utilisation, 0.93) << "halved";
    EXPECT_LE(halved.wasted, 0.01) << "halved";
    loop.RunUntil(kStart + at(110));
    const LoopFigures again = loop.RunUntil(kStart + at(140));
    EXPECT_GE(again.utilisation, 0.93) << "back again";
    EXPECT_LE(again.wasted, 0.01) << "back again";
    if (seed == 1) {
      Record("start", start);
      Record("steady", steady);
      Record("halving", halving);
      Record("halved", halved);
      Record("again", again);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Receivers, ShaperRateTest,
                         ::testing::Values(RateRow{"HalfPerSecondSmallBurst", 0.5, 3, 5, absl::Milliseconds(200), 8},
                                           RateRow{"HalfPerSecondBurst", 0.5, 10, 20, absl::Milliseconds(500), 8},
                                           RateRow{"OnePerSecond", 1, 5, 10, absl::Milliseconds(200), 4},
                                           RateRow{"TwoPerSecondTinyBurst", 2, 2, 10, absl::Milliseconds(200), 2},
                                           RateRow{"FivePerSecondBurst", 5, 25, 10, absl::Milliseconds(200)},
                                           RateRow{"FivePerSecondQuickReplies", 5, 5, 10, absl::Milliseconds(20)},
                                           RateRow{"TenPerSecondFewConnections", 10, 10, 5, absl::Milliseconds(200)},
                                           RateRow{"TwentyPerSecondBurst", 20, 100, 20, absl::Milliseconds(200)},
                                           RateRow{"TwentyPerSecondSmallBurst", 20, 10, 20, absl::Milliseconds(600)},
                                           RateRow{"FiftyPerSecond", 50, 100, 20, absl::Milliseconds(200)},
                                           RateRow{"HundredPerSecond", 100, 100, 20, absl::Milliseconds(100)},
                                           RateRow{"TwoHundredPerSecondBurst", 200, 1000, 20, absl::Milliseconds(50)},
                                           RateRow{"TwoHundredPerSecondSlowReplies", 200, 400, 60,
                                                   absl::Milliseconds(200)}),
                         [](const auto& param_info) { return param_info.param.name; });

TEST(ShaperLoopTest, OneBurstOfRefusalsIsOneCut) {
  // 20 connections at 500 ms: many refusals come in together.
  BucketReceiver receiver(kStart, {{absl::ZeroDuration(), 10}}, 200);
  Loop loop(Options(20, absl::Milliseconds(500)), &receiver, kStart);
  while (loop.shaper().messages_per_second() == SiteLimits::kUnlimited) loop.RunUntil(loop.now() + absl::Seconds(1));
  const double after_first = loop.shaper().messages_per_second();
  loop.RunUntil(loop.now() + absl::Seconds(3));
  EXPECT_EQ(loop.shaper().messages_per_second(), after_first);
}

class ShaperConnectionsTest : public ::testing::TestWithParam<int> {};

TEST_P(ShaperConnectionsTest, StaysWithinTheLimitAndAsksNowAndThen) {
  for (const uint64_t seed : {1, 2}) {
    const LoopOptions options = Options(20, absl::Milliseconds(200), seed);
    ConnectionsReceiver receiver(GetParam(), options.latency, Throttle::kConnections);
    Loop loop(options, &receiver, kStart);
    EXPECT_GE(loop.RunUntil(kStart + absl::Minutes(5)).utilisation, 0.80);
    const LoopFigures figures = loop.RunUntil(kStart + absl::Hours(2));
    Record("steady", figures);
    EXPECT_GE(figures.utilisation, 0.95);
    EXPECT_LE(figures.wasted, 0.001);
    EXPECT_GT(figures.refused_connections, 0) << "never asked for more";
    EXPECT_LE(figures.refused_connections, 10);
    EXPECT_EQ(loop.shaper().messages_per_second(), SiteLimits::kUnlimited) << "blamed the rate";
  }
}

INSTANTIATE_TEST_SUITE_P(Limits, ShaperConnectionsTest, ::testing::Values(1, 2, 3, 5, 10, 19));

TEST(ShaperLoopTest, MoreConnectionsAreFoundAgain) {
  const LoopOptions options = Options(20);
  ConnectionsReceiver few(4, options.latency, Throttle::kConnections);
  Loop loop(options, &few, kStart);
  loop.RunUntil(kStart + absl::Minutes(20));
  EXPECT_EQ(loop.shaper().ConnectionsAllowed(loop.now()), 4);
  few.SetConnections(12);
  loop.RunUntil(kStart + absl::Minutes(120));
  EXPECT_EQ(loop.shaper().ConnectionsAllowed(loop.now()), 12);
}

TEST(ShaperLoopTest, A421AtConnectThatIsTakenForTheRateStopsNobody) {
  // Whoever reports it wrongly gets less, but neither a stand-still nor a storm.
  const LoopOptions options = Options(20);
  ConnectionsReceiver receiver(10, options.latency, Throttle::kRate);
  Loop loop(options, &receiver, kStart);
  loop.RunUntil(kStart + absl::Minutes(10));
  const LoopFigures figures = loop.RunUntil(kStart + absl::Hours(2));
  Record("steady", figures);
  EXPECT_GE(figures.utilisation, 0.05);
  EXPECT_LE(figures.wasted, 0.02);
}

struct BlockRow {
  std::string name;
  double rate;
  double burst;
  Throttle kind;
};

void PrintTo(const BlockRow& row, std::ostream* out) {
  *out << row.name;
}

class ShaperBlockTest : public ::testing::TestWithParam<BlockRow> {};

TEST_P(ShaperBlockTest, LearnsNotToTouchAReceiverThatBlocksForTenMinutes) {
  const BlockRow& row = GetParam();
  BlockingReceiver receiver(kStart, row.rate, row.burst, absl::Minutes(10), row.kind);
  Loop loop(Options(10), &receiver, kStart);
  loop.RunUntil(kStart + absl::Hours(4));
  EXPECT_LE(receiver.blocks(), 8) << "until it was understood";
  const int learning = receiver.blocks();
  const LoopFigures figures = loop.RunUntil(kStart + absl::Hours(24));
  Record("steady", figures);
  RecordProperty("blocks_4h", learning);
  RecordProperty("blocks_20h", receiver.blocks() - learning);
  EXPECT_GE(figures.utilisation, 0.6);
  EXPECT_LE(figures.wasted, 0.01);
  EXPECT_LE(receiver.blocks() - learning, 6) << "a question in hours, not in minutes";
}

INSTANTIATE_TEST_SUITE_P(Receivers, ShaperBlockTest,
                         ::testing::Values(BlockRow{"SlowSaidAsRate", 1, 2, Throttle::kRate},
                                           BlockRow{"SlowBurstSaidAsRate", 1, 10, Throttle::kRate},
                                           BlockRow{"SlowSaidAsPause", 1, 2, Throttle::kPause},
                                           BlockRow{"QuickSaidAsRate", 20, 40, Throttle::kRate},
                                           BlockRow{"QuickSaidAsPause", 20, 40, Throttle::kPause},
                                           BlockRow{"QuickBurstSaidAsPause", 20, 200, Throttle::kPause}),
                         [](const auto& param_info) { return param_info.param.name; });

class ShaperMinuteTest : public ::testing::TestWithParam<int> {};

TEST_P(ShaperMinuteTest, AllowancePerMinute) {
  MinuteReceiver receiver(GetParam());
  Loop loop(Options(10), &receiver, kStart);
  loop.RunUntil(kStart + absl::Hours(1));
  const LoopFigures figures = loop.RunUntil(kStart + absl::Hours(4));
  Record("steady", figures);
  EXPECT_GE(figures.utilisation, 0.75);
  EXPECT_LE(figures.wasted, 0.01);
}

INSTANTIATE_TEST_SUITE_P(PerMinute, ShaperMinuteTest, ::testing::Values(10, 60, 600));

TEST(ShaperLoopTest, ARestartIsNoStampede) {
  BucketReceiver receiver(kStart, {{absl::ZeroDuration(), 20}}, 40);
  Loop loop(Options(20), &receiver, kStart);
  loop.RunUntil(kStart + absl::Minutes(20));
  for (int i = 1; i <= 20; ++i) {
    loop.Restart();
    const LoopFigures figures = loop.RunUntil(kStart + absl::Minutes(20 + i));
    EXPECT_LE(figures.wasted, 0.01) << i;
    EXPECT_GE(figures.utilisation, 0.85) << i;
  }
}

TEST(ShaperLoopTest, ARestartRespectsThePauseAndEndsItWithAProbe) {
  BlockingReceiver receiver(kStart, 20, 40, absl::Minutes(10), Throttle::kPause);
  Loop loop(Options(20), &receiver, kStart);
  while (loop.shaper().paused_until() < loop.now()) loop.RunUntil(loop.now() + absl::Seconds(1));
  loop.RunUntil(loop.now() + absl::Seconds(10));
  loop.Restart();
  const absl::Time until = loop.shaper().paused_until();
  ASSERT_GT(until, loop.now());
  EXPECT_EQ(loop.RunUntil(until).connections, 0);
  EXPECT_EQ(loop.RunUntil(until + absl::Seconds(2)).connections, 1) << "the probe";
}

}  // namespace
}  // namespace wavepost
