// The scenarios: what is sent to which world, and what must come out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bench/sim/optimum.h"
#include "bench/sim/result.h"
#include "bench/sim/world.h"

namespace wavepost::sim {

struct RunOptions {
  int64_t recipients = 0;  // 0: the scenario's own
  int ips = 0;             // 0: one per 100,000 recipients, at least 2
  int threads = 2;
  uint64_t seed = 1;
};

struct Mark {
  std::string name;
  double value = 0;
  std::string relation;  // "<=" or ">="
  double limit = 0;
  bool met() const { return relation == "<=" ? value <= limit : value >= limit; }
};

struct Report {
  std::string scenario, about;
  int64_t recipients = 0;
  int ips = 0;
  uint64_t seed = 0;
  double bucket_s = 0;
  World world;
  Optimum optimum;
  SimResult result;
  // What follows from the result.
  double drain_s = 0, drain_ratio = 0;
  double wasted = 0;      // refusals for going too fast, of all attempts
  double greylisted = 0;  // deferrals of greylisting, of all attempts
  // Of turns while all had work: tenants with equal audiences, by their sums over all sites, and as the mean of single
  // (site, IP) pairs; the same mean for all tenants, whose weights are equal and whose audiences are not.
  double jain = 1, jain_mean = 1, jain_unequal = 1;
  std::vector<Mark> marks;
};

struct ScenarioInfo {
  std::string name, about;
};
const std::vector<ScenarioInfo>& Scenarios();

// kInvalidArgument: no such scenario, or numbers that make no sense.
absl::StatusOr<Report> RunScenario(const std::string& name, const RunOptions& options);

}  // namespace wavepost::sim
