// Address arithmetic for our own egress IPs: which may be shown to the world, and which blocks they fill. Pure.
#pragma once

#include <asio/ip/address.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wavepost {

// Reads "192.0.2.1" or "2001:db8::1"; an IPv4 address mapped into IPv6 (::ffff:192.0.2.1) becomes the IPv4 address.
// Nothing for all else, zone identifiers ("fe80::1%eth0") included.
std::optional<asio::ip::address> ParseEgressAddress(std::string_view text);

// False for what no receiver on the internet can see as our address: loopback, private (RFC 1918, 4193), shared (RFC
// 6598), link-local, multicast, unspecified, reserved. The documentation blocks count as public.
bool IsPublicAddress(const asio::ip::address& address);

struct AddressBlock {
  asio::ip::address base;
  int prefix = 32;  // bits: 0 to 32, or to 128

  friend bool operator==(const AddressBlock&, const AddressBlock&) = default;
  bool IsSingle() const { return prefix == (base.is_v4() ? 32 : 128); }
  bool Contains(const asio::ip::address& address) const;
};

// Reads "192.0.2.0/24" or a single address. Bits behind the prefix are cleared, as receivers do (RFC 7208 section 5.6).
std::optional<AddressBlock> ParseAddressBlock(std::string_view text);

// "192.0.2.0/24"; without a prefix where the block is one address.
std::string BlockText(const AddressBlock& block);

// The fewest blocks that hold these addresses and no other. IPv4 first, ascending; duplicates count once.
std::vector<AddressBlock> CoverExactly(std::vector<asio::ip::address> addresses);

}  // namespace wavepost
