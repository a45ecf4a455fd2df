// What a simulation counts, and how the counts of many egress IPs become one. Merging in a fixed order gives the same
// numbers whatever the number of threads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "bench/sim/audience.h"
#include "bench/sim/receiver.h"

namespace wavepost::sim {

// Waits by size: buckets of 5 %, from 1 ms to days.
class WaitHistogram {
 public:
  void Add(Micros wait);
  void Merge(const WaitHistogram& other);
  int64_t count() const { return count_; }
  double max_s() const { return static_cast<double>(max_) / kSecond; }
  // Upper border of the bucket that holds the quantile, in seconds; 0 if nothing was counted.
  double Quantile(double q) const;
  // {upper border in seconds, count} of the buckets that hold something.
  std::vector<std::pair<double, int64_t>> Buckets() const;

 private:
  static constexpr size_t kBuckets = 500;
  std::array<int64_t, kBuckets> counts_{};
  int64_t count_ = 0;
  Micros max_ = 0;
};

struct KindCounts {
  int64_t recipients = 0;  // bulk
  int64_t urgent = 0;      // single messages
  int64_t accepted = 0, bounced = 0;
  int64_t throttled = 0;   // 4xx to messages for going too fast
  int64_t refused = 0;     // connections refused at the greeting
  int64_t greylisted = 0;  // 4xx of greylisting
  int64_t early = 0;       // of those: retries before the window had passed
  Micros finished_at = 0;  // last bulk recipient
  // Sums over (site, IP) pairs, each weighted by its contended turns: Jain index of the tenants with equal audiences,
  // and of all tenants.
  double jain_weight = 0, jain_equal = 0, jain_all = 0;
  std::vector<int64_t> accepted_by_bucket, throttled_by_bucket;  // over time

  int64_t attempts() const { return accepted + bounced + throttled + refused + greylisted; }
  void Merge(const KindCounts& other);
};

struct SimResult {
  explicit SimResult(size_t kind_count = 0, size_t tenants = 0) : kinds(kind_count), sent_contended(tenants) {}

  std::vector<KindCounts> kinds;
  std::vector<int64_t> sent_contended;  // by tenant: turns while every tenant with work there had work
  // Jain index of single (site, IP) pairs, weighted by their contended turns: in the kinds. And the lowest.
  double jain_lowest = 1;         // of tenants with equal audiences, in a single (site, IP) pair
  WaitHistogram urgent_start;     // from arrival to MAIL
  WaitHistogram urgent_accepted;  // from arrival to the answer to the dot; greylisted ones left out
  WaitHistogram grey_extra;       // acceptance beyond the receiver's window
  int64_t connections = 0, events = 0;
  int64_t over_cap = 0;     // messages beyond a day's warm-up cap (urgent ones may)
  int64_t undelivered = 0;  // bulk recipients that were open when the simulation gave up
  Micros drained_at = 0;

  void Merge(const SimResult& other);
  // contended: turns by tenant at one (site, IP), taken while all tenants had work there; all must have had some, or
  // their sums over sites could not be compared.
  void CountFairness(const std::vector<int32_t>& contended, const std::vector<TenantSpec>& tenants, KindCounts* counts);
};

// (sum x)^2 / (n * sum x^2); 1 if there is nothing to compare.
double JainIndex(const std::vector<int64_t>& amounts);

}  // namespace wavepost::sim
