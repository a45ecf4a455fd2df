// Looks addresses up in DNS block lists.
#pragma once

#include <asio/ip/address.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "common/async/deadline.h"
#include "common/async/tokens.h"
#include "coordinator/identity/dnsbl_zones.h"
#include "wavepost/v1/identity_service.pb.h"

namespace wavepost {

class Resolver;

// Why a zone's answers are worth nothing now; empty: they are good. Asks for the test entries of RFC 5782 section 5:
// 127.0.0.2 has to be listed (unless the zone promises none), 127.0.0.1 must not be; with `ipv6` also ::ffff:127.0.0.1.
// DNS that does not answer is a reason too. Errors: kCancelled.
Awaitable<absl::StatusOr<std::string>> CheckDnsblZone(Resolver* resolver, DnsblZone zone, bool ipv6, Deadline deadline);

// state STATE_UNSPECIFIED: not listed. Errors: kCancelled.
Awaitable<absl::StatusOr<v1::Listing>> LookUpDnsbl(Resolver* resolver, DnsblZone zone, asio::ip::address address,
                                                   Deadline deadline);

}  // namespace wavepost
