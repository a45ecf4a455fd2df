#include "bench/sim/result.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace wavepost::sim {
namespace {

constexpr double kFirstBorder = 1000;  // microseconds
constexpr double kStep = 1.05;
constexpr int64_t kJainTurnsMin = 50;  // per tenant; fewer say nothing about fairness

void AddSeries(std::vector<int64_t>* to, const std::vector<int64_t>& from) {
  if (to->size() < from.size()) to->resize(from.size());
  for (size_t i = 0; i < from.size(); ++i) (*to)[i] += from[i];
}

double Border(size_t bucket) {
  return kFirstBorder * std::pow(kStep, static_cast<double>(bucket)) / kSecond;
}

}  // namespace

void WaitHistogram::Add(Micros wait) {
  wait = std::max<Micros>(wait, 0);
  const double place = std::ceil(std::log(std::max(1.0, static_cast<double>(wait) / kFirstBorder)) / std::log(kStep));
  ++counts_[std::min(static_cast<size_t>(place), kBuckets - 1)];
  ++count_;
  max_ = std::max(max_, wait);
}

void WaitHistogram::Merge(const WaitHistogram& other) {
  for (size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

double WaitHistogram::Quantile(double q) const {
  if (count_ == 0) return 0;
  const auto rank = static_cast<int64_t>(std::ceil(q * static_cast<double>(count_)));
  int64_t seen = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    seen += counts_[i];
    if (seen >= rank && counts_[i] > 0) return std::min(Border(i), max_s());
  }
  return max_s();
}

std::vector<std::pair<double, int64_t>> WaitHistogram::Buckets() const {
  std::vector<std::pair<double, int64_t>> buckets;
  for (size_t i = 0; i < kBuckets; ++i) {
    if (counts_[i] > 0) buckets.emplace_back(Border(i), counts_[i]);
  }
  return buckets;
}

void KindCounts::Merge(const KindCounts& other) {
  recipients += other.recipients;
  urgent += other.urgent;
  accepted += other.accepted;
  bounced += other.bounced;
  throttled += other.throttled;
  refused += other.refused;
  greylisted += other.greylisted;
  early += other.early;
  jain_weight += other.jain_weight;
  jain_equal += other.jain_equal;
  jain_all += other.jain_all;
  finished_at = std::max(finished_at, other.finished_at);
  AddSeries(&accepted_by_bucket, other.accepted_by_bucket);
  AddSeries(&throttled_by_bucket, other.throttled_by_bucket);
}

void SimResult::Merge(const SimResult& other) {
  for (size_t i = 0; i < kinds.size(); ++i) kinds[i].Merge(other.kinds[i]);
  AddSeries(&sent_contended, other.sent_contended);
  jain_lowest = std::min(jain_lowest, other.jain_lowest);
  urgent_start.Merge(other.urgent_start);
  urgent_accepted.Merge(other.urgent_accepted);
  grey_extra.Merge(other.grey_extra);
  connections += other.connections;
  events += other.events;
  over_cap += other.over_cap;
  undelivered += other.undelivered;
  drained_at = std::max(drained_at, other.drained_at);
}

void SimResult::CountFairness(const std::vector<int32_t>& contended, const std::vector<TenantSpec>& tenants,
                              KindCounts* counts) {
  std::vector<int64_t> all, equal;
  int64_t turns = 0;
  for (size_t tenant = 0; tenant < tenants.size(); ++tenant) {
    const int64_t amount = contended[tenant];
    sent_contended[tenant] += amount;
    turns += amount;
    all.push_back(amount);
    if (tenants[tenant].share == tenants[0].share) equal.push_back(amount);
  }
  if (turns < kJainTurnsMin * static_cast<int64_t>(tenants.size())) return;
  counts->jain_weight += static_cast<double>(turns);
  counts->jain_equal += JainIndex(equal) * static_cast<double>(turns);
  counts->jain_all += JainIndex(all) * static_cast<double>(turns);
  jain_lowest = std::min(jain_lowest, JainIndex(equal));
}

double JainIndex(const std::vector<int64_t>& amounts) {
  double sum = 0, squares = 0;
  for (const int64_t amount : amounts) {
    sum += static_cast<double>(amount);
    squares += static_cast<double>(amount) * static_cast<double>(amount);
  }
  return squares > 0 ? sum * sum / (static_cast<double>(amounts.size()) * squares) : 1;
}

}  // namespace wavepost::sim
