#include "coordinator/planner/page_planner.h"

#include <algorithm>
#include <utility>

#include "common/base/strings.h"

namespace wavepost {

std::vector<PoolIp> IpsOfPool(const std::vector<cluster::v1::StoredNode>& nodes, std::string_view pool, int64_t day) {
  std::vector<PoolIp> ips;
  for (const auto& node : nodes) {
    for (const v1::EgressIp& ip : node.egress_ips()) {
      if (ip.pool() != pool) continue;
      ips.push_back({.address = ip.address(), .node = node.node_id(), .weight = ip.weight()});
      if (!ip.has_warm_up()) continue;
      ips.back().cap = CapOf(ip.warm_up(), day);
      ips.back().overflow = ip.warm_up().overflow();
    }
  }
  std::sort(ips.begin(), ips.end(), [](const PoolIp& a, const PoolIp& b) { return a.address < b.address; });
  return ips;
}

PagePlanner::PagePlanner(std::vector<PoolIp> ips, std::shared_ptr<const WaveVolumes> volumes)
    : sharder_(std::move(ips)), volumes_(std::move(volumes)) {
  for (const PoolIp& ip : sharder_.ips()) warm_ips_ += ip.cap == kNoCap ? 1 : 0;
}

bool PagePlanner::IsFor(const std::vector<PoolIp>& ips) const {
  return std::equal(ips.begin(), ips.end(), sharder_.ips().begin(), sharder_.ips().end(),
                    [](const PoolIp& a, const PoolIp& b) {
                      return a.address == b.address && a.node == b.node && a.weight == b.weight && a.cap == b.cap &&
                             a.overflow == b.overflow;
                    });
}

PagePlanner::Sets& PagePlanner::SetsOf(std::string_view domain) {
  const auto found = sets_.find(Av(domain));
  if (found != sets_.end()) return found->second;
  if (sets_.size() >= kSetsMax) sets_.clear();
  Sets& sets = sets_[std::string(domain)];
  sets.all = sharder_.DomainSet(domain, SpreadOf(volumes_->VolumeOf(domain), sharder_.ips().size()));
  return sets;
}

void PagePlanner::FillWarm(std::string_view domain, Sets* sets) const {
  const size_t wanted = SpreadOf(volumes_->VolumeOf(domain), warm_ips_);
  for (const uint32_t position : sharder_.DomainSet(domain, sharder_.ips().size())) {
    if (sharder_.ips()[position].cap == kNoCap) sets->warm.push_back(position);
    if (sets->warm.size() == wanted) return;
  }
}

const PoolIp& PagePlanner::Choose(std::string_view address, WarmUpBook* book) {
  const std::string_view domain = WaveVolumes::DomainOf(address);
  Sets& sets = SetsOf(domain);
  const PoolIp& ip = sharder_.ips()[sharder_.Choose(sets.all, address)];
  if (ip.cap == kNoCap || !ip.overflow || warm_ips_ == 0) return ip;
  if (book->Take(ip.address, domain, ip.cap)) return ip;
  if (sets.warm.empty()) FillWarm(domain, &sets);
  return sharder_.ips()[sharder_.Choose(sets.warm, address)];
}

Plan PagePlanner::Decide(uint32_t wave, uint32_t first, const std::vector<PlanRow>& rows, WarmUpBook* book) {
  Plan plan{.wave = wave, .from_index = first, .through_index = rows.back().id.index + 1};
  plan.assignments.reserve(rows.size());
  for (const PlanRow& row : rows) {
    if (row.suppressed) {
      plan.suppressed.push_back(row.id);
      continue;
    }
    const PoolIp& ip = Choose(row.address, book);
    plan.assignments.push_back({row.id, ip.node, ip.address});
  }
  plan.warm_up_day = book->day();
  for (const WarmUpBook::Count& count : book->Changed()) {
    plan.warm_up.push_back({count.egress_ip, count.domain, count.recipients});
  }
  return plan;
}

}  // namespace wavepost
