#include "sender/shaping/warm_up.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "wavepost/cluster/v1/sender_records.pb.h"

namespace wavepost {
namespace {

constexpr absl::Duration kDay = absl::Hours(24);

int64_t DayOf(absl::Time now) {
  return absl::ToInt64Hours(now - absl::UnixEpoch()) / 24;
}
absl::Time StartOf(int64_t day) {
  return absl::UnixEpoch() + day * kDay;
}

int64_t BurstOf(int64_t cap) {
  return std::max(WarmUpPlan::kBurstMin, cap / WarmUpPlan::kBurstShare);
}

// Between two messages, if `left` are to be spread over `rest` of a day. One more than left: the last one is due before
// midnight, not at it.
absl::Duration IntervalOf(int64_t cap, int64_t left, absl::Duration rest) {
  return std::max(rest / (std::max<int64_t>(left, 0) + 1), WarmUpPlan::kFastestDay / std::max<int64_t>(cap, 1));
}

}  // namespace

const std::vector<int64_t>& WarmUpPlan::BuiltInCaps() {
  static const auto& caps = *new std::vector<int64_t>{200,   500,   1000,   2000,   5000,   10000,  20000,
                                                      40000, 80000, 160000, 320000, 640000, 1280000};
  return caps;
}

std::optional<int64_t> WarmUpPlan::CapAt(absl::Time now) const {
  if (now < start) return 0;
  const int64_t day = DayOf(now) - DayOf(start);
  if (static_cast<size_t>(day) >= caps.size()) return std::nullopt;
  return caps[static_cast<size_t>(day)];
}

absl::Time WarmUpPlan::ThroughAt(int64_t recipients, int64_t sent_today, absl::Time now) const {
  if (recipients <= 0) return now;
  absl::Time at = now;
  int64_t sent = std::max<int64_t>(sent_today, 0);
  if (at < start) {
    at = start;
    sent = 0;
  }
  while (true) {  // at most once for each of `caps`
    const std::optional<int64_t> cap = CapAt(at);
    if (!cap.has_value()) return at;
    const absl::Time end = StartOf(DayOf(at) + 1);
    const int64_t burst = BurstOf(*cap);
    const int64_t left = std::max<int64_t>(*cap - sent, 0);
    // The burst leaves at once; what remains is spread over the rest.
    const absl::Duration interval = IntervalOf(*cap, std::max<int64_t>(left - burst, 0), end - at);
    const int64_t today = std::min(left, burst + (end - at) / interval);
    if (recipients <= today) return at + std::max<int64_t>(recipients - burst, 0) * interval;
    recipients -= today;
    at = end;
    sent = 0;
  }
}

WarmUpMeter::WarmUpMeter(std::shared_ptr<const WarmUpPlan> plan, const cluster::v1::WarmUpState& state)
    : plan_(std::move(plan)), day_(state.day()), sent_(std::max<int64_t>(state.sent(), 0)) {}

int64_t WarmUpMeter::sent(absl::Time now) const {
  return DayOf(now) == day_ ? sent_ : 0;
}

absl::Time WarmUpMeter::NextMessage(absl::Time now) const {
  const std::optional<int64_t> cap = plan_->CapAt(now);
  if (!cap.has_value()) return absl::InfinitePast();
  if (now < plan_->start) return plan_->start;
  const absl::Time end = StartOf(DayOf(now) + 1);
  const int64_t left = *cap - sent(now);
  if (left <= 0) return end;
  const absl::Time next = tat_ - (BurstOf(*cap) - 1) * IntervalOf(*cap, left, end - now);
  return std::min(next, end);
}

void WarmUpMeter::OnSending(absl::Time now) {
  const int64_t day = DayOf(now);
  if (day != day_) {
    day_ = day;
    sent_ = 0;
    tat_ = absl::InfinitePast();
  }
  ++sent_;
  const std::optional<int64_t> cap = plan_->CapAt(now);
  if (!cap.has_value()) return;
  tat_ = std::max(tat_, now) + IntervalOf(*cap, *cap - sent_, StartOf(day + 1) - now);
}

cluster::v1::WarmUpState WarmUpMeter::State(absl::Time now) const {
  cluster::v1::WarmUpState state;
  state.set_day(DayOf(now));
  state.set_sent(sent(now));
  return state;
}

}  // namespace wavepost
