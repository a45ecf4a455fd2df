// Host names and the order in which mail hosts are tried. Pure.
#pragma once

#include <asio/ip/address.hpp>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "common/dns/resolver.h"

namespace wavepost {

// Lower case, without the final dot. Nothing unless it consists of labels of letters, digits, '-' and '_' (1 to 63
// bytes each, 253 in all): what DNS could carry beyond that is no mail host, and must not reach logs and queries.
std::optional<std::string> NormalizeHostName(std::string_view name);

// The name that an address's PTR records stand at: "4.3.2.1.in-addr.arpa", or 32 nibbles before "ip6.arpa" (RFC 1035
// section 3.5, RFC 3596 section 2.5). An IPv4 address mapped into IPv6 counts as IPv4.
std::string ReverseName(const asio::ip::address& address);

// Most preferred first, equal preferences in random order (RFC 5321 section 5.1), at most kMxHostsMax kept.
void OrderMxHosts(MxHosts* hosts, std::mt19937_64* random);

}  // namespace wavepost
