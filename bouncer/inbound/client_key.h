// Under which names the limits know a client.
#pragma once

#include <asio/ip/address.hpp>
#include <cstdint>

namespace wavepost {

// Whoever has one IPv6 address has 2^64 of them: an IPv4 address (also one mapped into IPv6), or an IPv6 /64.
uint64_t ClientKey(const asio::ip::address& address);

// Its neighbourhood: an IPv4 /24, or an IPv6 /48.
uint64_t NetworkKey(const asio::ip::address& address);

}  // namespace wavepost
