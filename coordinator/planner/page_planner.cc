#include "coordinator/planner/page_planner.h"

#include <algorithm>
#include <utility>

#include "common/base/strings.h"

namespace wavepost {

std::vector<PoolIp> IpsOfPool(const std::vector<cluster::v1::StoredNode>& nodes, std::string_view pool) {
  std::vector<PoolIp> ips;
  for (const auto& node : nodes) {
    for (const v1::EgressIp& ip : node.egress_ips()) {
      if (ip.pool() == pool) ips.push_back({ip.address(), node.node_id(), ip.weight()});
    }
  }
  std::sort(ips.begin(), ips.end(), [](const PoolIp& a, const PoolIp& b) { return a.address < b.address; });
  return ips;
}

PagePlanner::PagePlanner(std::vector<PoolIp> ips, std::shared_ptr<const WaveVolumes> volumes)
    : sharder_(std::move(ips)), volumes_(std::move(volumes)) {}

bool PagePlanner::IsFor(const std::vector<PoolIp>& ips) const {
  return std::equal(ips.begin(), ips.end(), sharder_.ips().begin(), sharder_.ips().end(),
                    [](const PoolIp& a, const PoolIp& b) {
                      return a.address == b.address && a.node == b.node && a.weight == b.weight;
                    });
}

const std::vector<uint32_t>& PagePlanner::SetOf(std::string_view domain) {
  const auto found = sets_.find(Av(domain));
  if (found != sets_.end()) return found->second;
  if (sets_.size() >= kSetsMax) sets_.clear();
  const size_t k = SpreadOf(volumes_->VolumeOf(domain), sharder_.ips().size());
  return sets_.emplace(std::string(domain), sharder_.DomainSet(domain, k)).first->second;
}

Plan PagePlanner::Decide(uint32_t wave, uint32_t first, const std::vector<PlanRow>& rows) {
  Plan plan{.wave = wave, .from_index = first, .through_index = rows.back().id.index + 1};
  plan.assignments.reserve(rows.size());
  for (const PlanRow& row : rows) {
    if (row.suppressed) {
      plan.suppressed.push_back(row.id);
      continue;
    }
    const PoolIp& ip = sharder_.ips()[sharder_.Choose(SetOf(WaveVolumes::DomainOf(row.address)), row.address)];
    plan.assignments.push_back({row.id, ip.node, ip.address});
  }
  return plan;
}

}  // namespace wavepost
