#include "tests/testnet/dns_zone.h"

#include <algorithm>
#include <utility>

#include "common/base/strings.h"

namespace wavepost::testnet {
namespace {

constexpr size_t kHeaderBytes = 12;
constexpr uint8_t kNoError = 0, kFormErr = 1, kServFail = 2, kNxDomain = 3, kNotImp = 4, kRefused = 5;
constexpr uint16_t kClassIn = 1;

uint16_t ReadU16(std::string_view bytes, size_t at) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[at]) << 8 | static_cast<uint8_t>(bytes[at + 1]));
}

uint32_t ReadU32(std::string_view bytes, size_t at) {
  return static_cast<uint32_t>(ReadU16(bytes, at)) << 16 | ReadU16(bytes, at + 2);
}

void AppendU16(uint16_t value, std::string* out) {
  *out += static_cast<char>(value >> 8);
  *out += static_cast<char>(value & 0xff);
}

void AppendU32(uint32_t value, std::string* out) {
  AppendU16(static_cast<uint16_t>(value >> 16), out);
  AppendU16(static_cast<uint16_t>(value & 0xffff), out);
}

// Reads an uncompressed name at `*at`; moves past it. Nothing if it is malformed, compressed or too long.
std::optional<std::string> ReadName(std::string_view bytes, size_t* at) {
  std::string name;
  size_t wire = 0;
  while (*at < bytes.size()) {
    const size_t length = static_cast<uint8_t>(bytes[*at]);
    ++*at;
    wire += length + 1;
    if (wire > 255) return std::nullopt;
    if (length == 0) return AsciiLower(name);
    if (length > 63 || *at + length > bytes.size()) return std::nullopt;
    const std::string_view label = bytes.substr(*at, length);
    if (label.find('.') != std::string_view::npos) return std::nullopt;  // no such name is in a zone of ours
    if (!name.empty()) name += '.';
    name += label;
    *at += length;
  }
  return std::nullopt;
}

// The name without its first label; "" after the last one.
std::string_view Parent(std::string_view name) {
  const size_t dot = name.find('.');
  return dot == std::string_view::npos ? std::string_view{} : name.substr(dot + 1);
}

struct Question {
  std::string name;
  uint16_t type = 0;
  size_t end = 0;                   // offset behind the question
  std::optional<size_t> edns_size;  // the client's UDP payload size
};

// The OPT record (RFC 6891) among the additional records of a query that has nothing else behind its question.
void ReadEdns(std::string_view query, Question* question) {
  if (ReadU16(query, 6) != 0 || ReadU16(query, 8) != 0 || ReadU16(query, 10) == 0) return;
  const size_t at = question->end;
  if (at + 11 > query.size() || query[at] != '\0' || ReadU16(query, at + 1) != kDnsOpt) return;
  question->edns_size = ReadU16(query, at + 3);
}

void AppendRecord(std::string_view owner_wire, uint16_t type, uint32_t ttl, std::string_view rdata, std::string* out) {
  *out += owner_wire;
  AppendU16(type, out);
  AppendU16(kClassIn, out);
  AppendU32(ttl, out);
  AppendU16(static_cast<uint16_t>(rdata.size()), out);
  *out += rdata;
}

struct Sections {
  std::string records;  // answers, then authority
  uint16_t answers = 0;
  uint16_t authorities = 0;
};

std::string Compose(std::string_view query, const Question* question, uint8_t rcode, bool truncated,
                    const Sections& sections) {
  std::string out(query.substr(0, 2));
  const uint8_t flags = static_cast<uint8_t>(query[2]);
  // QR, the opcode as it came, AA unless we failed, TC, RD as it came. RA stays 0: we answer for all names ourselves.
  out += static_cast<char>(0x80 | (flags & 0x79) | (rcode == kNoError || rcode == kNxDomain ? 0x04 : 0) |
                           (truncated ? 0x02 : 0));
  out += static_cast<char>(rcode);
  AppendU16(question != nullptr ? 1 : 0, &out);
  AppendU16(truncated ? 0 : sections.answers, &out);
  AppendU16(truncated ? 0 : sections.authorities, &out);
  const bool edns = question != nullptr && question->edns_size.has_value();
  AppendU16(edns ? 1 : 0, &out);
  if (question != nullptr) out += query.substr(kHeaderBytes, question->end - kHeaderBytes);
  if (!truncated) out += sections.records;
  if (edns) {
    out += '\0';
    AppendU16(kDnsOpt, &out);
    AppendU16(static_cast<uint16_t>(DnsZone::kUdpBytesMax), &out);
    AppendU32(0, &out);
    AppendU16(0, &out);
  }
  return out;
}

// The text form of an uncompressed name in rdata that we composed ourselves.
std::string RdataName(std::string_view rdata, size_t at) {
  return ReadName(rdata, &at).value_or("");
}

}  // namespace

void DnsZone::Add(DnsRecord record) {
  for (std::string_view name = Parent(record.name); !name.empty(); name = Parent(name)) ancestors_.emplace(name);
  RecordSet& set = by_name_[record.name];
  if (std::find(set.begin(), set.end(), record) != set.end()) return;
  set.push_back(std::move(record));
  ++records_count_;
}

void DnsZone::AddTrouble(std::string_view name, Trouble trouble) {
  if (!name.empty() && name.back() == '.') name.remove_suffix(1);
  troubles_[AsciiLower(name)] = trouble;
}

DnsZone::Trouble DnsZone::TroubleOf(std::string_view name) const {
  if (troubles_.empty()) return Trouble::kNone;
  bool below = false;
  for (; !name.empty(); name = Parent(name)) {
    auto found = troubles_.find(Av(name));
    if (found == troubles_.end() && below) found = troubles_.find("*." + std::string(name));
    if (found != troubles_.end()) return found->second;
    below = true;
  }
  return Trouble::kNone;
}

const DnsZone::RecordSet* DnsZone::Find(std::string_view name) const {
  const auto exact = by_name_.find(Av(name));
  if (exact != by_name_.end()) return &exact->second;
  std::string pattern;
  for (std::string_view rest = name; !rest.empty();) {
    rest = Parent(rest);
    pattern = rest.empty() ? "*" : "*." + std::string(rest);
    const auto wildcard = by_name_.find(pattern);
    if (wildcard != by_name_.end()) return &wildcard->second;
  }
  return nullptr;
}

std::optional<std::string> DnsZone::Answer(std::string_view query, bool tcp) const {
  if (query.size() < kHeaderBytes || (query[2] & 0x80) != 0) return std::nullopt;  // runt, or itself an answer
  if ((query[2] & 0x78) != 0) return Compose(query, nullptr, kNotImp, false, {});
  Question question;
  question.end = kHeaderBytes;
  std::optional<std::string> name;
  if (ReadU16(query, 4) == 1) name = ReadName(query, &question.end);
  if (!name.has_value() || question.end + 4 > query.size()) return Compose(query, nullptr, kFormErr, false, {});
  question.name = *std::move(name);
  question.type = ReadU16(query, question.end);
  const uint16_t klass = ReadU16(query, question.end + 2);
  question.end += 4;
  ReadEdns(query, &question);
  if (klass != kClassIn) return Compose(query, &question, kRefused, false, {});

  Sections sections;
  std::string name_now = question.name;
  std::string owner("\xc0\x0c", 2);  // RFC 1035 section 4.1.4: a pointer to the question's name
  uint8_t rcode = kNoError;
  bool matched = false;
  for (int step = 0; step <= kCnameStepsMax; ++step) {
    const Trouble trouble = TroubleOf(name_now);
    if (trouble == Trouble::kSilent) return std::nullopt;
    if (trouble == Trouble::kServfail) return Compose(query, &question, kServFail, false, {});
    const RecordSet* set = Find(name_now);
    const DnsRecord* alias = nullptr;
    if (set != nullptr) {
      for (const DnsRecord& record : *set) {
        if (record.type == question.type || question.type == kDnsAny) {
          AppendRecord(owner, record.type, record.ttl, record.rdata, &sections.records);
          ++sections.answers;
          matched = true;
        } else if (record.type == kDnsCname) {
          alias = &record;
        }
      }
    } else if (!ancestors_.contains(name_now)) {
      rcode = kNxDomain;
    }
    if (matched || alias == nullptr) break;
    AppendRecord(owner, kDnsCname, alias->ttl, alias->rdata, &sections.records);
    ++sections.answers;
    owner = alias->rdata;
    name_now = RdataName(alias->rdata, 0);
  }
  if (!matched) {
    // RFC 2308: the SOA tells how long a "no" may be kept. Its zone is the root, which we play.
    std::string soa = *DnsNameToWire("testnet.invalid") + *DnsNameToWire("hostmaster.testnet.invalid");
    for (const uint32_t value : {1u, 3600u, 600u, 86400u, ttl_negative_}) AppendU32(value, &soa);
    AppendRecord(std::string_view("\0", 1), kDnsSoa, ttl_negative_, soa, &sections.records);
    sections.authorities = 1;
  }
  const size_t limit =
      tcp ? kTcpBytesMax : std::clamp(question.edns_size.value_or(kUdpBytesPlain), kUdpBytesPlain, kUdpBytesMax);
  std::string answer = Compose(query, &question, rcode, false, sections);
  if (answer.size() > kTcpBytesMax) return Compose(query, &question, kServFail, false, {});
  if (answer.size() > limit) return Compose(query, &question, rcode, true, {});
  return answer;
}

std::optional<std::string> DnsZone::Txt(std::string_view name) const {
  const RecordSet* set = Find(AsciiLower(name));
  if (set == nullptr) return std::nullopt;
  for (const DnsRecord& record : *set) {
    if (record.type != kDnsTxt) continue;
    std::string text;
    for (size_t at = 0; at < record.rdata.size();) {
      const size_t length = static_cast<uint8_t>(record.rdata[at]);
      text += record.rdata.substr(at + 1, length);
      at += 1 + length;
    }
    return text;
  }
  return std::nullopt;
}

std::vector<uint32_t> DnsZone::Addresses(std::string_view name) const {
  std::vector<uint32_t> addresses;
  const RecordSet* set = Find(AsciiLower(name));
  if (set == nullptr) return addresses;
  for (const DnsRecord& record : *set) {
    if (record.type == kDnsA) addresses.push_back(ReadU32(record.rdata, 0));
  }
  return addresses;
}

std::vector<uint32_t> DnsZone::MailAddresses(std::string_view domain) const {
  const RecordSet* set = Find(AsciiLower(domain));
  if (set == nullptr) return {};
  std::vector<std::pair<uint16_t, std::string>> hosts;
  for (const DnsRecord& record : *set) {
    if (record.type == kDnsMx) hosts.emplace_back(ReadU16(record.rdata, 0), RdataName(record.rdata, 2));
  }
  if (hosts.empty()) return Addresses(domain);
  std::stable_sort(hosts.begin(), hosts.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<uint32_t> addresses;
  for (const auto& [preference, host] : hosts) {
    const std::vector<uint32_t> of_host = Addresses(host);
    addresses.insert(addresses.end(), of_host.begin(), of_host.end());
  }
  return addresses;
}

}  // namespace wavepost::testnet
