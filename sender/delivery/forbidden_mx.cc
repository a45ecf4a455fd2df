#include "sender/delivery/forbidden_mx.h"

#include <asio/ip/network_v4.hpp>
#include <asio/ip/network_v6.hpp>

namespace wavepost {
namespace {

struct V4 {
  unsigned char a, b, c, d;
  int bits;
};

// RFC 6890 and its registry: what is not globally reachable.
constexpr V4 kSpecialV4[] = {{0, 0, 0, 0, 8},      {10, 0, 0, 0, 8},    {100, 64, 0, 0, 10},   {127, 0, 0, 0, 8},
                             {169, 254, 0, 0, 16}, {172, 16, 0, 0, 12}, {192, 0, 0, 0, 24},    {192, 0, 2, 0, 24},
                             {192, 168, 0, 0, 16}, {198, 18, 0, 0, 15}, {198, 51, 100, 0, 24}, {203, 0, 113, 0, 24},
                             {224, 0, 0, 0, 4},    {240, 0, 0, 0, 4}};

bool IsSpecialV4(const asio::ip::address_v4& address) {
  const uint32_t value = address.to_uint();
  for (const V4& net : kSpecialV4) {
    const uint32_t base = uint32_t{net.a} << 24 | uint32_t{net.b} << 16 | uint32_t{net.c} << 8 | net.d;
    if ((value ^ base) >> (32 - net.bits) == 0) return true;
  }
  return false;
}

}  // namespace

bool IsForbiddenMx(const asio::ip::address& address) {
  if (address.is_v4()) return IsSpecialV4(address.to_v4());
  const asio::ip::address_v6 v6 = address.to_v6();
  if (v6.is_v4_mapped()) return IsSpecialV4(asio::ip::make_address_v4(asio::ip::v4_mapped, v6));
  const auto bytes = v6.to_bytes();
  const bool unique_local = (bytes[0] & 0xFE) == 0xFC;  // fc00::/7
  const bool documentation = bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] == 0x0D && bytes[3] == 0xB8;
  return v6.is_loopback() || v6.is_unspecified() || v6.is_link_local() || v6.is_multicast() || unique_local ||
         documentation;
}

}  // namespace wavepost
