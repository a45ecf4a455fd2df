// One egress IP against the receivers of the world, event by event in virtual time.
//
// What decides is the sender's own SitePath (shaper, warm-up, greylist book, fair queues), one per site; this file only
// plays the part of the sender's driver: connections, timers, messages that come back when they are due. Bulk
// recipients are counters until they are deferred; a deferred one is a record of a few words.
#pragma once

#include <memory>
#include <vector>

#include "bench/sim/audience.h"
#include "bench/sim/receiver.h"
#include "bench/sim/result.h"
#include "bench/sim/world.h"
#include "sender/shaping/warm_up.h"

namespace wavepost::sim {

struct EgressOptions {
  const World* world = nullptr;
  const std::vector<TenantSpec>* tenants = nullptr;
  std::shared_ptr<const WarmUpPlan> warm_up;  // null: the address is warm
  double bucket_s = 10;                       // of the series over time
  Micros horizon = 7 * 86400 * kSecond;       // gives up there
  uint64_t seed = 1;                          // of this IP
};

// Virtual time 0. Midnight, so that days of warm-up begin with it.
absl::Time Epoch();

SimResult SimulateEgress(const std::string& ip, const std::vector<Load>& loads,
                         const std::vector<UrgentArrival>& urgents, const EgressOptions& options);

}  // namespace wavepost::sim
