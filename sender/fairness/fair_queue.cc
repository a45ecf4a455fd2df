#include "sender/fairness/fair_queue.h"

#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/base/check.h"
#include "sender/fairness/turns.h"

namespace wavepost {
namespace {

using Slot = Turns::Slot;
constexpr uint32_t kNoLane = UINT32_MAX;

struct LaneNode {
  FairQueue::Lane lane = nullptr;
  uint32_t next = kNoLane;  // in the ring of its wave; of free nodes: the next one
  uint32_t before = kNoLane;
  Slot tenant = 0;
  Slot wave = 0;
  bool urgent = false;
  bool retry = false;
};

// The lanes of a wave: two rings, each named by the one whose turn it is.
struct Wave {
  uint32_t newcomers = kNoLane;
  uint32_t retries = kNoLane;

  uint32_t& ring(bool retry) { return retry ? retries : newcomers; }
};

struct Tenant {
  Turns turns;              // among its waves
  std::vector<Wave> waves;  // by slot
};

struct Level {
  Turns turns;                  // among tenants
  std::vector<Tenant> tenants;  // by slot
};

template <class T>
T& At(std::vector<T>& items, Slot slot) {
  if (slot >= items.size()) items.resize(slot + 1);
  return items[slot];
}

}  // namespace

struct FairQueue::Impl {
  Level levels[2];  // bulk, urgent
  std::vector<LaneNode> nodes;
  uint32_t free = kNoLane;
  absl::flat_hash_map<Lane, uint32_t> places;  // lane -> node

  uint32_t NewNode() {
    if (free == kNoLane) {
      nodes.emplace_back();
      return static_cast<uint32_t>(nodes.size() - 1);
    }
    return std::exchange(free, nodes[free].next);
  }

  // To the end of the ring: just before the one whose turn it is.
  void Link(uint32_t& ring, uint32_t place) {
    LaneNode& node = nodes[place];
    if (ring == kNoLane) {
      ring = node.next = node.before = place;
      return;
    }
    node.next = ring;
    node.before = nodes[ring].before;
    nodes[node.before].next = place;
    nodes[ring].before = place;
  }

  void Unlink(uint32_t& ring, uint32_t place) {
    const LaneNode& node = nodes[place];
    nodes[node.before].next = node.next;
    nodes[node.next].before = node.before;
    if (ring == place) ring = node.next == place ? kNoLane : node.next;
  }

  // Tells the turns above a wave what it has now.
  void Tell(Level& level, Slot tenant_slot, Slot wave_slot) {
    Tenant& tenant = level.tenants[tenant_slot];
    const Wave& wave = tenant.waves[wave_slot];
    const bool retries = wave.retries != kNoLane;
    tenant.turns.SetReady(wave_slot, retries || wave.newcomers != kNoLane, retries);
    level.turns.SetReady(tenant_slot, tenant.turns.ready() > 0, tenant.turns.Peek(true, nullptr) != Turns::kNone);
  }

  Slot PeekTenant(bool urgent, const Wanted& wanted) const {
    return levels[urgent].turns.Peek(!urgent && !wanted.newcomers, wanted.stopped_tenants);
  }
};

FairQueue::FairQueue() : impl_(std::make_unique<Impl>()) {}
FairQueue::~FairQueue() = default;

void FairQueue::Add(Lane lane, const FlowKey& flow) {
  const auto [entry, is_new] = impl_->places.try_emplace(lane, kNoLane);
  if (!is_new) return;
  const uint32_t place = impl_->NewNode();
  entry->second = place;

  Level& level = impl_->levels[flow.urgent];
  const Slot tenant_slot = level.turns.Open(flow.tenant, flow.weight);
  Tenant& tenant = At(level.tenants, tenant_slot);
  const Slot wave_slot = tenant.turns.Open(flow.wave, 1);
  impl_->nodes[place] = {
      .lane = lane, .tenant = tenant_slot, .wave = wave_slot, .urgent = flow.urgent, .retry = flow.retry};
  impl_->Link(At(tenant.waves, wave_slot).ring(flow.retry), place);
  impl_->Tell(level, tenant_slot, wave_slot);
}

void FairQueue::Remove(Lane lane) {
  const auto entry = impl_->places.find(lane);
  if (entry == impl_->places.end()) return;
  const uint32_t place = entry->second;
  impl_->places.erase(entry);

  LaneNode& node = impl_->nodes[place];
  Level& level = impl_->levels[node.urgent];
  impl_->Unlink(level.tenants[node.tenant].waves[node.wave].ring(node.retry), place);
  impl_->Tell(level, node.tenant, node.wave);
  node.lane = nullptr;
  node.next = std::exchange(impl_->free, place);
}

bool FairQueue::Contains(Lane lane) const {
  return impl_->places.contains(lane);
}

FairQueue::Lane FairQueue::Next(const Wanted& wanted) {
  for (const bool urgent : {true, false}) {
    if (!urgent && !wanted.bulk) break;
    const Slot tenant_slot = impl_->PeekTenant(urgent, wanted);
    if (tenant_slot == Turns::kNone) continue;
    Level& level = impl_->levels[urgent];
    Tenant& tenant = level.tenants[tenant_slot];
    const Slot wave_slot = tenant.turns.Peek(!urgent && !wanted.newcomers, nullptr);
    WP_CHECK(wave_slot != Turns::kNone);
    Wave& wave = tenant.waves[wave_slot];
    uint32_t& ring = wave.ring(wave.retries != kNoLane);
    const LaneNode& node = impl_->nodes[ring];
    ring = node.next;
    level.turns.Charge(tenant_slot);
    tenant.turns.Charge(wave_slot);
    return node.lane;
  }
  return nullptr;
}

void FairQueue::Refund(const FlowKey& flow) {
  Level& level = impl_->levels[flow.urgent];
  const Slot tenant_slot = level.turns.Find(flow.tenant);
  if (tenant_slot == Turns::kNone) return;
  level.turns.Refund(tenant_slot);
  Tenant& tenant = level.tenants[tenant_slot];
  const Slot wave_slot = tenant.turns.Find(flow.wave);
  if (wave_slot != Turns::kNone) tenant.turns.Refund(wave_slot);
}

bool FairQueue::Has(const Wanted& wanted) const {
  return impl_->PeekTenant(true, wanted) != Turns::kNone ||
         (wanted.bulk && impl_->PeekTenant(false, wanted) != Turns::kNone);
}

size_t FairQueue::size() const {
  return impl_->places.size();
}

}  // namespace wavepost
