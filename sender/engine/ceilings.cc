#include "sender/engine/ceilings.h"

#include <algorithm>

namespace wavepost {
namespace {

// A second's worth may go at once: what people mean by "so many a second".
double BurstOf(double per_second) {
  return std::max(1.0, per_second);
}

}  // namespace

void Ceilings::SetTenant(uint32_t tenant, double messages_per_second, absl::Time now) {
  const auto [it, is_new] = tenants_.try_emplace(tenant, messages_per_second, BurstOf(messages_per_second));
  if (!is_new) it->second.SetRate(messages_per_second, BurstOf(messages_per_second), now);
}

void Ceilings::SetAll(double messages_per_second, absl::Time now) {
  all_.SetRate(messages_per_second, BurstOf(messages_per_second), now);
}

absl::Time Ceilings::Next(absl::Time now) const {
  return all_.Next(now);
}

const absl::flat_hash_set<uint32_t>* Ceilings::Stopped(absl::Time now) {
  if (tenants_.empty()) return nullptr;
  stopped_.clear();
  for (const auto& [tenant, rate] : tenants_) {
    if (rate.Next(now) > now) stopped_.insert(tenant);
  }
  return stopped_.empty() ? nullptr : &stopped_;
}

absl::Time Ceilings::FirstAgain(absl::Time now) const {
  absl::Time first = absl::InfiniteFuture();
  for (const auto& [tenant, rate] : tenants_) {
    const absl::Time next = rate.Next(now);
    if (next > now) first = std::min(first, next);
  }
  return first;
}

void Ceilings::OnSending(uint32_t tenant, absl::Time now) {
  all_.Take(now);
  if (auto found = tenants_.find(tenant); found != tenants_.end()) found->second.Take(now);
}

}  // namespace wavepost
