#include "sender/fairness/turns.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wavepost {
namespace {

using Slot = Turns::Slot;

Slot Ready(Turns& turns, uint32_t id, double weight, bool retries = false) {
  const Slot slot = turns.Open(id, weight);
  turns.SetReady(slot, true, retries);
  return slot;
}

// ---- shares

struct SharesRow {
  std::string name;
  std::vector<double> weights;
};

class TurnsShares : public testing::TestWithParam<SharesRow> {};

TEST_P(TurnsShares, AreExactWithinOneTurnAtEveryMoment) {
  const std::vector<double>& weights = GetParam().weights;
  double sum = 0;
  for (const double w : weights) sum += w;
  Turns turns;
  std::vector<Slot> slots;
  for (uint32_t id = 0; id < weights.size(); ++id) slots.push_back(Ready(turns, id, weights[id]));
  std::vector<int> had(weights.size());
  for (int t = 1; t <= 5000; ++t) {
    const Slot slot = turns.Peek(false, nullptr);
    ASSERT_NE(slot, Turns::kNone);
    turns.Charge(slot);
    ++had[static_cast<size_t>(std::find(slots.begin(), slots.end(), slot) - slots.begin())];
    for (size_t i = 0; i < weights.size(); ++i) {
      ASSERT_LE(std::abs(had[i] - t * weights[i] / sum), 1 + 1e-6) << "participant " << i << ", turn " << t;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Fairness, TurnsShares,
                         testing::Values(SharesRow{"One", {1}}, SharesRow{"Two", {1, 1}},
                                         SharesRow{"Ten", std::vector<double>(10, 1.0)},
                                         SharesRow{"Thousand", std::vector<double>(1000, 1.0)},
                                         SharesRow{"TwoToOne", {2, 1}}, SharesRow{"Fractions", {0.1, 0.25, 1.5}},
                                         SharesRow{"OneHeavyManyLight", {10, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
                                         SharesRow{"OneLightManyHeavy", {0.01, 1, 1, 1, 1}},
                                         SharesRow{"Primes", {2, 3, 5, 7, 11, 13, 17, 19}}),
                         [](const auto& row) { return row.param.name; });

TEST(TurnsTest, RandomSharesAreExactWithinOneTurn) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 200; ++round) {
    const size_t n = 1 + random() % 12;
    std::vector<double> weights;
    double sum = 0;
    Turns turns;
    std::map<Slot, size_t> who;
    for (size_t i = 0; i < n; ++i) {
      weights.push_back(std::exp(std::uniform_real_distribution<double>(-3, 3)(random)));
      sum += weights.back();
      who[Ready(turns, static_cast<uint32_t>(random()), weights.back())] = i;
    }
    ASSERT_EQ(who.size(), n);
    std::vector<int> had(n);
    for (int t = 1; t <= 400; ++t) {
      const Slot slot = turns.Peek(false, nullptr);
      turns.Charge(slot);
      ++had[who[slot]];
      for (size_t i = 0; i < n; ++i) {
        ASSERT_LE(std::abs(had[i] - t * weights[i] / sum), 1 + 1e-6) << "round " << round << " turn " << t;
      }
    }
  }
}

// ---- against a model that knows no trees

// The rule in its plainest form. It follows the choices of the real one and says which are allowed.
class Model {
 public:
  void SetReady(uint32_t id, double weight, bool any, bool retries) {
    const bool was = ready_.contains(id);
    if (any && !was) ready_[id] = {std::max(owes_.contains(id) ? owes_[id] : 0.0, now_), weight, retries};
    if (any && was) ready_[id].weight = weight, ready_[id].retries = retries;
    if (!any && was) {
      owes_[id] = ready_[id].start;
      ready_.erase(id);
      if (ready_.empty()) now_ = 0, owes_.clear();
    }
  }

  bool Allowed(uint32_t id, bool retries_only, const absl::flat_hash_set<uint32_t>& skip) const {
    double first_finish = std::numeric_limits<double>::infinity(), first_start = first_finish;
    for (const auto& [other, p] : ready_) {
      if (skip.contains(other) || (retries_only && !p.retries)) continue;
      if (p.start <= now_ - kTiny) first_finish = std::min(first_finish, p.start + 1 / p.weight);
      if (p.start >= now_ - kTiny) first_start = std::min(first_start, p.start);
    }
    const auto it = ready_.find(id);
    if (it == ready_.end() || skip.contains(id) || (retries_only && !it->second.retries)) return false;
    const Waiting& p = it->second;
    // Where rounding decides whether a turn has begun, both are right.
    return (p.start <= now_ + kTiny && p.start + 1 / p.weight <= first_finish + 1 / p.weight * kTiny + kTiny) ||
           std::abs(p.start - now_) <= kTiny || (!AnyBegun(retries_only, skip) && p.start <= first_start + kTiny);
  }

  bool Any(bool retries_only, const absl::flat_hash_set<uint32_t>& skip) const {
    return std::any_of(ready_.begin(), ready_.end(), [&](const auto& entry) {
      return !skip.contains(entry.first) && (!retries_only || entry.second.retries);
    });
  }

  void Charge(uint32_t id) {
    Waiting& p = ready_[id];
    now_ = std::max(now_, p.start);
    p.start = std::max(p.start, now_ - Turns::kOwedMax / p.weight) + 1 / p.weight;
    double sum = 0;
    for (const auto& [other, q] : ready_) sum += q.weight;
    now_ += 1 / sum;
  }

 private:
  static constexpr double kTiny = 1e-7;
  struct Waiting {
    double start, weight;
    bool retries;
  };

  bool AnyBegun(bool retries_only, const absl::flat_hash_set<uint32_t>& skip) const {
    return std::any_of(ready_.begin(), ready_.end(), [&](const auto& entry) {
      return !skip.contains(entry.first) && (!retries_only || entry.second.retries) &&
             entry.second.start <= now_ - kTiny;
    });
  }

  std::map<uint32_t, Waiting> ready_;
  std::map<uint32_t, double> owes_;  // start of those that left
  double now_ = 0;
};

TEST(TurnsTest, FollowsTheModelWhileParticipantsComeGoAndAreSkipped) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    std::mt19937_64 random(seed);
    const uint32_t ids = 2 + random() % 40;
    Turns turns;
    Model model;
    std::map<uint32_t, Slot> slots;
    std::vector<double> weights;
    for (uint32_t id = 0; id < ids; ++id) weights.push_back(seed % 2 ? 1.0 : 0.5 * (1 + random() % 6));
    for (int step = 0; step < 3000; ++step) {
      const uint32_t id = random() % ids;
      if (random() % 4 == 0) {
        const bool any = random() % 3 != 0, retries = any && random() % 2;
        if (any || slots.contains(id)) {
          if (any) slots[id] = turns.Open(id, weights[id]);
          turns.SetReady(slots[id], any, retries);
          if (!any) slots.erase(id);
          model.SetReady(id, weights[id], any, retries);
        }
        continue;
      }
      absl::flat_hash_set<uint32_t> skip;
      if (random() % 3 == 0) {
        for (uint32_t other = 0; other < ids; ++other) {
          if (random() % 2) skip.insert(other);
        }
      }
      const bool retries_only = random() % 5 == 0;
      const Slot slot = turns.Peek(retries_only, &skip);
      ASSERT_EQ(slot != Turns::kNone, model.Any(retries_only, skip)) << "seed " << seed << " step " << step;
      if (slot == Turns::kNone) continue;
      const auto chosen = std::find_if(slots.begin(), slots.end(), [&](const auto& s) { return s.second == slot; });
      ASSERT_NE(chosen, slots.end());
      ASSERT_TRUE(model.Allowed(chosen->first, retries_only, skip)) << "seed " << seed << " step " << step;
      turns.Charge(slot);
      model.Charge(chosen->first);
    }
  }
}

// ---- single behaviours

std::vector<int> Take(Turns& turns, const std::vector<Slot>& slots, int count,
                      const absl::flat_hash_set<uint32_t>* skip = nullptr) {
  std::vector<int> had(slots.size());
  for (int i = 0; i < count; ++i) {
    const Slot slot = turns.Peek(false, skip);
    if (slot == Turns::kNone) break;
    turns.Charge(slot);
    ++had[static_cast<size_t>(std::find(slots.begin(), slots.end(), slot) - slots.begin())];
  }
  return had;
}

TEST(TurnsTest, ANewcomerStartsLevel) {
  Turns turns;
  std::vector<Slot> slots = {Ready(turns, 1, 1), Ready(turns, 2, 1)};
  Take(turns, slots, 10000);
  slots.push_back(Ready(turns, 3, 1));
  EXPECT_THAT(Take(turns, slots, 300), testing::Each(testing::AllOf(testing::Ge(99), testing::Le(101))));
}

TEST(TurnsTest, WhoLeavesAndComesBackGainsNothing) {
  // Number 2 has one message at a time: gone after each turn and back at once.
  Turns turns;
  const Slot steady = Ready(turns, 1, 1);
  Slot flicker = Ready(turns, 2, 1);
  int steady_had = 0, flicker_had = 0;
  for (int i = 0; i < 1000; ++i) {
    const Slot slot = turns.Peek(false, nullptr);
    turns.Charge(slot);
    if (slot == steady) {
      ++steady_had;
    } else {
      ++flicker_had;
      turns.SetReady(flicker, false, false);
      flicker = Ready(turns, 2, 1);
    }
  }
  EXPECT_NEAR(steady_had, flicker_had, 2);
}

TEST(TurnsTest, WhoHadItsTurnIsRememberedWhileOthersTakeTheFreeSlots) {
  Turns turns;
  std::vector<Slot> slots = {Ready(turns, 0, 1), Ready(turns, 1, 1), Ready(turns, 2, 1)};
  turns.Charge(slots[0]);
  turns.SetReady(slots[0], false, false);
  for (uint32_t id = 3; id < 5; ++id) slots.push_back(Ready(turns, id, 1));
  slots[0] = Ready(turns, 0, 1);
  slots.push_back(Ready(turns, 5, 1));
  EXPECT_THAT(Take(turns, slots, 5), testing::ElementsAre(0, 1, 1, 1, 1, 1));
}

TEST(TurnsTest, WhoIsSkippedIsOwedItsTurnsUpToALimit) {
  Turns turns;
  const std::vector<Slot> slots = {Ready(turns, 1, 1), Ready(turns, 2, 1)};
  const absl::flat_hash_set<uint32_t> skip = {1};
  EXPECT_THAT(Take(turns, slots, 10, &skip), testing::ElementsAre(0, 10));
  EXPECT_THAT(Take(turns, slots, 10), testing::ElementsAre(testing::Ge(9), testing::Le(1)));
  EXPECT_THAT(Take(turns, slots, 100), testing::Each(testing::AllOf(testing::Ge(49), testing::Le(51))));

  Take(turns, slots, 100000, &skip);
  const std::vector<int> had = Take(turns, slots, 1000);
  EXPECT_GE(had[0], 500);
  EXPECT_LE(had[0] - had[1], 2 * Turns::kOwedMax + 4);
}

TEST(TurnsTest, ARefundGivesTheTurnBack) {
  Turns turns;
  const std::vector<Slot> slots = {Ready(turns, 1, 1), Ready(turns, 2, 1), Ready(turns, 3, 1)};
  std::vector<int> had(3);
  for (int i = 0; i < 900; ++i) {
    const Slot slot = turns.Peek(false, nullptr);
    turns.Charge(slot);
    // Every second turn of the first one comes to nothing.
    if (slot == slots[0] && i % 2 == 0) {
      turns.Refund(slot);
      continue;
    }
    ++had[static_cast<size_t>(std::find(slots.begin(), slots.end(), slot) - slots.begin())];
  }
  EXPECT_NEAR(had[0], had[1], 2);
  EXPECT_NEAR(had[1], had[2], 2);
}

TEST(TurnsTest, ANewWeightCountsFromNowOn) {
  Turns turns;
  const std::vector<Slot> slots = {Ready(turns, 1, 1), Ready(turns, 2, 1)};
  Take(turns, slots, 100);
  turns.Open(1, 3);
  EXPECT_THAT(Take(turns, slots, 400),
              testing::ElementsAre(testing::AllOf(testing::Ge(298), testing::Le(302)), testing::_));
}

TEST(TurnsTest, WeightsThatMakeNoSenseAreCut) {
  for (const double weight : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
    Turns turns;
    const std::vector<Slot> slots = {Ready(turns, 1, weight), Ready(turns, 2, 1)};
    EXPECT_THAT(Take(turns, slots, 5000),
                testing::ElementsAre(testing::AllOf(testing::Ge(4), testing::Le(6)), testing::_))
        << weight;
  }
  Turns turns;
  const std::vector<Slot> slots = {Ready(turns, 1, std::numeric_limits<double>::infinity()), Ready(turns, 2, 1)};
  EXPECT_THAT(Take(turns, slots, 10010),
              testing::ElementsAre(testing::_, testing::AllOf(testing::Ge(9), testing::Le(11))));
}

TEST(TurnsTest, SlotsOfTheIdleAreUsedAgain) {
  Turns turns;
  const Slot steady = Ready(turns, 0, 1);
  Slot largest = 0;
  for (uint32_t id = 1; id < 10000; ++id) {
    const Slot slot = Ready(turns, id, 1);
    largest = std::max(largest, slot);
    turns.Charge(turns.Peek(false, nullptr));
    turns.Charge(turns.Peek(false, nullptr));
    turns.SetReady(slot, false, false);
  }
  EXPECT_LT(largest, 16u);
  EXPECT_EQ(turns.Peek(false, nullptr), steady);
}

}  // namespace
}  // namespace wavepost
