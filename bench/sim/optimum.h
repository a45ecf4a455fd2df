// The fluid optimum: how fast the world could be served at best, by somebody who knew every limit in advance and lost
// no time. See README.md for the formula.
#pragma once

#include <string>
#include <vector>

#include "bench/sim/audience.h"
#include "bench/sim/world.h"
#include "sender/shaping/warm_up.h"

namespace wavepost::sim {

struct Optimum {
  double drain_s = 0;                // of the slowest site
  double sharded_s = 0;              // of the slowest (site, IP): the same without moving recipients between addresses
  std::string slowest;               // its kind
  std::vector<double> kind_drain_s;  // by kind
};

// Messages a second that one address can get rid of at one site, when both its limits and ours are used fully and no
// reply is negative.
double FluidRate(const SiteSpec& site, double at_s);

Optimum ComputeOptimum(const World& world, const Audience& audience, const WarmUpPlan* warm_up);

}  // namespace wavepost::sim
