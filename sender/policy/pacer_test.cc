#include "sender/policy/pacer.h"

#include <gtest/gtest.h>

namespace wavepost {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'000'000);

TEST(PacerTest, StartsAtTheLimit) {
  Pacer pacer({.connections_max = 8});
  EXPECT_EQ(pacer.ConnectionsAllowed(kStart), 8);
  EXPECT_TRUE(pacer.fresh());
}

TEST(PacerTest, ThrottlingHalvesPausesProbesAndRisesByOne) {
  Pacer pacer({.connections_max = 8});
  pacer.OnThrottled(kStart, std::nullopt, 0);
  EXPECT_EQ(pacer.ConnectionsAllowed(kStart + absl::Seconds(59)), 0);
  EXPECT_EQ(pacer.ConnectionsAllowed(kStart + absl::Seconds(60)), 1) << "a probe first";
  pacer.OnSuccess();
  EXPECT_EQ(pacer.ConnectionsAllowed(kStart + absl::Seconds(61)), 4);
  for (int i = 0; i < Pacer::kSuccessesPerStep - 1; ++i) pacer.OnSuccess();
  EXPECT_EQ(pacer.ConnectionsAllowed(kStart + absl::Seconds(62)), 5);
  EXPECT_FALSE(pacer.fresh());
}

TEST(PacerTest, OneOverloadSeenByManyConnectionsCountsOnce) {
  Pacer pacer({.connections_max = 8});
  for (int i = 0; i < 8; ++i) pacer.OnThrottled(kStart, std::nullopt, 0);
  pacer.OnSuccess();
  EXPECT_EQ(pacer.ConnectionsAllowed(kStart + absl::Minutes(2)), 4);
}

TEST(PacerTest, HintRules) {
  Pacer pacer({});
  pacer.OnThrottled(kStart, absl::Seconds(300), 0);
  EXPECT_EQ(pacer.paused_until(), kStart + absl::Seconds(300));
}

TEST(PacerTest, UnreachableWaitsGrowAndASuccessForgetsThem) {
  Pacer pacer({.scale = 60});
  pacer.OnUnreachable(kStart, v1::NETWORK, 0);
  EXPECT_EQ(pacer.paused_until(), kStart + absl::Seconds(5));
  pacer.OnUnreachable(kStart + absl::Seconds(5), v1::NETWORK, 0);
  EXPECT_EQ(pacer.paused_until(), kStart + absl::Seconds(20));
  EXPECT_EQ(pacer.pause_reason(), v1::NETWORK);
  pacer.OnSuccess();
  pacer.OnUnreachable(kStart + absl::Seconds(60), v1::NETWORK, 0);
  EXPECT_EQ(pacer.paused_until(), kStart + absl::Seconds(65));
}

TEST(PacerTest, AHostThatDropsEverySessionIsUnreachable) {
  Pacer pacer({.connections_max = 8});
  pacer.OnLost(kStart, 0);
  pacer.OnLost(kStart, 0);
  EXPECT_EQ(pacer.ConnectionsAllowed(kStart), 8);
  pacer.OnSuccess();
  pacer.OnLost(kStart, 0);
  pacer.OnLost(kStart, 0);
  EXPECT_EQ(pacer.ConnectionsAllowed(kStart), 8) << "not in a row";
  pacer.OnLost(kStart, 0);
  EXPECT_EQ(pacer.ConnectionsAllowed(kStart), 0);
  EXPECT_EQ(pacer.paused_until(), kStart + absl::Minutes(5));
}

TEST(PacerTest, NeverBelowOneConnection) {
  Pacer pacer({.connections_max = 2});
  absl::Time now = kStart;
  for (int i = 0; i < 10; ++i) {
    pacer.OnThrottled(now, std::nullopt, 0);
    now = pacer.paused_until();
    EXPECT_EQ(pacer.ConnectionsAllowed(now), 1);
  }
}

}  // namespace
}  // namespace wavepost
