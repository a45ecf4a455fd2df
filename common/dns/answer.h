// Reads DNS answers (RFC 1035): MX, A, AAAA, TXT, TLSA, CNAME and PTR with their times to live. Pure; the packet is
// hostile.
#pragma once

#include <asio/ip/address.hpp>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/dns/records.h"

namespace wavepost {

enum class RecordType { kA = 1, kCname = 5, kPtr = 12, kMx = 15, kTxt = 16, kAaaa = 28, kTlsa = 52 };

struct DnsAnswer {
  bool name_exists = true;                   // false: NXDOMAIN
  std::vector<MxRecord> mx;                  // kMx
  std::vector<asio::ip::address> addresses;  // kA, kAaaa; in the server's order
  std::vector<std::string> texts;            // kTxt; each record's strings joined
  std::vector<TlsaRecord> tlsa;              // kTlsa
  std::vector<std::string> names;            // kCname: the one that the name itself is an alias of; kPtr; normalized
  std::string canonical;                     // what the name is an alias of; empty: it is none, or a name we refuse
  bool authentic = false;                    // the AD bit as it stands in the packet, whoever sent it
  // Of the records and the CNAMEs that led to them, the least. Without records: of the negative answer (RFC 2308), 0 if
  // it has no SOA.
  absl::Duration ttl;

  // No record of the type.
  bool empty() const { return mx.empty() && addresses.empty() && texts.empty() && tlsa.empty() && names.empty(); }
};

inline constexpr size_t kRecordsMax = 256;  // read of one answer; more are ignored (see also records.h)
inline constexpr int kCnamesMax = 8;        // followed within one answer

// Takes the records of `type` that belong to `name`, or to what its CNAMEs lead to (kCname itself is not followed);
// others are ignored, as are names that no host may have.
//
// kUnavailable: a response code other than NOERROR and NXDOMAIN, or a packet that cannot be read.
absl::StatusOr<DnsAnswer> ParseAnswer(std::string_view packet, std::string_view name, RecordType type);

}  // namespace wavepost
