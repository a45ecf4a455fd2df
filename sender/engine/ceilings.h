// Ceilings above all sites: how many messages a second one tenant may send from this node. Pure.
//
// Not thread-safe: each thread that sends has its own, with its share of the rate.
#pragma once

#include <cstdint>
#include <limits>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "sender/shaping/gcra.h"

namespace wavepost {

class Ceilings {
 public:
  // tenant: the number that FlowKey::tenant has.
  void SetTenant(uint32_t tenant, double messages_per_second, absl::Time now);
  // All of them together (a pool of egress IPs).
  void SetAll(double messages_per_second, absl::Time now);

  // When the next message of anybody may leave; in the past: at once.
  absl::Time Next(absl::Time now) const;
  // Tenants that may not send at `now`; null: there are none. Valid until the next call.
  const absl::flat_hash_set<uint32_t>* Stopped(absl::Time now);
  // When the first of those may send again; InfiniteFuture: none is stopped.
  absl::Time FirstAgain(absl::Time now) const;
  void OnSending(uint32_t tenant, absl::Time now);

 private:
  Gcra all_{std::numeric_limits<double>::infinity(), 1};
  absl::flat_hash_map<uint32_t, Gcra> tenants_;
  absl::flat_hash_set<uint32_t> stopped_;
};

}  // namespace wavepost
