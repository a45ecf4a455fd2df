#include "bench/sim/audience.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <thread>

#include "absl/strings/str_cat.h"
#include "bench/sim/random.h"
#include "common/base/strings.h"
#include "coordinator/sharder/hash.h"
#include "coordinator/sharder/sharder.h"

namespace wavepost::sim {
namespace {

constexpr size_t kDomainsPerTask = 512;

// "t3u123@domain": every recipient has an address of its own, for it decides about the IP.
class AddressText {
 public:
  AddressText(char kind, uint32_t tenant, std::string_view domain) : tail_(absl::StrCat("@", Av(domain))) {
    text_ = absl::StrCat(std::string(1, kind), tenant, "u");
    head_ = text_.size();
    text_.resize(head_ + 20 + tail_.size());
  }
  std::string_view Of(uint64_t number) {
    char* const end = std::to_chars(text_.data() + head_, text_.data() + head_ + 20, number).ptr;
    std::copy(tail_.begin(), tail_.end(), end);
    return {text_.data(), static_cast<size_t>(end - text_.data()) + tail_.size()};
  }

 private:
  std::string text_, tail_;
  size_t head_;
};

class Planner {
 public:
  Planner(const World& world, const AudienceOptions& options)
      : world_(world), options_(options), sharder_(Pool(options.ips)) {
    double sum = 0;
    for (const TenantSpec& tenant : options.tenants) shares_until_.push_back(sum += tenant.share);
    for (double& share : shares_until_) share /= sum;
  }

  Audience Plan() {
    const size_t tasks = (world_.domains.size() + kDomainsPerTask - 1) / kDomainsPerTask;
    std::vector<std::vector<std::vector<Load>>> parts(tasks);
    std::atomic<size_t> next = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < std::max(1, options_.threads); ++i) {
      threads.emplace_back([&] {
        for (size_t task = next++; task < tasks; task = next++) parts[task] = PlanDomains(task * kDomainsPerTask);
      });
    }
    for (std::thread& thread : threads) thread.join();

    Audience audience;
    for (const PoolIp& ip : sharder_.ips()) audience.ips.push_back(ip.address);
    audience.loads.resize(audience.ips.size());
    for (auto& part : parts) {
      for (size_t ip = 0; ip < part.size(); ++ip) {
        audience.loads[ip].insert(audience.loads[ip].end(), part[ip].begin(), part[ip].end());
        part[ip] = {};
      }
    }
    audience.urgents.resize(audience.ips.size());
    PlanUrgents(&audience);
    return audience;
  }

 private:
  static std::vector<PoolIp> Pool(int ips) {
    std::vector<PoolIp> pool;
    for (int i = 0; i < ips; ++i) pool.push_back({.address = absl::StrCat("192.0.", i / 250, ".", 1 + i % 250)});
    return pool;
  }

  // How many of a domain's recipients each tenant has: its share, rounded so that the whole is exact.
  int64_t UntilTenant(size_t domain, size_t tenant) const {
    const int64_t volume = world_.domains[domain].volume;
    if (tenant + 1 == shares_until_.size()) return volume;
    const double offset = static_cast<double>(HashPair(domain, options_.seed) >> 11) * 0x1.0p-53;
    return std::min(volume, static_cast<int64_t>(shares_until_[tenant] * static_cast<double>(volume) + offset));
  }

  std::vector<std::vector<Load>> PlanDomains(size_t first) const {
    std::vector<std::vector<Load>> loads(sharder_.ips().size());
    std::vector<uint32_t> counts(sharder_.ips().size());
    const size_t end = std::min(first + kDomainsPerTask, world_.domains.size());
    for (size_t domain = first; domain < end; ++domain) {
      int64_t before = 0;
      for (uint32_t tenant = 0; tenant < shares_until_.size(); ++tenant) {
        const int64_t until = UntilTenant(domain, tenant);
        const int64_t volume = until - before;
        before = until;
        if (volume <= 0) continue;
        PlanWave(domain, tenant, volume, &counts);
        for (size_t ip = 0; ip < counts.size(); ++ip) {
          if (counts[ip] > 0) loads[ip].push_back({static_cast<uint32_t>(domain), tenant, counts[ip]});
          counts[ip] = 0;
        }
      }
    }
    return loads;
  }

  void PlanWave(size_t domain, uint32_t tenant, int64_t volume, std::vector<uint32_t>* counts) const {
    const std::string& name = world_.domains[domain].name;
    const std::vector<uint32_t> set = sharder_.DomainSet(name, SpreadOf(volume, sharder_.ips().size()));
    if (set.size() == 1) {
      (*counts)[set[0]] += static_cast<uint32_t>(volume);
      return;
    }
    AddressText address('t', tenant, name);
    for (int64_t i = 0; i < volume; ++i) ++(*counts)[sharder_.Choose(set, address.Of(static_cast<uint64_t>(i)))];
  }

  // To domains by volume; from the IPs over which a wave of the domain's volume would be spread.
  void PlanUrgents(Audience* audience) const {
    if (options_.urgent_per_second <= 0) return;
    std::vector<int64_t> volume_until;
    int64_t sum = 0;
    for (const DomainSpec& domain : world_.domains) volume_until.push_back(sum += domain.volume);
    Random random(options_.seed ^ 0x757267656e74ULL);
    double at = 0;
    for (uint64_t i = 0;; ++i) {
      at += random.Exponential(1 / options_.urgent_per_second);
      if (at > options_.urgent_until_s) return;
      const auto place = static_cast<int64_t>(random.Uniform() * static_cast<double>(sum));
      const auto domain = static_cast<uint32_t>(std::upper_bound(volume_until.begin(), volume_until.end(), place) -
                                                volume_until.begin());
      const DomainSpec& spec = world_.domains[domain];
      const size_t k = SpreadOf(spec.volume, sharder_.ips().size());
      AddressText address('p', 0, spec.name);
      const uint32_t ip = sharder_.Choose(sharder_.DomainSet(spec.name, k), address.Of(i));
      const auto tenant = static_cast<uint32_t>(random.Next() % shares_until_.size());
      audience->urgents[ip].push_back({static_cast<Micros>(at * kSecond), domain, tenant});
    }
  }

  const World& world_;
  const AudienceOptions& options_;
  const Sharder sharder_;
  std::vector<double> shares_until_;  // cumulated
};

}  // namespace

Audience PlanAudience(const World& world, const AudienceOptions& options) {
  return Planner(world, options).Plan();
}

}  // namespace wavepost::sim
