// Whether receivers believe an egress IP: its reverse name leads back to it (FCrDNS), and is what it says in EHLO.
#pragma once

#include <asio/ip/address.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/async/deadline.h"
#include "common/async/tokens.h"
#include "wavepost/v1/domains_service.pb.h"

namespace wavepost {

class Resolver;

inline constexpr size_t kReverseNamesFollowed = 4;  // of a PTR with more names the rest is shown, not followed

// Addresses of a name, as DNS has them.
struct NameAddresses {
  std::string name;
  absl::Status status;  // OK; kNotFound: no such name, or no address; else DNS did not answer
  std::vector<asio::ip::address> addresses;
};

// What was looked up about an egress IP.
struct ReverseFacts {
  asio::ip::address address;
  std::string ehlo_name;
  absl::Status ptr_status;  // OK, also where there is no name; else DNS did not answer
  std::vector<std::string> names;
  std::vector<NameAddresses> forward;  // of the names that were followed, and of the EHLO name
};

struct ReverseVerdict {
  v1::RecordCheck::State state = v1::RecordCheck::UNKNOWN;
  std::string advice;  // empty if OK
};

// Pure.
ReverseVerdict JudgeReverse(const ReverseFacts& facts);

// DNS that does not answer is part of the facts. Errors: kCancelled.
Awaitable<absl::StatusOr<ReverseFacts>> LookUpReverse(Resolver* resolver, asio::ip::address address,
                                                      std::string ehlo_name, Deadline deadline);

}  // namespace wavepost
