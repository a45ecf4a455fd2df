// Decides about one page of recipients: suppressed, or which egress IP. Pure.
//
// An IP that is warming up with overflow gets no more of a domain than its cap of the day; what is over goes to the
// warm IPs that come next in the domain's rank, as many of them as the domain's volume asks for. Without a warm IP in
// the pool, or without overflow, it stays, and the sender spreads it over the days.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "coordinator/planner/wave_volumes.h"
#include "coordinator/sharder/sharder.h"
#include "coordinator/sharder/warm_up.h"
#include "coordinator/store/store.h"

namespace wavepost {

// The IPs of a pool, over all nodes that ever attached: a node that is away for a minute keeps its recipients.
// day: of the warm-up, see DayOf.
std::vector<PoolIp> IpsOfPool(const std::vector<cluster::v1::StoredNode>& nodes, std::string_view pool, int64_t day);

class PagePlanner {
 public:
  // ips: from IpsOfPool, not empty. `volumes` may be shared between planners of one wave.
  PagePlanner(std::vector<PoolIp> ips, std::shared_ptr<const WaveVolumes> volumes);

  // True if it was made for these IPs, as IpsOfPool gives them.
  bool IsFor(const std::vector<PoolIp>& ips) const;

  // first, rows: as ReadPlanPage gave them; rows must not be empty. book: of the same day as the IPs; what is taken of
  // it is the plan's warm_up; the caller commits it, or rolls it back.
  Plan Decide(uint32_t wave, uint32_t first, const std::vector<PlanRow>& rows, WarmUpBook* book);
  // Where one recipient goes.
  const PoolIp& Choose(std::string_view address, WarmUpBook* book);

 private:
  // Ranked once per domain and page, not per recipient.
  static constexpr size_t kSetsMax = 10'000;

  struct Sets {
    std::vector<uint32_t> all;
    std::vector<uint32_t> warm;  // for what overflows; filled in when it does
  };

  Sets& SetsOf(std::string_view domain);
  void FillWarm(std::string_view domain, Sets* sets) const;

  const Sharder sharder_;
  size_t warm_ips_ = 0;
  const std::shared_ptr<const WaveVolumes> volumes_;
  absl::flat_hash_map<std::string, Sets> sets_;
};

}  // namespace wavepost
