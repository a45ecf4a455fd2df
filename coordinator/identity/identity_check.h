// One look at everything of ours: records, reverse names, block lists, side by side and within a minute.
#pragma once

#include <asio/ip/address.hpp>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/deadline.h"
#include "common/async/tokens.h"
#include "coordinator/identity/dnsbl_zones.h"
#include "coordinator/identity/reverse_name.h"
#include "wavepost/v1/identity_service.pb.h"

namespace wavepost {

class Resolver;

inline constexpr size_t kCheckedIpsMax = 1000;
inline constexpr size_t kLooksAtOnce = 50;
inline constexpr absl::Duration kLookWait = absl::Seconds(8);  // for one question

// An egress IP that receivers can see.
struct CheckedIp {
  asio::ip::address address;
  std::string ehlo_name;
};

struct IdentityQuestions {
  std::vector<v1::DnsRecord> records;
  std::vector<CheckedIp> ips;
  DnsblZones zones;
};

// Where the next check begins, so that what one has no time for is the first in the next. Any values will do.
struct IdentityTurn {
  size_t looks = 0;     // records, then reverse names
  size_t listings = 0;  // addresses times zones
};

// Parallel to the questions. What there was no time for is empty.
struct IdentityAnswers {
  std::vector<std::optional<v1::RecordCheck>> records;
  std::vector<std::optional<ReverseVerdict>> reverse;
  std::vector<std::vector<std::string>> reverse_names;
  // [address][zone]. STATE_UNSPECIFIED: not listed.
  std::vector<std::vector<std::optional<v1::Listing>>> listings;
  size_t left = 0;  // questions that there was no time for
};

// Ends a check that is under way. On the resolver's thread only.
class IdentityHalt {
 public:
  // For good: checks that begin later end at once.
  void Halt() {
    halted_ = true;
    if (cancel_) cancel_();
  }
  bool halted() const { return halted_; }
  // Of the check: what cancels its looks; empty when it ends.
  void Set(std::function<void()> cancel) { cancel_ = std::move(cancel); }

 private:
  bool halted_ = false;
  std::function<void()> cancel_;
};

// Zones are tried with their test entries first; one that is worth nothing gives NO_ANSWER for every address. Reverse
// names and records have half of the time, block lists what is left.
//
// turn: moved on. By pointer, as resolver and halt: they outlive the coroutine.
// Errors: kCancelled (the resolver was stopped, or halt).
Awaitable<absl::StatusOr<IdentityAnswers>> AskIdentity(Resolver* resolver, IdentityQuestions questions,
                                                       IdentityTurn* turn, IdentityHalt* halt, absl::Duration time);

}  // namespace wavepost
