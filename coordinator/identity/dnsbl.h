// DNS block lists (RFC 5782): under which name an address stands, and what an answer means. Pure.
#pragma once

#include <asio/ip/address.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/identity/dnsbl_zones.h"
#include "wavepost/v1/identity_service.pb.h"

namespace wavepost {

// "2.0.0.127.zen.example"; for IPv6 32 nibbles (sections 2.1 and 2.4).
std::string DnsblName(const asio::ip::address& address, std::string_view zone);

enum class DnsblVerdict {
  kClean,
  kListed,
  // Says nothing about the address: the list refuses our resolver (127.255.255.x, 127.0.0.1, the zone's own codes), or
  // the answer is no code at all (outside 127.0.0.0/8: the zone was sold, or a resolver rewrites "no such name").
  kNoAnswer,
};

struct DnsblAnswer {
  DnsblVerdict verdict = DnsblVerdict::kClean;
  std::string codes;  // "127.0.0.2, 127.0.0.4", at most kDnsblCodesMax of them
};

inline constexpr size_t kDnsblCodesMax = 8;
inline constexpr size_t kDnsblTextMax = 200;  // of a list's TXT, as shown

// What the addresses at DnsblName say. Empty: there is no such name.
DnsblAnswer ReadDnsblAnswer(const DnsblZone& zone, const std::vector<asio::ip::address>& addresses);

// For people. text: the list's TXT, any bytes.
v1::Listing ListedAs(const DnsblZone& zone, std::string_view address, const DnsblAnswer& answer, std::string_view text);
// why: a clause, e.g. "it refuses our resolver (127.255.255.254)".
v1::Listing NoAnswerFrom(const DnsblZone& zone, std::string_view why);

}  // namespace wavepost
