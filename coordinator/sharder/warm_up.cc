#include "coordinator/sharder/warm_up.h"

#include <algorithm>
#include <tuple>

namespace wavepost {

int64_t DayOf(absl::Time now) {
  return absl::ToUnixSeconds(now) / 86400;
}

int64_t CapOf(const v1::WarmUp& warm_up, int64_t day) {
  const int64_t index = day - warm_up.start_time().seconds() / 86400;
  if (index < 0) return 0;
  if (index >= warm_up.daily_caps_size()) return kNoCap;
  return warm_up.daily_caps(static_cast<int>(index));
}

bool WarmUpBook::StartDay(int64_t day) {
  if (day == day_) return false;
  day_ = day;
  counts_.clear();
  before_.clear();
  return true;
}

void WarmUpBook::Load(std::string_view egress_ip, std::string_view domain, int64_t recipients) {
  if (counts_.size() < kEntriesMax) counts_[{std::string(egress_ip), std::string(domain)}] = recipients;
}

bool WarmUpBook::Take(std::string_view egress_ip, std::string_view domain, int64_t cap) {
  if (cap == kNoCap) return true;
  Key key(egress_ip, domain);
  const auto found = counts_.find(key);
  const int64_t count = found == counts_.end() ? 0 : found->second;
  if (count >= cap) return false;
  if (found == counts_.end() && counts_.size() >= kEntriesMax) return true;
  before_.try_emplace(key, count);
  counts_[std::move(key)] = count + 1;
  return true;
}

std::vector<WarmUpBook::Count> WarmUpBook::Changed() const {
  std::vector<Count> changed;
  for (const auto& [key, before] : before_) changed.push_back({key.first, key.second, counts_.at(key)});
  std::sort(changed.begin(), changed.end(), [](const Count& a, const Count& b) {
    return std::tie(a.egress_ip, a.domain) < std::tie(b.egress_ip, b.domain);
  });
  return changed;
}

void WarmUpBook::Rollback() {
  for (const auto& [key, before] : before_) counts_[key] = before;
  before_.clear();
}

}  // namespace wavepost
