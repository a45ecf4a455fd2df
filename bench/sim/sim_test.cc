// The simulation itself: its receivers, its counting, that it repeats, and that the marks hold in small.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "bench/sim/audience.h"
#include "bench/sim/optimum.h"
#include "bench/sim/receiver.h"
#include "bench/sim/report.h"
#include "bench/sim/result.h"
#include "bench/sim/scenario.h"
#include "bench/sim/world.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace wavepost::sim {
namespace {

// As many as give the first seconds their true, small weight; each address has the load that it has with ten million.
constexpr int64_t kSmall = 200'000;

Report Simulated(const std::string& scenario, int64_t recipients, int threads = 2, uint64_t seed = 1) {
  auto report = RunScenario(scenario, {.recipients = recipients, .threads = threads, .seed = seed});
  EXPECT_TRUE(report.ok()) << report.status();
  return *std::move(report);
}

class SimMarks : public testing::TestWithParam<const char*> {};

TEST_P(SimMarks, AreMetAndNobodyIsLost) {
  const Report report = Simulated(GetParam(), kSmall);
  for (const Mark& mark : report.marks) {
    EXPECT_TRUE(mark.met()) << mark.name << ": " << mark.value << ", wanted " << mark.relation << " " << mark.limit;
  }
  int64_t recipients = 0;
  for (const KindCounts& kind : report.result.kinds) {
    recipients += kind.recipients;
    EXPECT_EQ(kind.accepted + kind.bounced, kind.recipients + kind.urgent);
  }
  // Rounding leaves a few domains without their last recipient.
  EXPECT_NEAR(static_cast<double>(recipients), static_cast<double>(kSmall), 100);
  // Nobody can be faster than the optimum; a ratio below one means that the optimum is wrong.
  EXPECT_GE(report.drain_ratio, 0.98);
}

INSTANTIATE_TEST_SUITE_P(Sim, SimMarks, testing::Values("wave10m", "greylist", "halved", "warmup"),
                         [](const auto& row) { return std::string(row.param); });

TEST(SimTest, TheSameSeedGivesTheSameNumbersOnAnyNumberOfThreads) {
  const std::string once = JsonOf(Simulated("greylist", 20'000, 1)).dump();
  EXPECT_EQ(JsonOf(Simulated("greylist", 20'000, 1)).dump(), once);
  EXPECT_EQ(JsonOf(Simulated("greylist", 20'000, 3)).dump(), once);
  EXPECT_NE(JsonOf(Simulated("greylist", 20'000, 1, 2)).dump(), once);
}

TEST(SimTest, WrongWishesAreRefused) {
  EXPECT_EQ(RunScenario("nonsense", {}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(RunScenario("wave10m", {.recipients = 10}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(RunScenario("wave10m", {.recipients = 2000, .ips = 20'000}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(SimTest, EveryRecipientIsPlannedOnce) {
  const World world = MakeWorld({.recipients = 50'000});
  AudienceOptions options{.ips = 7, .tenants = {{.share = 3}, {.share = 1}}, .urgent_per_second = 5};
  options.urgent_until_s = 100;
  const Audience audience = PlanAudience(world, options);
  options.threads = 1;
  const Audience again = PlanAudience(world, options);
  std::vector<int64_t> by_domain(world.domains.size()), by_tenant(2);
  size_t urgents = 0;
  ASSERT_EQ(audience.loads.size(), 7u);
  for (size_t ip = 0; ip < 7; ++ip) {
    ASSERT_EQ(audience.loads[ip].size(), again.loads[ip].size());
    for (const Load& load : audience.loads[ip]) {
      by_domain[load.domain] += load.count;
      by_tenant[load.tenant] += load.count;
    }
    urgents += audience.urgents[ip].size();
  }
  for (size_t i = 0; i < by_domain.size(); ++i) EXPECT_EQ(by_domain[i], world.domains[i].volume) << i;
  EXPECT_NEAR(static_cast<double>(by_tenant[0]) / static_cast<double>(by_tenant[1]), 3, 0.1);
  EXPECT_NEAR(static_cast<double>(urgents), 500, 100);
}

// ---- receivers

ReceiverSpec Plain() {
  ReceiverSpec spec;
  spec.unknown_users = 0;
  return spec;
}

TEST(ReceiverTest, TakesItsRateAndNoMore) {
  ReceiverSpec spec = Plain();
  spec.rate = 2;
  spec.burst = 5;
  Receiver receiver(&spec);
  Random random(1);
  int accepted = 0;
  for (Micros t = 0; t < 100 * kSecond; t += kSecond / 10) {
    std::optional<Micros> seen;
    const JudgedReply* refusal = receiver.Message(t, 0, &seen, random);
    accepted += refusal == nullptr ? 1 : 0;
    EXPECT_TRUE(refusal == nullptr || refusal == &spec.over_rate);
  }
  EXPECT_NEAR(accepted, 205, 1);
}

TEST(ReceiverTest, HalvesItsToleranceWhenItsTimeComes) {
  ReceiverSpec spec = Plain();
  spec.rate = 4;
  spec.connections = 5;
  spec.change_at = 60;
  spec.change_factor = 0.5;
  EXPECT_EQ(spec.RateAt(59), 4);
  EXPECT_EQ(spec.RateAt(60), 2);
  EXPECT_EQ(spec.ConnectionsAt(59), 5);
  EXPECT_EQ(spec.ConnectionsAt(60), 2);
}

TEST(ReceiverTest, CountsOpenConnections) {
  ReceiverSpec spec = Plain();
  spec.connections = 2;
  Receiver receiver(&spec);
  EXPECT_EQ(receiver.Connect(0), nullptr);
  EXPECT_EQ(receiver.Connect(0), nullptr);
  EXPECT_EQ(receiver.Connect(0), &spec.over_connections);
  receiver.Close();
  EXPECT_EQ(receiver.Connect(0), nullptr);
}

TEST(ReceiverTest, GreylistsByRecipientOrByClient) {
  for (const Greylisting by : {Greylisting::kTriplet, Greylisting::kClient}) {
    ReceiverSpec spec = Plain();
    spec.greylisting = by;
    spec.window_s = 300;
    Receiver receiver(&spec);
    Random random(1);
    std::optional<Micros> first, second;
    EXPECT_EQ(receiver.Message(0, 0, &first, random), &spec.greylisted);
    EXPECT_EQ(first, 0);
    EXPECT_EQ(receiver.Message(299 * kSecond, 0, &first, random), &spec.greylisted);
    EXPECT_EQ(receiver.Message(300 * kSecond, 0, &first, random), nullptr);
    // Another recipient.
    EXPECT_EQ(receiver.Message(301 * kSecond, 0, &second, random),
              by == Greylisting::kTriplet ? &spec.greylisted : nullptr);
  }
}

TEST(ReceiverTest, RepliesAreReadAsTheSenderReadsThem) {
  const World world = MakeWorld({.recipients = 20'000, .greylisted_tail = 0.5, .halved = {}});
  for (const auto& spec : world.receivers) {
    EXPECT_EQ(spec->over_rate.lesson, Lesson::kThrottled) << spec->name << ": " << spec->over_rate.text;
    EXPECT_EQ(spec->over_rate.throttle, Throttle::kRate) << spec->name << ": " << spec->over_rate.text;
    // Said only by those whose limit is within our reach.
    if (spec->connections <= 10) {
      EXPECT_EQ(spec->over_connections.lesson, Lesson::kThrottled) << spec->name;
      EXPECT_EQ(spec->over_connections.throttle, Throttle::kConnections) << spec->over_connections.text;
    }
    EXPECT_TRUE(spec->unknown_user.bounces) << spec->name;
    if (spec->greylisting == Greylisting::kNone) continue;
    EXPECT_EQ(spec->greylisted.lesson, Lesson::kGreylisted) << spec->name << ": " << spec->greylisted.text;
  }
}

// ---- counting

TEST(OptimumTest, TheTightestLimitRules) {
  ReceiverSpec spec = Plain();
  spec.connect_s = 1 / kLatencyMean;
  spec.message_s = 0.5 / kLatencyMean;
  const SiteLimits ours{.connections = 4, .messages_per_connection = 10, .connections_per_minute = 60};
  SiteSpec site{.site = {.name = "x", .provider = "", .mx_set = "", .limits = ours}, .receiver = &spec};
  EXPECT_NEAR(FluidRate(site, 0), 4 / 0.6, 1e-9);  // connections
  spec.connections = 2;
  EXPECT_NEAR(FluidRate(site, 0), 2 / 0.6, 1e-9);  // theirs
  spec.rate = 1.5;
  EXPECT_NEAR(FluidRate(site, 0), 1.5, 1e-9);
  spec.connections_per_minute = 6;
  EXPECT_NEAR(FluidRate(site, 0), 1, 1e-9);  // a tenth of a connection a second, ten messages each
  site.site.limits.messages_per_second = 0.25;
  EXPECT_NEAR(FluidRate(site, 0), 0.25, 1e-9);
}

TEST(ResultTest, JainIndex) {
  EXPECT_EQ(JainIndex({}), 1);
  EXPECT_EQ(JainIndex({5, 5, 5, 5}), 1);
  EXPECT_NEAR(JainIndex({1, 0, 0, 0}), 0.25, 1e-12);
  EXPECT_NEAR(JainIndex({2, 1}), 0.9, 1e-12);
}

TEST(ResultTest, QuantilesAreWithinFivePercent) {
  WaitHistogram waits;
  for (int i = 1; i <= 1000; ++i) waits.Add(i * kSecond / 100);
  EXPECT_NEAR(waits.Quantile(0.5), 5, 0.25);
  EXPECT_NEAR(waits.Quantile(0.99), 9.9, 0.5);
  EXPECT_EQ(waits.Quantile(1), 10);
  EXPECT_EQ(WaitHistogram().Quantile(0.5), 0);
}

}  // namespace
}  // namespace wavepost::sim
