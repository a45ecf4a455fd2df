// DNS block lists (RFC 5782) that we look our egress IPs up in: names, how to read their answers, where to go.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace wavepost {

inline constexpr size_t kDnsblZonesMax = 100;

struct DnsblZone {
  std::string zone;         // "zen.spamhaus.org"
  std::string removal_url;  // page for people
  // Answers that are no listing: "127.255.255.254" and its like (the list refuses our resolver).
  std::vector<std::string> refusals;
  bool ipv6 = false;  // answers for IPv6 addresses too
};
using DnsblZones = std::vector<DnsblZone>;

// The well-known ones.
const DnsblZones& BuiltInDnsblZones();

// From YAML: "zones: [{zone: ..., removal_url: ..., refusals: [...], ipv6: true}]". Errors: kInvalidArgument with file,
// line and key.
absl::StatusOr<DnsblZones> LoadDnsblZones(const std::string& path);

}  // namespace wavepost
