#include "coordinator/sharder/sharder.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/base/check.h"
#include "coordinator/sharder/hash.h"

namespace wavepost {
namespace {

// Domain and address must rank differently, or the first IP of a set would get everything.
constexpr uint64_t kDomainSalt = 0x646f6d61696e0001ULL;
constexpr uint64_t kAddressSalt = 0x6164647265737301ULL;

// A weight that still leaves an order among IPs that should take nothing.
constexpr double kWeightMin = 1e-9;

}  // namespace

size_t SpreadOf(int64_t volume, size_t ips) {
  if (volume <= kDomainVolumePerIp || ips <= 1) return 1;
  const int64_t beyond_two = std::max<int64_t>(volume - 2 * kDomainVolumePerIp, 0);
  const auto wanted = static_cast<uint64_t>(2 + beyond_two / kDomainVolumePerMoreIp);
  return static_cast<size_t>(std::min<uint64_t>(wanted, ips));
}

Sharder::Sharder(std::vector<PoolIp> ips) : ips_(std::move(ips)) {
  WP_CHECK(!ips_.empty());
  std::sort(ips_.begin(), ips_.end(), [](const PoolIp& a, const PoolIp& b) { return a.address < b.address; });
  hashes_.reserve(ips_.size());
  for (const PoolIp& ip : ips_) hashes_.push_back(HashText(ip.address));
}

double Sharder::Score(uint64_t key, size_t ip) const {
  // The upper 53 bits and a half: inside (0, 1), never 0 or 1.
  const double h = (static_cast<double>(HashPair(key, hashes_[ip]) >> 11) + 0.5) * 0x1.0p-53;
  const double weight = std::isfinite(ips_[ip].weight) ? std::max(ips_[ip].weight, kWeightMin) : kWeightMin;
  return -weight / std::log(h);
}

std::vector<uint32_t> Sharder::DomainSet(std::string_view domain, size_t k) const {
  k = std::clamp<size_t>(k, 1, ips_.size());
  const uint64_t key = HashText(domain) ^ kDomainSalt;
  std::vector<std::pair<double, uint32_t>> ranked;
  ranked.reserve(ips_.size());
  for (uint32_t i = 0; i < ips_.size(); ++i) ranked.emplace_back(-Score(key, i), i);
  std::partial_sort(ranked.begin(), ranked.begin() + static_cast<ptrdiff_t>(k), ranked.end());
  std::vector<uint32_t> set;
  set.reserve(k);
  for (size_t i = 0; i < k; ++i) set.push_back(ranked[i].second);
  return set;
}

uint32_t Sharder::Choose(const std::vector<uint32_t>& set, std::string_view address) const {
  WP_CHECK(!set.empty());
  if (set.size() == 1) return set[0];
  const uint64_t key = HashText(address) ^ kAddressSalt;
  uint32_t best = set[0];
  double best_score = Score(key, best);
  for (size_t i = 1; i < set.size(); ++i) {
    const double score = Score(key, set[i]);
    if (score > best_score || (score == best_score && set[i] < best)) {
      best = set[i];
      best_score = score;
    }
  }
  return best;
}

}  // namespace wavepost
