#include "coordinator/dispatch/batch_queue.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"

namespace wavepost {
namespace {

// An empty batch (its recipients are dropped) costs a turn as well.
double CostOf(const PendingHead& head) {
  return static_cast<double>(std::max<int64_t>(head.recipients, 1));
}

double WeightOf(const PendingHead& head) {
  return head.weight > 0 ? head.weight : 1;
}

// Among those with something waiting, the one that has been served least; the first of equals.
template <class Map, class Waiting>
auto LeastServed(Map& map, Waiting waiting) {
  auto best = map.end();
  for (auto it = map.begin(); it != map.end(); ++it) {
    if (!waiting(it->second)) continue;
    if (best == map.end() || it->second.served < best->second.served) best = it;
  }
  return best;
}

}  // namespace

void BatchQueue::Add(PendingHead head) {
  const auto [place, is_new] =
      places_.try_emplace(head.batch_id, Place{head.urgent, head.tenant, head.wave, head.sequence});
  if (!is_new) return;
  Class& in = ClassOf(head.urgent);
  ++in.batches;
  Tenant& tenant = in.tenants[head.tenant];
  if (tenant.batches++ == 0) tenant.served = std::max(tenant.served, in.clock);
  Wave& wave = tenant.waves[head.wave];
  if (wave.heads.empty()) wave.served = std::max(wave.served, tenant.wave_clock);
  wave.heads.emplace(head.sequence, std::move(head));
}

void BatchQueue::PutBack(PendingHead head) {
  const std::string name = head.tenant;
  const uint32_t number = head.wave;
  const double cost = CostOf(head), weight = WeightOf(head);
  Class& in = ClassOf(head.urgent);
  Add(std::move(head));
  Tenant& tenant = in.tenants[name];
  tenant.served -= cost / weight;
  tenant.waves[number].served -= cost;
  urgent_run_ = run_before_pop_;
}

bool BatchQueue::Remove(const std::string& batch_id) {
  const auto found = places_.find(batch_id);
  if (found == places_.end()) return false;
  const Place place = std::move(found->second);
  places_.erase(found);
  Class& in = ClassOf(place.urgent);
  --in.batches;
  Tenant& tenant = in.tenants[place.tenant];
  --tenant.batches;
  tenant.waves[place.wave].heads.erase(place.sequence);
  return true;
}

const PendingHead* BatchQueue::FrontOf(const Class& in) {
  const auto tenant = LeastServed(in.tenants, [](const Tenant& t) { return t.batches > 0; });
  if (tenant == in.tenants.end()) return nullptr;
  const auto wave = LeastServed(tenant->second.waves, [](const Wave& w) { return !w.heads.empty(); });
  return &wave->second.heads.begin()->second;
}

const PendingHead* BatchQueue::Front() const {
  const bool bulk_turn = urgent_.batches == 0 || (urgent_run_ >= kUrgentRunMax && bulk_.batches > 0);
  return FrontOf(bulk_turn ? bulk_ : urgent_);
}

PendingHead BatchQueue::Pop() {
  WP_CHECK(!empty());
  PendingHead head = *Front();
  Class& in = ClassOf(head.urgent);
  Tenant& tenant = in.tenants[head.tenant];
  Wave& wave = tenant.waves[head.wave];
  in.clock = std::max(in.clock, tenant.served);
  tenant.wave_clock = std::max(tenant.wave_clock, wave.served);
  tenant.served += CostOf(head) / WeightOf(head);
  wave.served += CostOf(head);
  run_before_pop_ = urgent_run_;
  urgent_run_ = head.urgent ? urgent_run_ + std::max<int64_t>(head.recipients, 1) : 0;
  Remove(head.batch_id);
  Prune(&in, &tenant);
  return head;
}

// What has nothing waiting and no turns ahead of the others is as if it had never been there.
void BatchQueue::Prune(Class* in, Tenant* tenant) {
  if (++in->pops % kPruneEvery != 0) return;
  std::erase_if(tenant->waves, [&](const auto& entry) {
    return entry.second.heads.empty() && entry.second.served <= tenant->wave_clock;
  });
  std::erase_if(in->tenants,
                [&](const auto& entry) { return entry.second.batches == 0 && entry.second.served <= in->clock; });
}

}  // namespace wavepost
