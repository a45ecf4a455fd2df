// Reports that no genuine token ties to a recipient of the books. Anybody can send such a report, so it changes
// nothing; operators see what comes, in bounded numbers.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "wavepost/cluster/v1/bounce_feed_service.pb.h"
#include "wavepost/v1/events_service.pb.h"

namespace wavepost {

class Change;

// Says which of them become events. Pure.
class StrangerGate {
 public:
  static constexpr int kEventsPerMinute = 100;
  // Events stay for ever, and anybody can send such reports: without it a year of a slow flood is fifty million events.
  static constexpr int kEventsPerDay = 5000;

  // One has come: true if it is to be an event. What is not is counted.
  bool Take(absl::Time now);
  // Those counted in a minute that is over, once; 0: none. When the day's events are used up, at most once an hour.
  int64_t TakeHeldBack(absl::Time now);

 private:
  void Roll(absl::Time now);

  absl::Time minute_ = absl::InfinitePast();
  absl::Time day_ = absl::InfinitePast();
  absl::Time told_ = absl::InfinitePast();  // of those held back
  int events_ = 0;                          // of the minute
  int day_events_ = 0;
  int64_t held_back_ = 0;  // of the minute
  int64_t over_ = 0;       // of minutes that are over
};

// Of the newest waves so many are searched for the address that a report names.
inline constexpr uint32_t kWavesSearchedMax = 200;

// The event for one: what came, whom it names, and whether that address was sent to lately. Nothing of it is proven.
absl::StatusOr<v1::Event> StrangerEvent(Change& change, const cluster::v1::BounceReport& report);
// The event for those that got none.
v1::Event HeldBackEvent(int64_t count);

}  // namespace wavepost
