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
  // Has the test entries of RFC 5782 section 5: 127.0.0.2 is always listed. Without them a dead list looks like a clean
  // one.
  bool test_entries = true;
  std::string note;  // for the operator, what is special about it; a sentence, may be empty
};
using DnsblZones = std::vector<DnsblZone>;

// The well-known ones.
const DnsblZones& BuiltInDnsblZones();

// From YAML: "zones: [{zone: ..., removal_url: ..., refusals: [...], ipv6: true, test_entries: true, note: ...}]"; it
// takes the place of those built in. An empty list is fine: nothing is looked up.
// Errors: kNotFound; kInvalidArgument with file, line and key.
absl::StatusOr<DnsblZones> LoadDnsblZones(const std::string& path);

}  // namespace wavepost
