// One DNS record, and its text form "name [ttl] TYPE rdata" as the scenario's record lists and files have it. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace wavepost::testnet {

enum DnsType : uint16_t {
  kDnsA = 1,
  kDnsNs = 2,
  kDnsCname = 5,
  kDnsSoa = 6,
  kDnsPtr = 12,
  kDnsMx = 15,
  kDnsTxt = 16,
  kDnsAaaa = 28,
  kDnsOpt = 41,
  kDnsAny = 255,
};

struct DnsRecord {
  std::string name;  // lower case, no final dot; "" is the root; may begin with "*."
  uint16_t type = kDnsA;
  uint32_t ttl = 60;
  std::string rdata;  // wire form, names uncompressed

  friend bool operator==(const DnsRecord&, const DnsRecord&) = default;
};

// RFC 1035 section 3.1: labels with their lengths and the final zero. Nothing if a label is empty or above 63 bytes, or
// the whole above 255. Accepts a final dot; lower-cases.
std::optional<std::string> DnsNameToWire(std::string_view name);

// Types A, AAAA, MX ("10 host"), TXT (quoted strings, or the rest of the line; cut into pieces of 255), CNAME, NS, PTR.
// Null MX: "0 ." (RFC 7505). Errors: kInvalidArgument, one sentence.
absl::StatusOr<DnsRecord> ParseDnsRecord(std::string_view line, uint32_t ttl);

// A file of such lines; blank lines and lines that begin with '#' or ';' are skipped. Errors name "NAME:LINE".
absl::StatusOr<std::vector<DnsRecord>> ParseDnsRecords(std::string_view text, const std::string& name, uint32_t ttl);
// Reads the file; kNotFound if it cannot be read.
absl::StatusOr<std::vector<DnsRecord>> LoadDnsRecords(const std::string& path, uint32_t ttl);

DnsRecord ARecord(std::string_view name, uint32_t address, uint32_t ttl);
DnsRecord MxRecord(std::string_view name, int preference, std::string_view host, uint32_t ttl);

}  // namespace wavepost::testnet
