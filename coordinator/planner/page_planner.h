// Decides about one page of recipients: suppressed, or which egress IP. Pure.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "coordinator/planner/wave_volumes.h"
#include "coordinator/sharder/sharder.h"
#include "coordinator/store/store.h"

namespace wavepost {

// The IPs of a pool, over all nodes that ever attached: a node that is away for a minute keeps its recipients.
std::vector<PoolIp> IpsOfPool(const std::vector<cluster::v1::StoredNode>& nodes, std::string_view pool);

class PagePlanner {
 public:
  // ips: from IpsOfPool, not empty. `volumes` may be shared between planners of one wave.
  PagePlanner(std::vector<PoolIp> ips, std::shared_ptr<const WaveVolumes> volumes);

  // True if it was made for these IPs, as IpsOfPool gives them.
  bool IsFor(const std::vector<PoolIp>& ips) const;

  // first, rows: as ReadPlanPage gave them; rows must not be empty.
  Plan Decide(uint32_t wave, uint32_t first, const std::vector<PlanRow>& rows);

 private:
  // Ranked once per domain and page, not per recipient.
  static constexpr size_t kSetsMax = 10'000;

  const std::vector<uint32_t>& SetOf(std::string_view domain);

  const Sharder sharder_;
  const std::shared_ptr<const WaveVolumes> volumes_;
  absl::flat_hash_map<std::string, std::vector<uint32_t>> sets_;
};

}  // namespace wavepost
