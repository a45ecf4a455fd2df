// Who gets mail from which egress IP: the coordinator's own sharder over every recipient of the world.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/sim/receiver.h"
#include "bench/sim/world.h"

namespace wavepost::sim {

struct TenantSpec {
  double share = 1;   // of the audience
  double weight = 1;  // in turns
};

struct AudienceOptions {
  int ips = 100;
  std::vector<TenantSpec> tenants;  // one campaign with one wave each; all start at 0
  double urgent_per_second = 0;     // single messages to all of the world, Poisson
  double urgent_until_s = 0;        // no more after that
  int threads = 2;
  uint64_t seed = 1;
};

// Bulk recipients of one tenant in one domain from one IP.
struct Load {
  uint32_t domain = 0;
  uint32_t tenant = 0;
  uint32_t count = 0;
};

struct UrgentArrival {
  Micros at = 0;
  uint32_t domain = 0;
  uint32_t tenant = 0;
};

struct Audience {
  std::vector<std::string> ips;                     // by position in the sharder
  std::vector<std::vector<Load>> loads;             // by IP, in order of domain and tenant
  std::vector<std::vector<UrgentArrival>> urgents;  // by IP, in order of time
};

// The same for any number of threads.
Audience PlanAudience(const World& world, const AudienceOptions& options);

}  // namespace wavepost::sim
