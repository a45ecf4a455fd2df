#include "tests/testnet/scenario.h"

#include <arpa/inet.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/config/config.h"
#include "tests/testnet/profile_config.h"
#include "tests/testnet/site_config.h"

namespace wavepost::testnet {
namespace {

void ReadDns(const ConfigNode& node, Scenario* scenario) {
  const std::string listen = node.String("listen", "127.0.0.1:0");
  const size_t colon = listen.rfind(':');
  int port = -1;
  if (colon == std::string::npos || !absl::SimpleAtoi(listen.substr(colon + 1), &port) || port < 0 || port > 65535 ||
      !ParseLoopback(std::string_view(listen).substr(0, colon)).has_value()) {
    node.Problem("listen", absl::StrCat("must be 127.x.y.z:PORT, is '", listen, "'"));
  } else {
    scenario->dns_address = listen.substr(0, colon);
    scenario->dns_port = static_cast<uint16_t>(port);
  }
  scenario->dns_ttl = static_cast<uint32_t>(absl::ToInt64Seconds(node.DurationOf("ttl", absl::Seconds(60))));
  scenario->dns_servfail = node.StringList("servfail");
  scenario->dns_silent = node.StringList("timeout");
}

void ReadDsn(const ConfigNode& node, Scenario* scenario) {
  DsnPolicy& dsn = scenario->dsn;
  dsn.host = node.String("host", "");
  const std::optional<uint32_t> address = ParseLoopback(dsn.host);
  in_addr any;
  if (!dsn.host.empty() && !address.has_value() && inet_pton(AF_INET, dsn.host.c_str(), &any) == 1) {
    node.Problem("host", "must be an address in 127.0.0.0/8 or a name of the zone");
  }
  dsn.port = static_cast<uint16_t>(node.Int("port", 25, 1, 65535));
  dsn.after = node.DurationOf("after", dsn.after) / scenario->clock_scale;
  dsn.retry_delay = node.DurationOf("retry_delay", dsn.retry_delay, absl::Milliseconds(10));
  dsn.attempts = static_cast<int>(node.Int("attempts", dsn.attempts, 1, 1'000'000));
  dsn.connections = static_cast<int>(node.Int("connections", dsn.connections, 1, 1000));
}

void ReadExtraRecords(const ConfigNode& root, Scenario* scenario) {
  for (const ConfigNode& item : root.List("records")) {
    absl::StatusOr<DnsRecord> record = ParseDnsRecord(item.Scalar(), scenario->dns_ttl);
    if (record.ok()) {
      scenario->records.push_back(*std::move(record));
    } else {
      item.Problem("", Sv(record.status().message()));
    }
  }
  scenario->record_files = root.StringList("record_files");
  for (const std::string& path : scenario->record_files) {
    const absl::Status status = LoadDnsRecords(path, scenario->dns_ttl).status();
    if (!status.ok()) root.Problem("record_files", Sv(status.message()));
  }
}

void ReadFateFiles(const ConfigNode& root, Scenario* scenario) {
  for (const std::string& path : root.StringList("fate_files")) {
    std::ifstream in(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const absl::Status status = in.is_open() && !in.bad() ? scenario->fate_table.AddText(text, path)
                                                          : absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
    if (!status.ok()) root.Problem("fate_files", Sv(status.message()));
  }
}

absl::StatusOr<Scenario> ReadScenario(const ConfigFile& file) {
  Scenario scenario;
  const ConfigNode root = file.root();
  scenario.clock_scale = root.Double("clock_scale", 1, 0.001, 100'000);
  scenario.seed = static_cast<uint64_t>(root.Int("seed", 1, 0, INT64_MAX));
  scenario.ledger = root.String("ledger", scenario.ledger);
  scenario.discard_ledger = root.Bool("discard_ledger", false);
  scenario.verify_dkim = root.Bool("verify_dkim", false);
  scenario.sample = static_cast<int>(root.Int("sample", 1, 1, 1'000'000'000));
  scenario.smtp_port = static_cast<uint16_t>(root.Int("smtp_port", 0, 0, 65535));
  scenario.connections_max = static_cast<size_t>(root.Int("connections_max", 2000, 1, 50'000));
  scenario.message_bytes_max = static_cast<uint64_t>(root.Int("message_bytes_max", 10 << 20, 1024, 100 << 20));
  scenario.idle_timeout = root.DurationOf("idle_timeout", scenario.idle_timeout, absl::Milliseconds(100));
  ReadDns(root.Child("dns"), &scenario);
  ReadDsn(root.Child("dsn"), &scenario);
  scenario.profiles = ReadProfiles(root, scenario.clock_scale);
  ReadSites(root, &scenario);
  ReadExtraRecords(root, &scenario);
  ReadFateFiles(root, &scenario);
  RETURN_IF_ERROR(file.Finish());
  return scenario;
}

}  // namespace

std::optional<size_t> Scenario::SiteOf(std::string_view domain) const {
  const auto exact = domains.find(Av(domain));
  if (exact != domains.end()) return exact->second;
  while (!domain.empty()) {
    const size_t dot = domain.find('.');
    domain = dot == std::string_view::npos ? std::string_view{} : domain.substr(dot + 1);
    const auto wildcard = wildcards.find(Av(domain));
    if (wildcard != wildcards.end()) return wildcard->second;
  }
  return std::nullopt;
}

bool Scenario::Serves(uint32_t address, size_t site) const {
  const std::vector<MailHost>& hosts = sites[site].hosts;
  return std::any_of(hosts.begin(), hosts.end(), [&](const MailHost& host) { return host.address == address; });
}

absl::StatusOr<Scenario> LoadScenario(const std::string& path) {
  ASSIGN_OR_RETURN(const ConfigFile file, ConfigFile::Load(path));
  return ReadScenario(file);
}

absl::StatusOr<Scenario> ParseScenario(std::string_view text, const std::string& name) {
  ASSIGN_OR_RETURN(const ConfigFile file, ConfigFile::Parse(text, name));
  return ReadScenario(file);
}

std::optional<uint32_t> ParseLoopback(std::string_view text) {
  in_addr address;
  if (inet_pton(AF_INET, std::string(text).c_str(), &address) != 1) return std::nullopt;
  const uint32_t host_order = ntohl(address.s_addr);
  if (host_order >> 24 != 127) return std::nullopt;
  return host_order;
}

std::string Ipv4Text(uint32_t address) {
  return absl::StrCat(address >> 24, ".", address >> 16 & 255, ".", address >> 8 & 255, ".", address & 255);
}

std::optional<std::string> NormalDomain(std::string_view text) {
  if (!text.empty() && text.back() == '.') text.remove_suffix(1);
  const auto is_host_byte = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  };
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_host_byte) || !DnsNameToWire(text).has_value()) {
    return std::nullopt;
  }
  return AsciiLower(text);
}

}  // namespace wavepost::testnet
