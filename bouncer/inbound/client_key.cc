#include "bouncer/inbound/client_key.h"

namespace wavepost {
namespace {

// Above every IPv4 address and outside of what IPv6 prefixes begin with (0400::/8 is not in use).
constexpr uint64_t kIpv4 = uint64_t{4} << 56;

bool IsIpv4(const asio::ip::address& address) {
  return address.is_v4() || address.to_v6().is_v4_mapped();
}

uint64_t Ipv4(const asio::ip::address& address) {
  return (address.is_v4() ? address.to_v4() : asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()))
      .to_uint();
}

// The first 64 bits.
uint64_t Prefix(const asio::ip::address& address) {
  const asio::ip::address_v6::bytes_type bytes = address.to_v6().to_bytes();
  uint64_t out = 0;
  for (int i = 0; i < 8; ++i) out = out << 8 | bytes[i];
  return out;
}

}  // namespace

uint64_t ClientKey(const asio::ip::address& address) {
  return IsIpv4(address) ? kIpv4 | Ipv4(address) : Prefix(address);
}

uint64_t NetworkKey(const asio::ip::address& address) {
  return IsIpv4(address) ? kIpv4 | (Ipv4(address) & 0xffffff00u) : Prefix(address) & ~uint64_t{0xffff};
}

}  // namespace wavepost
