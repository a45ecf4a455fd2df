#include "tests/testnet/dns_record.h"

#include <arpa/inet.h>

#include <fstream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"

namespace wavepost::testnet {
namespace {

constexpr size_t kTxtBytesMax = 16 * 1024;
constexpr size_t kRecordFileBytesMax = 64 << 20;

std::string_view Trim(std::string_view s) {
  const size_t first = s.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return s.substr(first, s.find_last_not_of(" \t\r") - first + 1);
}

std::string_view TakeWord(std::string_view* rest) {
  *rest = Trim(*rest);
  const size_t end = rest->find_first_of(" \t");
  const std::string_view word = rest->substr(0, end);
  *rest = end == std::string_view::npos ? std::string_view{} : Trim(rest->substr(end));
  return word;
}

std::string U16(uint16_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}

// Character strings of at most 255 bytes (RFC 1035 section 3.3.14).
std::string TxtRdata(std::string_view text) {
  std::string out;
  do {
    const std::string_view piece = text.substr(0, 255);
    out += static_cast<char>(piece.size());
    out += piece;
    text.remove_prefix(piece.size());
  } while (!text.empty());
  return out;
}

absl::StatusOr<std::string> ParseTxt(std::string_view rest) {
  if (rest.size() > kTxtBytesMax) return absl::InvalidArgumentError("a TXT record has at most 16384 bytes");
  if (rest.empty() || rest[0] != '"') return TxtRdata(rest);
  std::string text;
  while (!rest.empty()) {
    if (rest[0] != '"') return absl::InvalidArgumentError("text between the quoted strings of a TXT record");
    size_t i = 1;
    for (; i < rest.size() && rest[i] != '"'; ++i) {
      if (rest[i] == '\\' && i + 1 < rest.size()) ++i;
      text += rest[i];
    }
    if (i >= rest.size()) return absl::InvalidArgumentError("a TXT record lacks its closing quote");
    rest = Trim(rest.substr(i + 1));
  }
  return TxtRdata(text);
}

absl::StatusOr<std::string> ParseRdata(std::string_view type, std::string_view rest, uint16_t* number) {
  if (type == "TXT") {
    *number = kDnsTxt;
    return ParseTxt(rest);
  }
  if (type == "A" || type == "AAAA") {
    const bool v6 = type == "AAAA";
    *number = v6 ? kDnsAaaa : kDnsA;
    char bytes[16];
    if (inet_pton(v6 ? AF_INET6 : AF_INET, std::string(rest).c_str(), bytes) != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", Printable(rest, 60), "' is no IP", v6 ? "v6" : "v4", " address"));
    }
    return std::string(bytes, v6 ? 16 : 4);
  }
  std::string prefix;
  if (type == "MX") {
    *number = kDnsMx;
    uint32_t preference = 0;
    if (!absl::SimpleAtoi(Av(TakeWord(&rest)), &preference) || preference > 65535) {
      return absl::InvalidArgumentError("an MX record is 'preference host'");
    }
    prefix = U16(static_cast<uint16_t>(preference));
  } else if (type == "CNAME") {
    *number = kDnsCname;
  } else if (type == "NS") {
    *number = kDnsNs;
  } else if (type == "PTR") {
    *number = kDnsPtr;
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat("type '", Printable(type, 20), "' is none of A, AAAA, MX, TXT, CNAME, NS, PTR"));
  }
  std::optional<std::string> name = DnsNameToWire(rest);
  if (rest.empty() || !name.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat("'", Printable(rest, 60), "' is no domain name"));
  }
  return prefix + *name;
}

}  // namespace

std::optional<std::string> DnsNameToWire(std::string_view name) {
  if (!name.empty() && name.back() == '.') name.remove_suffix(1);
  std::string out;
  while (!name.empty()) {
    const size_t dot = name.find('.');
    const std::string_view label = name.substr(0, dot);
    if (label.empty() || label.size() > 63 || (dot != std::string_view::npos && dot + 1 == name.size())) {
      return std::nullopt;
    }
    out += static_cast<char>(label.size());
    out += AsciiLower(label);
    name = dot == std::string_view::npos ? std::string_view{} : name.substr(dot + 1);
  }
  out += '\0';
  if (out.size() > 255) return std::nullopt;
  return out;
}

absl::StatusOr<DnsRecord> ParseDnsRecord(std::string_view line, uint32_t ttl) {
  DnsRecord record;
  record.ttl = ttl;
  std::string_view rest = line;
  std::string_view name = TakeWord(&rest);
  if (!DnsNameToWire(name).has_value() || name.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("'", Printable(name, 60), "' is no domain name"));
  }
  if (name.back() == '.') name.remove_suffix(1);
  record.name = AsciiLower(name);
  std::string_view type = TakeWord(&rest);
  if (uint32_t own_ttl = 0; absl::SimpleAtoi(Av(type), &own_ttl)) {
    record.ttl = own_ttl;
    type = TakeWord(&rest);
  }
  if (EqualsIgnoreCase(type, "IN")) type = TakeWord(&rest);
  std::string upper(type);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  ASSIGN_OR_RETURN(record.rdata, ParseRdata(upper, rest, &record.type));
  return record;
}

absl::StatusOr<std::vector<DnsRecord>> ParseDnsRecords(std::string_view text, const std::string& name, uint32_t ttl) {
  std::vector<DnsRecord> records;
  size_t line_number = 0;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = Trim(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    ++line_number;
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    absl::StatusOr<DnsRecord> record = ParseDnsRecord(line, ttl);
    if (!record.ok()) return Annotate(record.status(), absl::StrCat(name, ":", line_number));
    records.push_back(*std::move(record));
  }
  return records;
}

absl::StatusOr<std::vector<DnsRecord>> LoadDnsRecords(const std::string& path, uint32_t ttl) {
  std::ifstream in(path, std::ios::binary);
  std::string text;
  char buffer[64 * 1024];
  while (in.read(buffer, sizeof(buffer)) || in.gcount() > 0) {
    text.append(buffer, static_cast<size_t>(in.gcount()));
    if (text.size() > kRecordFileBytesMax)
      return absl::InvalidArgumentError(absl::StrCat(path, ": larger than 64 MiB"));
  }
  if (!in.eof()) return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  return ParseDnsRecords(text, path, ttl);
}

DnsRecord ARecord(std::string_view name, uint32_t address, uint32_t ttl) {
  return {.name = AsciiLower(name),
          .type = kDnsA,
          .ttl = ttl,
          .rdata = U16(static_cast<uint16_t>(address >> 16)) + U16(static_cast<uint16_t>(address & 0xffff))};
}

DnsRecord MxRecord(std::string_view name, int preference, std::string_view host, uint32_t ttl) {
  return {.name = AsciiLower(name),
          .type = kDnsMx,
          .ttl = ttl,
          .rdata = U16(static_cast<uint16_t>(preference)) + DnsNameToWire(host).value_or(std::string(1, '\0'))};
}

}  // namespace wavepost::testnet
