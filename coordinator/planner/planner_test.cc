#include "coordinator/planner/planner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/planner/page_planner.h"
#include "coordinator/planner/wave_volumes.h"

namespace wavepost {
namespace {

constexpr int64_t kDay = 20'000;

std::vector<cluster::v1::StoredNode> Nodes(int count, int ips_each) {
  std::vector<cluster::v1::StoredNode> nodes;
  for (int n = 0; n < count; ++n) {
    auto& node = nodes.emplace_back();
    node.set_node_id(absl::StrCat("sender-", n));
    for (int i = 0; i < ips_each; ++i) {
      auto& ip = *node.add_egress_ips();
      ip.set_address(absl::StrCat("192.0.2.", n * ips_each + i + 1));
      ip.set_pool("default");
      ip.set_weight(1);
    }
  }
  return nodes;
}

TEST(WaveVolumesTest, CountsByDomain) {
  WaveVolumes volumes;
  for (const char* address : {"a@x.example", "b@x.example", "\"a@b\"@y.example", "nobody"}) volumes.Add(address);
  EXPECT_EQ(volumes.VolumeOf("x.example"), 2);
  EXPECT_EQ(volumes.VolumeOf("y.example"), 1);
  EXPECT_EQ(volumes.VolumeOf("z.example"), 0);
}

TEST(WaveVolumesTest, MemoryIsBounded) {
  WaveVolumes volumes;
  for (size_t i = 0; i < WaveVolumes::kDomainsMax + 10; ++i) volumes.Add(absl::StrCat("a@d", i, ".example"));
  volumes.Add("b@d0.example");
  EXPECT_EQ(volumes.VolumeOf("d0.example"), 2);
  EXPECT_EQ(volumes.VolumeOf(absl::StrCat("d", WaveVolumes::kDomainsMax + 1, ".example")), 0);
}

TEST(PagePlannerTest, TakesOnlyThePoolsIps) {
  auto nodes = Nodes(2, 2);
  nodes[1].mutable_egress_ips(0)->set_pool("other");
  const std::vector<PoolIp> ips = IpsOfPool(nodes, "default", kDay);
  ASSERT_EQ(ips.size(), 3u);
  EXPECT_EQ(ips[0].node, "sender-0");
  EXPECT_EQ(ips[2].address, "192.0.2.4");
  EXPECT_TRUE(IpsOfPool(nodes, "none", kDay).empty());
}

TEST(PagePlannerTest, CoversThePageOnce) {
  auto volumes = std::make_shared<WaveVolumes>();
  std::vector<PlanRow> rows;
  for (uint32_t i = 0; i < 1000; ++i) {
    rows.push_back(
        {RecipientId{7, 500 + i}, absl::StrCat("p", i, i % 2 == 0 ? "@gmail.com" : "@small.example"), i % 10 == 0});
    for (int times = 0; times < 10; ++times) {
      if (i % 2 == 0) volumes->Add(rows.back().address);
    }
  }
  WarmUpBook book;
  PagePlanner planner(IpsOfPool(Nodes(3, 3), "default", kDay), volumes);
  const Plan plan = planner.Decide(7, 500, rows, &book);
  EXPECT_EQ(plan.wave, 7u);
  EXPECT_EQ(plan.from_index, 500u);
  EXPECT_EQ(plan.through_index, 1500u);
  EXPECT_EQ(plan.suppressed.size(), 100u);
  std::set<uint32_t> seen;
  std::map<std::string, std::set<std::string>> used;
  for (const RecipientId id : plan.suppressed) EXPECT_TRUE(seen.insert(id.index).second);
  for (const Assignment& assignment : plan.assignments) {
    EXPECT_TRUE(seen.insert(assignment.id.index).second);
    used[assignment.id.index % 2 == 0 ? "gmail" : "small"].insert(assignment.egress_ip);
    const int last = std::stoi(assignment.egress_ip.substr(assignment.egress_ip.rfind('.') + 1));
    EXPECT_EQ(assignment.node, absl::StrCat("sender-", (last - 1) / 3));
  }
  EXPECT_EQ(seen.size(), rows.size());
  EXPECT_EQ(used["gmail"].size(), 9u);
  EXPECT_EQ(used["small"].size(), 1u);
}

// After a restart in the middle of a wave the rest goes where it would have gone.
TEST(PagePlannerTest, RestartChangesNothing) {
  auto volumes = std::make_shared<WaveVolumes>();
  std::vector<PlanRow> rows;
  for (uint32_t i = 0; i < 2000; ++i) {
    rows.push_back({RecipientId{1, i}, absl::StrCat("p", i, "@d", i % 7, ".example"), false});
    volumes->Add(rows.back().address);
  }
  const auto ips = IpsOfPool(Nodes(3, 3), "default", kDay);
  WarmUpBook book;
  PagePlanner whole(ips, volumes), first(ips, volumes), second(ips, volumes);
  EXPECT_TRUE(whole.IsFor(ips));
  EXPECT_FALSE(whole.IsFor(IpsOfPool(Nodes(3, 2), "default", kDay)));
  const Plan all = whole.Decide(1, 0, rows, &book);
  const Plan head = first.Decide(1, 0, {rows.begin(), rows.begin() + 1000}, &book);
  const Plan tail = second.Decide(1, 1000, {rows.begin() + 1000, rows.end()}, &book);
  for (size_t i = 0; i < 2000; ++i) {
    const Assignment& split = i < 1000 ? head.assignments[i] : tail.assignments[i - 1000];
    EXPECT_EQ(all.assignments[i].egress_ip, split.egress_ip);
  }
}

void WarmUp(v1::EgressIp* ip, std::vector<int64_t> caps, bool overflow) {
  ip->mutable_warm_up()->mutable_start_time()->set_seconds(kDay * 86400);
  for (const int64_t cap : caps) ip->mutable_warm_up()->add_daily_caps(cap);
  ip->mutable_warm_up()->set_overflow(overflow);
}

// Recipients of one domain, by egress IP.
std::map<std::string, int> Planned(const std::vector<cluster::v1::StoredNode>& nodes, int count, WarmUpBook* book,
                                   int64_t day = kDay) {
  auto volumes = std::make_shared<WaveVolumes>();
  std::vector<PlanRow> rows;
  for (int i = 0; i < count; ++i) {
    rows.push_back({RecipientId{1, static_cast<uint32_t>(i)}, absl::StrCat("p", i, "@big.example"), false});
    volumes->Add(rows.back().address);
  }
  book->StartDay(day);
  PagePlanner planner(IpsOfPool(nodes, "default", day), volumes);
  std::map<std::string, int> planned;
  for (const Assignment& assignment : planner.Decide(1, 0, rows, book).assignments) ++planned[assignment.egress_ip];
  book->Commit();
  return planned;
}

TEST(WarmUpPlanTest, WhatIsOverTheCapGoesToWarmAddresses) {
  auto nodes = Nodes(1, 4);
  WarmUp(nodes[0].mutable_egress_ips(0), {200, 500}, true);
  WarmUpBook book;
  auto planned = Planned(nodes, 4000, &book);
  EXPECT_EQ(planned["192.0.2.1"], 200);
  for (const char* warm : {"192.0.2.2", "192.0.2.3", "192.0.2.4"}) EXPECT_NEAR(planned[warm], 1266, 120) << warm;
  // Another wave of the day: the cap is used up.
  EXPECT_EQ(Planned(nodes, 4000, &book)["192.0.2.1"], 0);
  EXPECT_EQ(Planned(nodes, 4000, &book, kDay + 1)["192.0.2.1"], 500);
  EXPECT_GT(Planned(nodes, 4000, &book, kDay + 2)["192.0.2.1"], 800) << "warm";
}

TEST(WarmUpPlanTest, OthersOfTheDomainStayWhereTheyWere) {
  auto nodes = Nodes(1, 4);
  WarmUpBook none, book;
  none.StartDay(kDay);
  book.StartDay(kDay);
  auto volumes = std::make_shared<WaveVolumes>();
  for (int i = 0; i < 4000; ++i) volumes->Add(absl::StrCat("p", i, "@big.example"));
  PagePlanner before(IpsOfPool(nodes, "default", kDay), volumes);
  WarmUp(nodes[0].mutable_egress_ips(0), {200}, true);
  PagePlanner after(IpsOfPool(nodes, "default", kDay), volumes);
  for (int i = 0; i < 4000; ++i) {
    const std::string address = absl::StrCat("p", i, "@big.example");
    const std::string was = before.Choose(address, &none).address;
    const std::string is = after.Choose(address, &book).address;
    if (was != "192.0.2.1") {
      EXPECT_EQ(is, was) << address;
    }
  }
}

TEST(WarmUpPlanTest, WithoutOverflowItWaits) {
  auto nodes = Nodes(1, 2);
  WarmUp(nodes[0].mutable_egress_ips(0), {200}, false);
  WarmUpBook book;
  EXPECT_GT(Planned(nodes, 4000, &book)["192.0.2.1"], 1800);
}

TEST(WarmUpPlanTest, WithoutAWarmAddressItStays) {
  auto nodes = Nodes(1, 2);
  for (int i = 0; i < 2; ++i) WarmUp(nodes[0].mutable_egress_ips(i), {200}, true);
  WarmUpBook book;
  const auto planned = Planned(nodes, 4000, &book);
  EXPECT_GT(planned.at("192.0.2.1"), 1800);
  EXPECT_GT(planned.at("192.0.2.2"), 1800);
}

TEST(TurnOrderTest, UrgentFirstThenRoundRobin) {
  const std::vector<WaveToPlan> waves = {{1, false}, {2, true}, {3, false}, {4, false}, {5, true}};
  EXPECT_THAT(TurnOrder(waves, 0), testing::ElementsAre(2, 5, 1, 3, 4));
  EXPECT_THAT(TurnOrder(waves, 3), testing::ElementsAre(5, 2, 4, 1, 3));
  EXPECT_THAT(TurnOrder({}, 3), testing::IsEmpty());
}

}  // namespace
}  // namespace wavepost
