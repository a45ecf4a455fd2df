// A greylist in the manner of postgrey: the first mail of an unknown (client network, sender, recipient) is deferred, a
// retry after the delay passes. Pure: the time comes in.
//
// Kept as postgrey keeps it: the client counts as its IPv4 /24; the sender loses its "+extension", and whole numbers in
// it become "#", so that VERP does not look like a new sender each time; letter case does not matter; a retry before
// the delay is over is deferred again and does not start the delay anew; a first retry after the retry window starts
// anew; a client network whose triplets passed `whitelist_after` times is let through at once from then on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"

namespace wavepost::testnet {

struct GreylistPolicy {
  bool enabled = false;
  absl::Duration delay = absl::Seconds(300);  // already divided by clock_scale, as is the next
  absl::Duration retry_window = absl::Hours(48);
  int whitelist_after = 1;  // 0: never, each triplet waits for itself
  bool hint = true;         // "try again in N seconds" in the reply
  std::string text;         // instead of "Greylisted, see http://..."; empty: the usual
};

// What postgrey would make of the envelope sender: "b+token@x" -> "b@x", "list-17-x@y" -> "list-#-x@y".
std::string GreylistSender(std::string_view mail_from);

class Greylist {
 public:
  struct Result {
    bool pass = false;
    bool early = false;        // deferred, and not for the first time: the client came back too soon
    absl::Duration remaining;  // until a retry would pass; zero if it passed
  };

  // scope:     one greylist per receiving site; scopes never meet.
  // client_ip: an IPv4 address in host order.
  Result Check(const GreylistPolicy& policy, std::string_view scope, uint32_t client_ip, std::string_view mail_from,
               std::string_view rcpt_to, absl::Time now);

  size_t triplets() const { return triplets_.size(); }

  // Beyond so many triplets the book forgets all of them and starts anew: it is a simulation's, not a mailbox's.
  static constexpr size_t kTripletsMax = 4'000'000;

 private:
  struct Triplet {
    absl::Time first;
    absl::Time last;
    bool passed = false;
  };
  absl::flat_hash_map<uint64_t, Triplet> triplets_;      // by hash of scope, network, sender, recipient
  absl::flat_hash_map<uint64_t, int> passes_by_client_;  // by hash of scope and network
};

}  // namespace wavepost::testnet
