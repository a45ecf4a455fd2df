#include "sender/shaping/shaper.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "sender/sites/limits.h"
#include "wavepost/cluster/v1/sender_records.pb.h"
#include "wavepost/v1/outcomes.pb.h"

namespace wavepost {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);
constexpr double kUnlimited = SiteLimits::kUnlimited;

// Sends for `duration`, as fast as the shaper allows but at most `per_second`; all is accepted.
absl::Time Succeed(Shaper* shaper, absl::Time now, absl::Duration duration, double per_second, int connections = 10) {
  const absl::Time end = now + duration;
  while (true) {
    now = std::max(now + absl::Seconds(1 / per_second), shaper->NextMessage(now));
    if (now >= end) return end;
    shaper->OnSending(now);
    shaper->OnSuccess(now, std::min(connections, shaper->ConnectionsAllowed(now)));
  }
}

// One that has been throttled at 50 messages a second.
std::pair<Shaper, absl::Time> Throttled(double scale = 1) {
  Shaper shaper(SiteLimits{}, scale);
  const absl::Time now = Succeed(&shaper, kStart, absl::Minutes(1), 50);
  shaper.OnThrottled(now, Throttle::kRate, std::nullopt, 10, 0);
  return {std::move(shaper), now};
}

TEST(ShaperTest, StartsAtTheLimits) {
  const Shaper shaper(SiteLimits{.connections = 7, .messages_per_second = 0.5}, 1);
  EXPECT_EQ(shaper.ConnectionsAllowed(kStart), 7);
  EXPECT_LE(shaper.NextConnection(kStart), kStart);
  EXPECT_LE(shaper.NextMessage(kStart), kStart);
  EXPECT_EQ(shaper.messages_per_second(), 0.5);
  EXPECT_EQ(shaper.paused_until(), absl::InfinitePast());
  EXPECT_EQ(shaper.throttled_at(), absl::InfinitePast());
  EXPECT_TRUE(shaper.fresh());
}

TEST(ShaperTest, ConfiguredRatesHold) {
  Shaper shaper(SiteLimits{.connections = 10, .connections_per_minute = 60, .messages_per_second = 0.1}, 1);
  shaper.OnSending(kStart);
  EXPECT_NEAR(absl::ToDoubleSeconds(shaper.NextMessage(kStart) - kStart), 9.8, 0.01)
      << "a burst of a fifth of a second";
  int connections = 0;
  for (absl::Time now = kStart; now < kStart + absl::Minutes(1); now += absl::Milliseconds(50)) {
    if (shaper.NextConnection(now) > now) continue;
    shaper.OnConnecting(now);
    ++connections;
  }
  EXPECT_GE(connections, 60);
  EXPECT_LE(connections, 63);
}

TEST(ShaperTest, ACutIsOfWhatWasInUse) {
  auto [shaper, now] = Throttled();
  EXPECT_NEAR(shaper.messages_per_second(), 37.5, 2) << "3/4 of 50, though no limit was set";
  EXPECT_EQ(shaper.throttled_at(), now);
  EXPECT_EQ(shaper.paused_until(), absl::InfinitePast()) << "slower, not silent";
  EXPECT_EQ(shaper.ConnectionsAllowed(now), 10) << "nobody complained about connections";
  EXPECT_FALSE(shaper.fresh());
}

TEST(ShaperTest, ABurstOfComplaintsCountsOnce) {
  auto [shaper, now] = Throttled();
  const double rate = shaper.messages_per_second();
  for (int i = 0; i < 9; ++i)
    shaper.OnThrottled(now + absl::Milliseconds(200 * i), Throttle::kRate, std::nullopt, 10, 0);
  EXPECT_EQ(shaper.messages_per_second(), rate);
  now = Succeed(&shaper, now, absl::Seconds(6), 1000);
  shaper.OnThrottled(now, Throttle::kRate, std::nullopt, 10, 0);
  EXPECT_LT(shaper.messages_per_second(), rate) << "they continue";
}

TEST(ShaperTest, TheNextComplaintMeasuresFromTheLastCut) {
  auto [shaper, now] = Throttled();
  now = Succeed(&shaper, now, absl::Seconds(8), 12);
  shaper.OnThrottled(now, Throttle::kRate, std::nullopt, 10, 0);
  EXPECT_NEAR(shaper.messages_per_second(), 9, 1) << "the 50 a second before that are over";
}

TEST(ShaperTest, ReturnsQuicklyToBelowTheCeilingAndAsksMinutesLater) {
  auto [shaper, now] = Throttled();
  now = Succeed(&shaper, now, absl::Seconds(4), 1000);
  EXPECT_NEAR(shaper.messages_per_second(), 37.5, 2) << "held";
  now = Succeed(&shaper, now, absl::Seconds(26), 1000);
  EXPECT_NEAR(shaper.messages_per_second(), 48.5, 2) << "just below the ceiling";
  now = Succeed(&shaper, now, absl::Minutes(3.5), 1000);
  EXPECT_LE(shaper.messages_per_second(), 51) << "no question yet";
  now = Succeed(&shaper, now, absl::Minutes(1.5), 1000);
  EXPECT_GT(shaper.messages_per_second(), 52) << "asked";
  now = Succeed(&shaper, now, absl::Minutes(3), 1000);
  EXPECT_GT(shaper.messages_per_second(), 150) << "and found another one";
}

TEST(ShaperTest, WhatIsNotUsedDoesNotRise) {
  auto [shaper, now] = Throttled();
  Succeed(&shaper, now, absl::Minutes(60), 5);
  EXPECT_LE(shaper.messages_per_second(), 51);
}

TEST(ShaperTest, NeverBeyondTheConfiguredRate) {
  Shaper shaper(SiteLimits{.messages_per_second = 20}, 1);
  absl::Time now = Succeed(&shaper, kStart, absl::Minutes(1), 1000);
  shaper.OnThrottled(now, Throttle::kRate, std::nullopt, 5, 0);
  EXPECT_NEAR(shaper.messages_per_second(), 15, 1);
  Succeed(&shaper, now, absl::Minutes(60), 1000);
  EXPECT_EQ(shaper.messages_per_second(), 20);
}

TEST(ShaperTest, ConnectionsAreHalvedReturnToOneBelowAndAskAgain) {
  Shaper shaper(SiteLimits{.connections = 20}, 1);
  shaper.OnThrottled(kStart, Throttle::kConnections, std::nullopt, 12, 0);
  EXPECT_EQ(shaper.ConnectionsAllowed(kStart), 6);
  EXPECT_EQ(shaper.messages_per_second(), kUnlimited) << "nobody complained about the rate";
  shaper.OnThrottled(kStart + absl::Seconds(1), Throttle::kConnections, std::nullopt, 11, 0);
  EXPECT_EQ(shaper.ConnectionsAllowed(kStart), 6) << "of one burst";
  absl::Time now = Succeed(&shaper, kStart, absl::Seconds(30), 10, 100);
  EXPECT_EQ(shaper.ConnectionsAllowed(now), 10) << "one below where the last one was refused";
  now = Succeed(&shaper, now, absl::Minutes(3), 10, 100);
  EXPECT_EQ(shaper.ConnectionsAllowed(now), 10);
  now = Succeed(&shaper, now, absl::Minutes(0.8), 10, 100);
  EXPECT_EQ(shaper.ConnectionsAllowed(now), 11) << "the question";
  shaper.OnThrottled(now, Throttle::kConnections, std::nullopt, 11, 0);
  EXPECT_EQ(shaper.ConnectionsAllowed(now), 10) << "a question costs one connection, not half of them";
  now = Succeed(&shaper, now, absl::Minutes(7), 10, 100);
  EXPECT_EQ(shaper.ConnectionsAllowed(now), 10) << "the next one comes later";
}

TEST(ShaperTest, ConnectionsThatAreNotUsedDoNotRise) {
  Shaper shaper(SiteLimits{.connections = 20}, 1);
  shaper.OnThrottled(kStart, Throttle::kConnections, std::nullopt, 12, 0);
  const absl::Time now = Succeed(&shaper, kStart, absl::Minutes(10), 10, 3);
  EXPECT_EQ(shaper.ConnectionsAllowed(now), 6);
}

TEST(ShaperTest, TheOnlyConnectionRefusedIsAPause) {
  Shaper shaper(SiteLimits{}, 1);
  shaper.OnThrottled(kStart, Throttle::kConnections, std::nullopt, 1, 0);
  EXPECT_EQ(shaper.ConnectionsAllowed(kStart), 0);
  EXPECT_EQ(shaper.paused_until(), kStart + absl::Minutes(1));
  EXPECT_EQ(shaper.messages_per_second(), kUnlimited);
}

TEST(ShaperTest, AHintOnConnectionsHoldsNewOnesOnly) {
  Shaper shaper(SiteLimits{}, 1);
  shaper.OnThrottled(kStart, Throttle::kConnections, absl::Seconds(90), 8, 0);
  EXPECT_EQ(shaper.ConnectionsAllowed(kStart), 4);
  EXPECT_EQ(shaper.NextConnection(kStart), kStart + absl::Seconds(90));
  EXPECT_LE(shaper.NextMessage(kStart), kStart);
}

TEST(ShaperTest, APauseEndsWithAProbeAndARamp) {
  Shaper shaper(SiteLimits{.connections = 20}, 1);
  absl::Time now = Succeed(&shaper, kStart, absl::Minutes(1), 50);
  shaper.OnThrottled(now, Throttle::kPause, absl::Seconds(600), 20, 0);
  EXPECT_EQ(shaper.paused_until(), now + absl::Seconds(600));
  EXPECT_EQ(shaper.pause_reason(), v1::RATE_LIMITED);
  EXPECT_EQ(shaper.ConnectionsAllowed(now), 0);
  EXPECT_EQ(shaper.NextMessage(now), shaper.paused_until());
  EXPECT_EQ(shaper.NextConnection(now), shaper.paused_until());
  // What was under way says nothing.
  shaper.OnSuccess(now + absl::Milliseconds(100), 20);
  shaper.OnThrottled(now + absl::Milliseconds(200), Throttle::kPause, absl::Seconds(600), 20, 0);
  EXPECT_LE(shaper.paused_until(), now + absl::Seconds(601));
  now = shaper.paused_until();
  EXPECT_EQ(shaper.ConnectionsAllowed(now), 1) << "the probe";
  EXPECT_EQ(shaper.ConnectionsAllowed(now + absl::Hours(1)), 1);
  shaper.OnSuccess(now, 1);
  EXPECT_LE(shaper.ConnectionsAllowed(now), 2) << "no cliff";
  EXPECT_LE(shaper.messages_per_second(), 5);
  now = Succeed(&shaper, now, absl::Seconds(5), 100);
  EXPECT_GT(shaper.ConnectionsAllowed(now), 2);
  EXPECT_LT(shaper.ConnectionsAllowed(now), 15);
  now = Succeed(&shaper, now, absl::Seconds(30), 100);
  EXPECT_EQ(shaper.ConnectionsAllowed(now), 20);
  EXPECT_GT(shaper.messages_per_second(), 25);
  EXPECT_LT(shaper.messages_per_second(), 50) << "learned to stay below";
}

TEST(ShaperTest, PausesGrowUntilASuccess) {
  Shaper shaper(SiteLimits{}, 1);
  absl::Time now = kStart;
  for (const int minutes : {1, 2, 5, 10, 20}) {
    shaper.OnThrottled(now, Throttle::kPause, std::nullopt, 1, 0);
    EXPECT_EQ(shaper.paused_until() - now, absl::Minutes(minutes));
    now = shaper.paused_until();
  }
  shaper.OnSuccess(now, 1);
  shaper.OnThrottled(now, Throttle::kPause, std::nullopt, 1, 0);
  EXPECT_EQ(shaper.paused_until() - now, absl::Minutes(1));
}

TEST(ShaperTest, AClosedDoorIsNotASpeed) {
  auto [shaper, now] = Throttled();
  const double rate = shaper.messages_per_second();
  for (int i = 0; i < 30 && shaper.paused_until() < now; ++i) {
    shaper.OnThrottled(now, Throttle::kRate, std::nullopt, 10, 0);
  }
  EXPECT_EQ(shaper.paused_until(), now + absl::Minutes(1)) << "more refusals in a row than were under way";
  EXPECT_EQ(shaper.ConnectionsAllowed(now), 0);
  for (int i = 0; i < 5; ++i) {
    now = shaper.paused_until();
    shaper.OnThrottled(now, Throttle::kRate, std::nullopt, 1, 0);
  }
  now = Succeed(&shaper, shaper.paused_until(), absl::Minutes(2), 100);
  EXPECT_GT(shaper.messages_per_second(), rate * 0.7) << "failed probes say nothing about the rate";
}

TEST(ShaperTest, UnreachableByReason) {
  struct Row {
    std::string name;
    v1::Reason reason;
    std::optional<absl::Duration> hint;
    double scale;
    absl::Duration first, second;
  };
  for (const Row& row : {Row{"Network", v1::NETWORK, std::nullopt, 1, absl::Minutes(5), absl::Minutes(15)},
                         Row{"Scaled", v1::NETWORK, std::nullopt, 60, absl::Seconds(5), absl::Seconds(15)},
                         Row{"Greeting", v1::RATE_LIMITED, std::nullopt, 1, absl::Minutes(1), absl::Minutes(2)},
                         Row{"Hint", v1::REJECTED_POLICY, absl::Hours(2), 1, absl::Hours(2), absl::Hours(2)}}) {
    Shaper shaper(SiteLimits{}, row.scale);
    shaper.OnUnreachable(kStart, row.reason, row.hint, 0);
    EXPECT_EQ(shaper.paused_until(), kStart + row.first) << row.name;
    shaper.OnUnreachable(kStart, row.reason, row.hint, 0);
    EXPECT_EQ(shaper.paused_until(), kStart + row.first) << row.name << ": connections that failed together";
    EXPECT_EQ(shaper.pause_reason(), row.reason) << row.name;
    const absl::Time again = shaper.paused_until();
    EXPECT_EQ(shaper.ConnectionsAllowed(again), 1) << row.name;
    shaper.OnUnreachable(again, row.reason, row.hint, 0);
    EXPECT_EQ(shaper.paused_until(), again + row.second) << row.name;
    EXPECT_EQ(shaper.messages_per_second(), kUnlimited) << row.name;
  }
}

TEST(ShaperTest, ThreeLostSessionsInARowAreUnreachable) {
  Shaper shaper(SiteLimits{}, 1);
  shaper.OnLost(kStart, 0);
  shaper.OnLost(kStart, 0);
  shaper.OnSuccess(kStart, 1);
  shaper.OnLost(kStart, 0);
  shaper.OnLost(kStart, 0);
  EXPECT_EQ(shaper.ConnectionsAllowed(kStart), 10) << "not in a row";
  shaper.OnLost(kStart, 0);
  EXPECT_EQ(shaper.paused_until(), kStart + absl::Minutes(5));
  EXPECT_EQ(shaper.pause_reason(), v1::NETWORK);
}

TEST(ShaperTest, ScaleDividesDurationsAndLeavesRates) {
  auto [shaper, now] = Throttled(60);
  EXPECT_NEAR(shaper.messages_per_second(), 37.5, 2);
  now = Succeed(&shaper, now, absl::Seconds(0.5), 1000);
  EXPECT_NEAR(shaper.messages_per_second(), 48.5, 2);
}

TEST(ShaperTest, StateSurvivesARestart) {
  auto [shaper, now] = Throttled();
  now = Succeed(&shaper, now, absl::Minutes(2), 1000);
  shaper.OnThrottled(now, Throttle::kConnections, std::nullopt, 8, 0);
  Shaper restored = Shaper::Restore(SiteLimits{}, 1, shaper.State(now), now);
  EXPECT_NEAR(restored.messages_per_second(), shaper.messages_per_second(), 0.01);
  EXPECT_EQ(restored.ConnectionsAllowed(now), shaper.ConnectionsAllowed(now));
  EXPECT_GT(restored.NextMessage(now), now) << "no fresh burst";
  EXPECT_EQ(absl::ToUnixMillis(restored.throttled_at()), absl::ToUnixMillis(shaper.throttled_at()));
  EXPECT_FALSE(restored.fresh());
  now = Succeed(&restored, now, absl::Minutes(3.5), 1000);
  EXPECT_LE(restored.messages_per_second(), 51) << "minutes before the first question";
}

TEST(ShaperTest, APauseSurvivesARestart) {
  Shaper shaper(SiteLimits{}, 1);
  shaper.OnUnreachable(kStart, v1::NETWORK, std::nullopt, 0);
  const cluster::v1::ShaperState state = shaper.State(kStart);
  Shaper restored = Shaper::Restore(SiteLimits{}, 1, state, kStart + absl::Minutes(1));
  EXPECT_EQ(restored.ConnectionsAllowed(kStart + absl::Minutes(1)), 0);
  EXPECT_EQ(restored.paused_until(), kStart + absl::Minutes(5));
  EXPECT_EQ(restored.pause_reason(), v1::NETWORK);
  // Down for hours: what was paused still begins with a probe.
  restored = Shaper::Restore(SiteLimits{}, 1, state, kStart + absl::Hours(5));
  EXPECT_EQ(restored.ConnectionsAllowed(kStart + absl::Hours(5)), 1);
  restored.OnUnreachable(kStart + absl::Hours(5), v1::NETWORK, std::nullopt, 0);
  EXPECT_EQ(restored.paused_until(), kStart + absl::Hours(5) + absl::Minutes(15)) << "the ladder goes on";
}

TEST(ShaperTest, StoredNonsenseIsHarmless) {
  cluster::v1::ShaperState state;
  state.set_rate(-5);
  state.set_ceiling_rate(1e300);
  state.set_connections(1e300);
  state.set_ceiling_connections(-7);
  state.set_failures(-1);
  state.set_paused_until_ms(-1);
  Shaper shaper = Shaper::Restore(SiteLimits{.connections = 5}, 1, state, kStart);
  EXPECT_EQ(shaper.ConnectionsAllowed(kStart), 5);
  EXPECT_LE(shaper.NextMessage(kStart), kStart);
}

TEST(ShaperTest, OtherLimitsKeepWhatWasLearned) {
  auto [shaper, now] = Throttled();
  const double rate = shaper.messages_per_second();
  shaper.SetLimits(SiteLimits{.connections = 3, .messages_per_connection = 7}, now);
  EXPECT_EQ(shaper.ConnectionsAllowed(now), 3);
  EXPECT_EQ(shaper.messages_per_connection(), 7);
  EXPECT_EQ(shaper.messages_per_second(), rate);
  shaper.SetLimits(SiteLimits{.connections = 30, .messages_per_second = 2}, now);
  EXPECT_EQ(shaper.ConnectionsAllowed(now), 30);
  EXPECT_EQ(shaper.messages_per_second(), 2);
  shaper.SetLimits(SiteLimits{}, now);
  EXPECT_EQ(shaper.messages_per_second(), rate);
}

TEST(ShaperTest, NeverBelowOneConnection) {
  Shaper shaper(SiteLimits{.connections = 3}, 1);
  absl::Time now = kStart;
  for (int i = 0; i < 10; ++i) {
    shaper.OnThrottled(now, Throttle::kConnections, std::nullopt, 2, 0);
    EXPECT_EQ(shaper.ConnectionsAllowed(now), 1);
    now += absl::Seconds(10);
  }
}

}  // namespace
}  // namespace wavepost
