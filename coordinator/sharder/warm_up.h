// Warm-up of egress IPs, as the planner sees it: how many messages an IP may send to one domain today, and how many are
// planned already. Pure.
//
// The sender enforces the caps (per provider); the planner only keeps from piling up on a warming IP what other
// addresses of the pool could send today.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "wavepost/v1/nodes_service.pb.h"

namespace wavepost {

inline constexpr int64_t kNoCap = -1;

// Days since 1970-01-01, 00:00 UTC.
int64_t DayOf(absl::Time now);

// Messages per domain on that day; kNoCap: the address is warm. 0: before its first day.
int64_t CapOf(const v1::WarmUp& warm_up, int64_t day);

// What is planned for a day, by egress IP and domain. Counts beyond kEntriesMax pairs are not kept: a domain that has
// no entry then is capped as if nothing had been planned for it before.
class WarmUpBook {
 public:
  static constexpr size_t kEntriesMax = 200'000;

  struct Count {
    std::string egress_ip;
    std::string domain;
    int64_t recipients = 0;
  };

  // Another day than before: forgets all. False: it is that day already.
  bool StartDay(int64_t day);
  int64_t day() const { return day_; }
  // As stored. Only right after StartDay.
  void Load(std::string_view egress_ip, std::string_view domain, int64_t recipients);

  // Takes one of the cap; false: it is used up.
  bool Take(std::string_view egress_ip, std::string_view domain, int64_t cap);

  // The counts that have changed since the last Commit or Rollback.
  std::vector<Count> Changed() const;
  void Commit() { before_.clear(); }
  // As it was at the last Commit.
  void Rollback();

 private:
  using Key = std::pair<std::string, std::string>;

  int64_t day_ = -1;
  absl::flat_hash_map<Key, int64_t> counts_;
  absl::flat_hash_map<Key, int64_t> before_;  // of those that have changed
};

}  // namespace wavepost
