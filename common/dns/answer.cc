#include "common/dns/answer.h"

#include <arpa/nameser.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "common/dns/names.h"

namespace wavepost {
namespace {

constexpr uint32_t kTtlMax = std::numeric_limits<int32_t>::max();
constexpr size_t kSoaNumbersBytes = 20;
constexpr int kTypeTlsa = 52;  // not in every nameser.h
constexpr size_t kTlsaNumbersBytes = 3;
constexpr int kTlsaUnreadable = 255;

struct Record {
  std::string owner;  // lower case, no final dot
  int type;
  uint32_t ttl;
  const unsigned char* data;
  size_t data_size;
};

std::string OwnerName(const char* name) {
  std::string out = AsciiLower(name);
  if (out.ends_with('.')) out.pop_back();
  return out;
}

// A TTL with its top bit set counts as 0 (RFC 2181 section 8).
uint32_t SaneTtl(uint32_t ttl) {
  return ttl > kTtlMax ? 0 : ttl;
}

// The name at `data` within the packet; nothing when it is malformed. The root is "".
std::optional<std::string> ReadName(const ns_msg& message, const unsigned char* data, size_t size) {
  std::array<char, NS_MAXDNAME> name;
  const int used = ns_name_uncompress(ns_msg_base(message), ns_msg_end(message), data, name.data(), name.size());
  if (used < 0 || static_cast<size_t>(used) > size) return std::nullopt;
  return OwnerName(name.data());
}

std::vector<Record> ReadRecords(ns_msg& message, ns_sect section, bool* good) {
  std::vector<Record> records;
  const int count = std::min<int>(ns_msg_count(message, section), kRecordsMax);
  for (int i = 0; i < count; ++i) {
    ns_rr rr;
    if (ns_parserr(&message, section, i, &rr) != 0) {
      *good = false;
      break;
    }
    if (ns_rr_class(rr) != ns_c_in) continue;
    records.push_back({OwnerName(ns_rr_name(rr)), ns_rr_type(rr), SaneTtl(ns_rr_ttl(rr)), ns_rr_rdata(rr),
                       static_cast<size_t>(ns_rr_rdlen(rr))});
  }
  return records;
}

// How long the absence may be remembered: the lesser of the SOA's own TTL and its MINIMUM field.
uint32_t NegativeTtl(ns_msg& message) {
  bool good = true;
  for (const Record& record : ReadRecords(message, ns_s_ns, &good)) {
    if (record.type == ns_t_soa && record.data_size >= kSoaNumbersBytes) {
      return std::min(record.ttl, SaneTtl(ns_get32(record.data + record.data_size - 4)));
    }
  }
  return 0;
}

// The strings of a TXT record, joined (RFC 7208 section 3.3); nothing when they are malformed or too long.
std::optional<std::string> ReadText(const unsigned char* data, size_t size) {
  std::string out;
  for (size_t at = 0; at < size;) {
    const size_t length = data[at++];
    if (length > size - at || out.size() + length > kTxtBytesMax) return std::nullopt;
    out.append(reinterpret_cast<const char*>(data) + at, length);
    at += length;
  }
  return out;
}

// One that cannot be read counts as present but unusable: its owner wants TLS (RFC 7672 section 2.2).
TlsaRecord ReadTlsa(const unsigned char* data, size_t size) {
  if (size <= kTlsaNumbersBytes || size - kTlsaNumbersBytes > kTlsaDataBytesMax) return {.usage = kTlsaUnreadable};
  return {data[0], data[1], data[2],
          std::string(reinterpret_cast<const char*>(data) + kTlsaNumbersBytes, size - kTlsaNumbersBytes)};
}

void Take(const ns_msg& message, const Record& record, DnsAnswer* answer) {
  if (record.type == ns_t_mx && record.data_size > 2) {
    const std::optional<std::string> host = ReadName(message, record.data + 2, record.data_size - 2);
    if (!host) return;
    const std::optional<std::string> normalized = NormalizeHostName(*host);
    if (host->empty() || normalized)
      answer->mx.push_back({static_cast<int>(ns_get16(record.data)), normalized.value_or("")});
  } else if (record.type == ns_t_a && record.data_size == 4) {
    asio::ip::address_v4::bytes_type bytes;
    std::memcpy(bytes.data(), record.data, bytes.size());
    answer->addresses.emplace_back(asio::ip::address_v4(bytes));
  } else if (record.type == ns_t_aaaa && record.data_size == 16) {
    asio::ip::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), record.data, bytes.size());
    answer->addresses.emplace_back(asio::ip::address_v6(bytes));
  } else if (record.type == ns_t_txt && answer->texts.size() < kTxtRecordsMax) {
    std::optional<std::string> text = ReadText(record.data, record.data_size);
    if (text) answer->texts.push_back(*std::move(text));
  } else if (record.type == kTypeTlsa && answer->tlsa.size() < kTlsaRecordsMax) {
    answer->tlsa.push_back(ReadTlsa(record.data, record.data_size));
  } else if (record.type == ns_t_ptr || record.type == ns_t_cname) {
    const size_t names_max = record.type == ns_t_cname ? 1 : kPtrNamesMax;
    const std::optional<std::string> name = ReadName(message, record.data, record.data_size);
    std::optional<std::string> normalized = name ? NormalizeHostName(*name) : std::nullopt;
    if (normalized && answer->names.size() < names_max) answer->names.push_back(*std::move(normalized));
  }
}

}  // namespace

absl::StatusOr<DnsAnswer> ParseAnswer(std::string_view packet, std::string_view name, RecordType type) {
  ns_msg message;
  if (packet.size() > static_cast<size_t>(NS_MAXMSG) ||
      ns_initparse(reinterpret_cast<const unsigned char*>(packet.data()), static_cast<int>(packet.size()), &message) !=
          0) {
    return absl::UnavailableError("malformed DNS answer");
  }
  const int rcode = ns_msg_getflag(message, ns_f_rcode);
  DnsAnswer answer;
  answer.name_exists = rcode != ns_r_nxdomain;
  if (rcode != ns_r_noerror && rcode != ns_r_nxdomain) {
    return absl::UnavailableError(absl::StrCat("DNS server answered with code ", rcode));
  }
  answer.authentic = ns_msg_getflag(message, ns_f_ad) != 0;
  bool good = true;
  const std::vector<Record> records = ReadRecords(message, ns_s_an, &good);
  if (!good) return absl::UnavailableError("malformed DNS answer");

  uint32_t ttl = kTtlMax;
  std::string owner = OwnerName(std::string(name).c_str());
  const int steps = type == RecordType::kCname ? 0 : kCnamesMax;
  for (int step = 0; step < steps; ++step) {
    const auto cname = std::find_if(records.begin(), records.end(), [&](const Record& record) {
      return record.type == ns_t_cname && record.owner == owner;
    });
    if (cname == records.end()) break;
    const std::optional<std::string> target = ReadName(message, cname->data, cname->data_size);
    if (!target) return absl::UnavailableError("malformed DNS answer");
    ttl = std::min(ttl, cname->ttl);
    owner = *target;
  }
  if (owner != OwnerName(std::string(name).c_str())) answer.canonical = NormalizeHostName(owner).value_or("");
  for (const Record& record : records) {
    if (record.owner != owner || record.type != static_cast<int>(type)) continue;
    ttl = std::min(ttl, record.ttl);
    Take(message, record, &answer);
  }
  if (answer.empty()) ttl = std::min(ttl, NegativeTtl(message));
  answer.ttl = absl::Seconds(ttl);
  return answer;
}

}  // namespace wavepost
