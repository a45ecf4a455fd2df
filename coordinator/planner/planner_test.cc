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
  const std::vector<PoolIp> ips = IpsOfPool(nodes, "default");
  ASSERT_EQ(ips.size(), 3u);
  EXPECT_EQ(ips[0].node, "sender-0");
  EXPECT_EQ(ips[2].address, "192.0.2.4");
  EXPECT_TRUE(IpsOfPool(nodes, "none").empty());
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
  PagePlanner planner(IpsOfPool(Nodes(3, 3), "default"), volumes);
  const Plan plan = planner.Decide(7, 500, rows);
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
  const auto ips = IpsOfPool(Nodes(3, 3), "default");
  PagePlanner whole(ips, volumes), first(ips, volumes), second(ips, volumes);
  EXPECT_TRUE(whole.IsFor(ips));
  EXPECT_FALSE(whole.IsFor(IpsOfPool(Nodes(3, 2), "default")));
  const Plan all = whole.Decide(1, 0, rows);
  const Plan head = first.Decide(1, 0, {rows.begin(), rows.begin() + 1000});
  const Plan tail = second.Decide(1, 1000, {rows.begin() + 1000, rows.end()});
  for (size_t i = 0; i < 2000; ++i) {
    const Assignment& split = i < 1000 ? head.assignments[i] : tail.assignments[i - 1000];
    EXPECT_EQ(all.assignments[i].egress_ip, split.egress_ip);
  }
}

}  // namespace
}  // namespace wavepost
