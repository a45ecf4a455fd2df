// Our SPF records, made from the egress IPs that live now. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "wavepost/v1/domains_service.pb.h"
#include "wavepost/v1/nodes_service.pb.h"

namespace wavepost {

// A TXT string is 255 bytes, and an answer should fit a UDP packet of 512 with all that stands at the name.
inline constexpr size_t kSpfRecordBytesMax = 450;

// "_spf.DOMAIN" with the addresses of the only region, or with "include:_spf-REGION.DOMAIN" per region; a region whose
// addresses do not fit one record is split into "_spf-REGION-1.DOMAIN"... Addresses that fill a CIDR block exactly are
// written as that block. Sorted, so that the same addresses make the same records. Ends with "~all" at "_spf", "?all"
// never.
//
// Errors: kResourceExhausted: customers who include us would pass 10 lookups (RFC 7208 section 4.6.4); says how many
//         addresses in which region and that fewer regions or blocks help.
absl::StatusOr<std::vector<v1::DnsRecord>> EgressSpf(std::string_view domain, const std::vector<v1::EgressIp>& ips);

}  // namespace wavepost
