#include "sender/fairness/fair_queue.h"

#include <map>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wavepost {
namespace {

using testing::ElementsAre;

// Lanes with a name, all of which have work until they are removed.
class Lanes {
 public:
  void Add(const std::string& name, const FlowKey& flow) {
    flows_[name] = flow;
    queue.Add(LaneOf(name), flow);
  }
  void Remove(const std::string& name) { queue.Remove(LaneOf(name)); }
  // Names of the next `count` turns.
  std::vector<std::string> Take(int count, const FairQueue::Wanted& wanted = {}) {
    std::vector<std::string> names;
    for (int i = 0; i < count; ++i) names.push_back(NameOf(queue.Next(wanted)));
    return names;
  }
  std::map<std::string, int> Count(int count, const FairQueue::Wanted& wanted = {}) {
    std::map<std::string, int> counts;
    for (const std::string& name : Take(count, wanted)) ++counts[name];
    return counts;
  }
  const FlowKey& FlowOf(const std::string& name) { return flows_[name]; }

  FairQueue queue;

 private:
  FairQueue::Lane LaneOf(const std::string& name) { return const_cast<std::string*>(&*names_.insert(name).first); }
  static std::string NameOf(FairQueue::Lane lane) { return lane == nullptr ? "" : *static_cast<std::string*>(lane); }

  std::set<std::string> names_;
  std::map<std::string, FlowKey> flows_;
};

TEST(FairQueueTest, EmptyHasNothing) {
  FairQueue queue;
  EXPECT_EQ(queue.Next({}), nullptr);
  EXPECT_FALSE(queue.Has({}));
  EXPECT_EQ(queue.size(), 0u);
  queue.Refund({.tenant = 1});
  int lane;
  queue.Remove(&lane);
  EXPECT_FALSE(queue.Contains(&lane));
}

TEST(FairQueueTest, TenantsTakeTurnsWhateverTheNumberOfTheirWavesAndLanes) {
  Lanes lanes;
  for (uint32_t wave = 0; wave < 10; ++wave) {
    for (int i = 0; i < 20; ++i) {
      lanes.Add("big" + std::to_string(wave) + "." + std::to_string(i), {.tenant = 1, .wave = wave});
    }
  }
  lanes.Add("small", {.tenant = 2, .wave = 77});
  EXPECT_EQ(lanes.Count(400)["small"], 200);
}

TEST(FairQueueTest, WavesOfATenantTakeTurns) {
  Lanes lanes;
  for (int i = 0; i < 50; ++i) lanes.Add("first" + std::to_string(i), {.tenant = 1, .wave = 1});
  lanes.Add("second", {.tenant = 1, .wave = 2});
  EXPECT_EQ(lanes.Count(100)["second"], 50);
}

TEST(FairQueueTest, LanesOfAWaveTakeTurnsInOrder) {
  Lanes lanes;
  for (const char* name : {"a", "b", "c"}) lanes.Add(name, {.tenant = 1, .wave = 1});
  EXPECT_THAT(lanes.Take(4), ElementsAre("a", "b", "c", "a"));
  lanes.Add("d", {.tenant = 1, .wave = 1});
  EXPECT_THAT(lanes.Take(4), ElementsAre("b", "c", "a", "d"));
  lanes.Remove("b");
  lanes.Remove("d");
  EXPECT_THAT(lanes.Take(3), ElementsAre("c", "a", "c"));
}

TEST(FairQueueTest, AWeightIsAShare) {
  Lanes lanes;
  lanes.Add("heavy", {.tenant = 1, .weight = 3});
  lanes.Add("light", {.tenant = 2, .weight = 1});
  EXPECT_EQ(lanes.Count(400), (std::map<std::string, int>{{"heavy", 300}, {"light", 100}}));
  // The last one told counts.
  lanes.Add("more", {.tenant = 2, .weight = 3});
  EXPECT_NEAR(lanes.Count(400)["heavy"], 200, 2);
}

TEST(FairQueueTest, TheWeightOfATenantIsNotThatOfAWave) {
  Lanes lanes;
  lanes.Add("first", {.tenant = 1, .weight = 1, .wave = 1});
  lanes.Add("second", {.tenant = 1, .weight = 9, .wave = 2});
  EXPECT_EQ(lanes.Count(100)["first"], 50);
}

TEST(FairQueueTest, UrgentGoesStrictlyFirst) {
  Lanes lanes;
  lanes.Add("bulk", {.tenant = 1});
  EXPECT_THAT(lanes.Take(2), ElementsAre("bulk", "bulk"));
  lanes.Add("reset", {.urgent = true, .tenant = 2});
  lanes.Add("receipt", {.urgent = true, .tenant = 3});
  EXPECT_THAT(lanes.Take(4), ElementsAre("reset", "receipt", "reset", "receipt"));
  lanes.Remove("reset");
  lanes.Remove("receipt");
  EXPECT_THAT(lanes.Take(1), ElementsAre("bulk"));
}

TEST(FairQueueTest, AnUrgentMessageCostsATenantNoBulkTurn) {
  Lanes lanes;
  lanes.Add("one", {.tenant = 1});
  lanes.Add("two", {.tenant = 2});
  lanes.Add("urgent", {.urgent = true, .tenant = 1});
  lanes.Take(50);
  lanes.Remove("urgent");
  EXPECT_EQ(lanes.Count(100)["one"], 50);
}

TEST(FairQueueTest, RetriesGoBeforeNewcomersOfTheirWaveOnly) {
  Lanes lanes;
  lanes.Add("new", {.tenant = 1, .wave = 1});
  lanes.Add("again", {.tenant = 1, .wave = 1, .retry = true});
  lanes.Add("other wave", {.tenant = 1, .wave = 2});
  lanes.Add("other tenant", {.tenant = 2, .wave = 1});
  EXPECT_EQ(lanes.Count(400), (std::map<std::string, int>{{"again", 100}, {"other wave", 100}, {"other tenant", 200}}));
  lanes.Remove("again");
  EXPECT_EQ(lanes.Count(400), (std::map<std::string, int>{{"new", 100}, {"other wave", 100}, {"other tenant", 200}}));
}

TEST(FairQueueTest, WantedChooses) {
  const absl::flat_hash_set<uint32_t> none, first = {1}, both = {1, 2};
  struct Row {
    const char* name;
    std::vector<const char*> lanes;
    FairQueue::Wanted wanted;
    const char* next;
  };
  const std::map<std::string, FlowKey> flows = {
      {"new1", {.tenant = 1}},
      {"again1", {.tenant = 1, .retry = true}},
      {"urgent1", {.urgent = true, .tenant = 1}},
      {"urgent again1", {.urgent = true, .tenant = 1, .retry = true}},
      {"new2", {.tenant = 2}},
      {"again2", {.tenant = 2, .retry = true}},
  };
  for (const Row& row : std::vector<Row>{
           {"everything", {"new1"}, {}, "new1"},
           {"gate closed, a newcomer", {"new1"}, {.newcomers = false}, ""},
           {"gate closed, a retry", {"new1", "again1"}, {.newcomers = false}, "again1"},
           {"gate closed, another's retry", {"new1", "again2"}, {.newcomers = false}, "again2"},
           {"gate closed, urgent", {"again1", "urgent1"}, {.newcomers = false}, "urgent1"},
           {"no bulk", {"new1", "again2"}, {.bulk = false}, ""},
           {"no bulk, urgent", {"new1", "urgent1"}, {.bulk = false}, "urgent1"},
           {"no bulk, gate closed", {"urgent again1"}, {.newcomers = false, .bulk = false}, "urgent again1"},
           {"nobody stopped", {"new1"}, {.stopped_tenants = &none}, "new1"},
           {"stopped", {"new1"}, {.stopped_tenants = &first}, ""},
           {"another goes", {"new1", "new2"}, {.stopped_tenants = &first}, "new2"},
           {"stopped with urgent", {"urgent1", "new2"}, {.stopped_tenants = &first}, "new2"},
           {"all stopped", {"urgent1", "new2", "again1"}, {.stopped_tenants = &both}, ""},
           {"stopped and gate closed", {"again1", "new2"}, {.newcomers = false, .stopped_tenants = &first}, ""},
       }) {
    SCOPED_TRACE(row.name);
    Lanes lanes;
    for (const char* name : row.lanes) lanes.Add(name, flows.at(name));
    EXPECT_EQ(lanes.queue.Has(row.wanted), *row.next != '\0');
    EXPECT_THAT(lanes.Take(1, row.wanted), ElementsAre(row.next));
  }
}

TEST(FairQueueTest, AStoppedTenantKeepsItsShare) {
  Lanes lanes;
  lanes.Add("one", {.tenant = 1});
  lanes.Add("two", {.tenant = 2});
  const absl::flat_hash_set<uint32_t> stopped = {1};
  EXPECT_EQ(lanes.Count(10, {.stopped_tenants = &stopped})["two"], 10);
  EXPECT_GE(lanes.Count(10)["one"], 9);
  EXPECT_NEAR(lanes.Count(100)["one"], 50, 1);
}

TEST(FairQueueTest, ANewcomerIsLevel) {
  Lanes lanes;
  lanes.Add("one", {.tenant = 1});
  lanes.Take(100000);
  lanes.Add("two", {.tenant = 2});
  EXPECT_NEAR(lanes.Count(100)["two"], 50, 1);
}

TEST(FairQueueTest, ARefundIsATurnMore) {
  Lanes lanes;
  lanes.Add("one", {.tenant = 1, .wave = 1});
  lanes.Add("two", {.tenant = 2, .wave = 1});
  std::map<std::string, int> sent;
  for (int i = 0; i < 1000; ++i) {
    const std::string name = lanes.Take(1)[0];
    if (name == "one" && i % 3 == 0) {
      lanes.queue.Refund(lanes.FlowOf(name));
    } else {
      ++sent[name];
    }
  }
  EXPECT_NEAR(sent["one"], sent["two"], 2);
}

TEST(FairQueueTest, ALaneIsInOnce) {
  Lanes lanes;
  lanes.Add("a", {.tenant = 1});
  lanes.Add("a", {.urgent = true, .tenant = 2});
  EXPECT_EQ(lanes.queue.size(), 1u);
  lanes.Add("b", {.tenant = 1});
  EXPECT_EQ(lanes.Count(10)["b"], 5);
  lanes.Remove("a");
  lanes.Remove("a");
  EXPECT_EQ(lanes.queue.size(), 1u);
  EXPECT_THAT(lanes.Take(2), ElementsAre("b", "b"));
}

// Random use, checked against what must hold whatever the order: the lane given is there, of the right kind, first of
// its ring, and urgent before bulk; everything put in comes out.
TEST(FairQueueTest, RandomUseKeepsTheLaws) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    std::mt19937_64 random(seed);
    FairQueue queue;
    std::vector<char> storage(300);
    struct In {
      FlowKey flow;
      uint64_t last = 0;  // turn that it had last, or when it was added
    };
    std::map<void*, In> in;
    for (uint64_t step = 1; step < 6000; ++step) {
      void* lane = &storage[random() % storage.size()];
      const uint64_t dice = random() % 10;
      if (dice < 3) {
        const FlowKey flow = {.urgent = random() % 16 == 0,
                              .tenant = static_cast<uint32_t>(random() % 6),
                              .wave = static_cast<uint32_t>(random() % 4),
                              .retry = random() % 3 == 0};
        queue.Add(lane, flow);
        in.try_emplace(lane, In{flow, step});
      } else if (dice < 5) {
        queue.Remove(lane);
        in.erase(lane);
      } else {
        absl::flat_hash_set<uint32_t> stopped;
        if (random() % 3 == 0) stopped = {static_cast<uint32_t>(random() % 6), static_cast<uint32_t>(random() % 6)};
        const FairQueue::Wanted wanted = {
            .newcomers = random() % 4 != 0, .bulk = random() % 8 != 0, .stopped_tenants = &stopped};
        bool any = false, urgent = false;
        for (const auto& [other, entry] : in) {
          const FlowKey& flow = entry.flow;
          if (stopped.contains(flow.tenant)) continue;
          if (!flow.urgent && (!wanted.bulk || !(wanted.newcomers || flow.retry))) continue;
          any = true;
          urgent = urgent || flow.urgent;
        }
        ASSERT_EQ(queue.Has(wanted), any);
        void* next = queue.Next(wanted);
        ASSERT_EQ(next != nullptr, any) << "seed " << seed << " step " << step;
        if (next == nullptr) continue;
        ASSERT_TRUE(in.contains(next));
        const FlowKey& flow = in[next].flow;
        EXPECT_EQ(flow.urgent, urgent);
        EXPECT_FALSE(stopped.contains(flow.tenant));
        for (const auto& [other, entry] : in) {
          if (std::tie(entry.flow.urgent, entry.flow.tenant, entry.flow.wave) !=
              std::tie(flow.urgent, flow.tenant, flow.wave)) {
            continue;
          }
          ASSERT_FALSE(entry.flow.retry && !flow.retry) << "a newcomer before a retry of its wave";
          if (entry.flow.retry == flow.retry) {
            ASSERT_LE(in[next].last, entry.last) << "lanes out of turn";
          }
        }
        in[next].last = step;
      }
      ASSERT_EQ(queue.size(), in.size());
      ASSERT_EQ(queue.Contains(lane), in.contains(lane));
    }
  }
}

}  // namespace
}  // namespace wavepost
