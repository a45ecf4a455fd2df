// An authoritative name server without its sockets: query bytes in, answer bytes out. Pure.
//
// It answers for the whole name space: a name that is not in the zone does not exist (NXDOMAIN), so that nothing under
// test can leak into the real DNS. Wildcards ("*.tail.example") answer for every name below that has no records of its
// own; unlike RFC 4592, an unrelated name in between does not switch them off.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "tests/testnet/dns_record.h"

namespace wavepost::testnet {

class DnsZone {
 public:
  static constexpr size_t kUdpBytesPlain = 512;  // RFC 1035 section 4.2.1, without EDNS
  static constexpr size_t kUdpBytesMax = 4096;   // the most that EDNS gets
  static constexpr size_t kTcpBytesMax = 65535;
  static constexpr int kCnameStepsMax = 8;

  explicit DnsZone(uint32_t ttl_negative = 60) : ttl_negative_(ttl_negative) {}

  void Add(DnsRecord record);
  // A name (or "*.name": only what is below) whose queries, with all names below it, fail or are never answered.
  void AddServfail(std::string_view name) { AddTrouble(name, Trouble::kServfail); }
  void AddSilent(std::string_view name) { AddTrouble(name, Trouble::kSilent); }

  // The answer to one message. Too big for UDP: empty, with the TC bit. Nothing: stay silent (not a query, or the name
  // is one that never answers).
  std::optional<std::string> Answer(std::string_view query, bool tcp) const;

  // For the testnet's own use, with the same data: the TXT record at `name`, its strings joined.
  std::optional<std::string> Txt(std::string_view name) const;
  // IPv4 addresses (host order) that take mail for a domain, most preferred first; by MX, else by A. Empty if none.
  std::vector<uint32_t> MailAddresses(std::string_view domain) const;
  std::vector<uint32_t> Addresses(std::string_view name) const;

  size_t records() const { return records_count_; }

 private:
  enum class Trouble { kNone, kServfail, kSilent };
  using RecordSet = std::vector<DnsRecord>;

  void AddTrouble(std::string_view name, Trouble trouble);
  Trouble TroubleOf(std::string_view name) const;
  // Null if neither the name nor a wildcard has records.
  const RecordSet* Find(std::string_view name) const;

  uint32_t ttl_negative_;
  size_t records_count_ = 0;
  absl::flat_hash_map<std::string, RecordSet> by_name_;
  absl::flat_hash_set<std::string> ancestors_;          // names that exist only because something is below them
  absl::flat_hash_map<std::string, Trouble> troubles_;  // "name", or "*.name"
};

}  // namespace wavepost::testnet
