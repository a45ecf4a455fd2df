// Warm-up: how many messages an address without reputation may send to one provider on each day, spread over the day.
// Pure.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "wavepost/cluster/v1/sender_records.pb.h"

namespace wavepost {

// Caps by day; after the last one the address is warm. Days begin at 00:00 UTC.
struct WarmUpPlan {
  // Of a day's cap, 1/kBurstShare, and kBurstMin at least, may leave at once after rest.
  static constexpr int64_t kBurstShare = 100;
  static constexpr int64_t kBurstMin = 5;
  // A day's cap never leaves faster than within this time: a wave that comes late in the day must not push all of it
  // through the last minutes before midnight. What does not fit waits for the next day.
  static constexpr absl::Duration kFastestDay = absl::Hours(8);

  absl::Time start;           // 00:00 UTC of day 1
  std::vector<int64_t> caps;  // of day 1, 2, ...; never empty, ascending
  bool overflow = false;      // see wavepost.v1.WarmUp

  // 200, 500, 1000, 2000, 5000, 10000, 20000, 40000, then doubling to 1,280,000.
  static const std::vector<int64_t>& BuiltInCaps();
  // Cap of the day that `now` is in. Before the start: 0. Nothing: warm.
  std::optional<int64_t> CapAt(absl::Time now) const;
  // When `recipients` more, on top of `sent_today`, will have been sent at the earliest. `now` itself if warm. At most
  // one step per day of the plan.
  absl::Time ThroughAt(int64_t recipients, int64_t sent_today, absl::Time now) const;
};

// One egress IP at one provider (or site without provider).
class WarmUpMeter {
 public:
  WarmUpMeter(std::shared_ptr<const WarmUpPlan> plan, const cluster::v1::WarmUpState& state);

  // When the next message may leave: what is left of the day's cap is spread evenly over what is left of the day, with
  // a small burst (1 % of the cap, at least 5) and never faster than kFastestDay; 00:00 of the next day if the cap is
  // used up; the start of the plan before it; InfinitePast: warm.
  absl::Time NextMessage(absl::Time now) const;
  void OnSending(absl::Time now);
  // Today's. Days that have passed are forgotten, a clock that went back finds 0.
  int64_t sent(absl::Time now) const;
  std::optional<int64_t> cap(absl::Time now) const { return plan_->CapAt(now); }
  cluster::v1::WarmUpState State(absl::Time now) const;

 private:
  std::shared_ptr<const WarmUpPlan> plan_;
  int64_t day_ = 0;
  int64_t sent_ = 0;
  absl::Time tat_ = absl::InfinitePast();  // theoretical arrival time of the next one, as in Gcra; not stored
};

}  // namespace wavepost
