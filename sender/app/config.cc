#include "sender/app/config.h"

#include <algorithm>
#include <asio/ip/address.hpp>
#include <memory>
#include <optional>
#include <set>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/time/time.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/config/config.h"

namespace wavepost {
namespace {

constexpr char kVersion[] = "0.1.0";

// HOST:PORT of a proxy, an IP address: names would have to be looked up before each connection.
template <typename Proxy>
void ReadProxyAddress(const ConfigNode& node, Proxy* proxy) {
  const std::string text = node.RequiredString("address");
  const size_t colon = text.rfind(':');
  asio::error_code error;
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  proxy->host = asio::ip::make_address(host, error);
  int port = 0;
  const bool numeric = colon != std::string::npos && absl::SimpleAtoi(text.substr(colon + 1), &port);
  if (error || !numeric || port < 1 || port > 65535) node.Problem("address", "must be IP:PORT, e.g. 192.0.2.1:1080");
  proxy->port = static_cast<uint16_t>(port);
  const std::string bind = node.String("bind", "");
  if (bind.empty()) return;
  proxy->bind_address = asio::ip::make_address(bind, error);
  if (error) node.Problem("bind", "is not an IP address");
}

void ReadRoute(const ConfigNode& item, EgressRoute* route) {
  if (item.Has("socks5")) {
    const ConfigNode node = item.Child("socks5");
    Socks5& socks = route->socks5.emplace();
    ReadProxyAddress(node, &socks);
    socks.user = node.String("user", "");
    socks.password = node.String("password", "");
    if (socks.user.size() > 255 || socks.password.size() > 255) node.Problem("user", "at most 255 bytes (RFC 1929)");
  }
  if (item.Has("proxy")) ReadProxyAddress(item.Child("proxy"), &route->proxy.emplace());
  if (route->socks5 && route->proxy) item.Problem("proxy", "either socks5 or proxy, not both");
}

std::shared_ptr<const WarmUpPlan> ReadWarmUp(const ConfigNode& node, v1::WarmUp* proto) {
  auto plan = std::make_shared<WarmUpPlan>();
  std::string error;
  if (!absl::ParseTime("%Y-%m-%d", node.RequiredString("start"), &plan->start, &error)) {
    node.Problem("start", "must be a date such as 2026-11-22: the first day, UTC");
  }
  for (const std::string& text : node.StringList("caps")) {
    int64_t cap = 0;
    const bool ok = absl::SimpleAtoi(text, &cap) && cap > 0 && (plan->caps.empty() || cap >= plan->caps.back());
    if (!ok) node.Problem("caps", "must be whole numbers, each at least the one before: messages per provider and day");
    plan->caps.push_back(cap);
  }
  if (plan->caps.empty()) plan->caps = WarmUpPlan::BuiltInCaps();
  if (plan->caps.size() > 365) node.Problem("caps", "at most 365 days");
  plan->overflow = node.Bool("overflow", false);
  proto->mutable_start_time()->set_seconds(absl::ToUnixSeconds(plan->start));
  for (const int64_t cap : plan->caps) proto->add_daily_caps(cap);
  proto->set_overflow(plan->overflow);
  return plan;
}

bool IsRegion(std::string_view name) {
  return !name.empty() && name.size() <= 20 && name.front() != '-' && name.back() != '-' &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

void ReadEgress(const ConfigNode& root, SenderConfig* config) {
  std::set<std::string> seen;
  for (const ConfigNode& item : root.List("egress_ips")) {
    v1::EgressIp ip;
    ip.set_address(item.RequiredString("address"));
    ip.set_ehlo_name(item.RequiredString("ehlo_name"));
    ip.set_pool(item.String("pool", "default"));
    ip.set_region(item.String("region", "default"));
    if (!IsRegion(ip.region())) {
      item.Problem("region", "must be 1 to 20 of a-z, 0-9 and '-': it becomes part of a DNS name, e.g. eu");
    }
    ip.set_weight(item.Double("weight", 1, 0.001, 1000));
    asio::error_code error;
    const asio::ip::address parsed = asio::ip::make_address(ip.address(), error);
    if (error) {
      item.Problem("address", "is not an IP address");
    } else {
      ip.set_address(parsed.to_string());  // one spelling, since it is a key
    }
    if (!seen.insert(ip.address()).second) item.Problem("address", "is listed twice");
    EgressAddress egress{.address = ip.address(), .route = {.source = parsed, .ehlo_name = ip.ehlo_name()}};
    ReadRoute(item, &egress.route);
    if (item.Has("warm_up")) egress.warm_up = ReadWarmUp(item.Child("warm_up"), ip.mutable_warm_up());
    config->delivery.egress.push_back(std::move(egress));
    config->link.egress_ips.push_back(std::move(ip));
  }
  if (seen.empty()) root.Problem("egress_ips", "at least one egress IP is required: {address, ehlo_name}");
}

void ReadTimeouts(const ConfigNode& node, SmtpTimeouts* timeouts) {
  const absl::Duration least = absl::Milliseconds(100);
  timeouts->dns = node.DurationOf("dns", timeouts->dns, least);
  timeouts->connect = node.DurationOf("connect", timeouts->connect, least);
  timeouts->greeting = node.DurationOf("greeting", timeouts->greeting, least);
  timeouts->command = node.DurationOf("command", timeouts->command, least);
  timeouts->data = node.DurationOf("data", timeouts->data, least);
  timeouts->block = node.DurationOf("block", timeouts->block, least);
  timeouts->end_of_data = node.DurationOf("end_of_data", timeouts->end_of_data, least);
  timeouts->tls = node.DurationOf("tls", timeouts->tls, least);
  timeouts->idle = node.DurationOf("idle", timeouts->idle);
}

void ReadSmtp(const ConfigNode& node, DeliveryOptions* delivery) {
  delivery->smtp_port = static_cast<int>(node.Int("port", 25, 1, 65535));
  delivery->starttls = node.Bool("starttls", true);
  delivery->allow_private_mx = node.Bool("allow_private_mx", false);
  delivery->connections_max = static_cast<int>(node.Int("connections_max", 500, 1, 100'000));
  delivery->lanes_max = static_cast<int>(node.Int("lanes_max", 40'000, 100, 10'000'000));
  delivery->chunking = node.Bool("chunking", true);
  ReadTimeouts(node.Child("timeouts"), &delivery->timeouts);
}

// Starting values for sites that no provider owns. 0 means no limit.
void ReadSites(const ConfigNode& node, DeliveryOptions* delivery) {
  const auto rate = [&](std::string_view key) -> std::optional<double> {
    if (!node.Has(key)) return std::nullopt;
    const double value = node.Double(key, 0, 0, 1e6);
    return value == 0 ? SiteLimits::kUnlimited : value;
  };
  if (node.Has("connections")) delivery->site_connections = static_cast<int>(node.Int("connections", 10, 1, 10'000));
  if (node.Has("messages_per_connection")) {
    delivery->messages_per_connection = static_cast<int>(node.Int("messages_per_connection", 100, 1, 1'000'000));
  }
  delivery->connections_per_minute = rate("connections_per_minute");
  delivery->messages_per_second = rate("messages_per_second");
  delivery->providers_file = node.String("providers", "");
}

void ReadTls(const ConfigNode& node, const std::string& node_id, DeliveryOptions* delivery) {
  delivery->ca_file = node.String("authorities", "");
  for (const std::string& domain : node.StringList("require")) delivery->require_tls.push_back(AsciiLower(domain));
  delivery->mta_sts = node.Bool("mta_sts", true);
  delivery->mta_sts_port = static_cast<int>(node.Int("mta_sts_port", 443, 1, 65535));
  delivery->dane = node.Bool("dane", true);
  const ConfigNode reports = node.Child("reports");
  delivery->tls_reports.folder = reports.String("folder", "");
  delivery->tls_reports.gzip = reports.Bool("gzip", true);
  delivery->tls_reports.write_all = reports.Bool("all", false);
  TlsReportIdentity& identity = delivery->tls_reports.identity;
  identity.organization = reports.String("organization", "");
  identity.contact = reports.String("contact", "");
  identity.submitter = reports.String("submitter", "");
  identity.node = node_id;
  if (!delivery->tls_reports.folder.empty() && (identity.contact.empty() || identity.submitter.empty())) {
    reports.Problem("folder", "needs contact (an address) and submitter (our domain): RFC 8460 section 4.4");
  }
}

void ReadCeilings(const ConfigNode& node, DeliveryOptions* delivery) {
  const double all = node.Double("messages_per_second", 0, 0, 1e6);
  if (all > 0) delivery->rate_max = all;
  const ConfigNode tenants = node.Child("tenants");
  for (const std::string& tenant : tenants.Keys()) {
    delivery->tenant_rates[tenant] = tenants.Double(tenant, 1, 0.001, 1e6);
  }
}

void ReadDns(const ConfigNode& node, CaresResolver::Options* dns) {
  dns->servers = node.StringList("servers");
  dns->timeout = node.DurationOf("timeout", absl::Seconds(5), absl::Milliseconds(50));
  dns->tries = static_cast<int>(node.Int("tries", 3, 1, 10));
  dns->cache_ttl_max = node.DurationOf("cache_ttl_max", absl::Hours(1));
  dns->ipv4 = node.Bool("ipv4", true);
  dns->ipv6 = node.Bool("ipv6", true);
  if (node.Has("trust_ad")) dns->trust_ad = node.Bool("trust_ad", false);
}

}  // namespace

absl::StatusOr<SenderConfig> LoadSenderConfig(const std::string& path) {
  ASSIGN_OR_RETURN(ConfigFile file, ConfigFile::Load(path));
  const ConfigNode root = file.root();
  SenderConfig config;
  config.log_level = root.String("log_level", "info");
  config.sealing_key_file = root.String("sealing_key_file", "");
  config.queue.data_dir = root.String("data_dir", "var/sender");
  config.queue.memory_bytes = static_cast<size_t>(root.Int("memory_mb", 64, 8, 1 << 20)) << 20;
  config.queue.queue_max = root.Int("queue_max", 20'000'000, 1, 1'000'000'000);
  config.status_listen = root.String("status_listen", "");
  config.stop_grace = root.DurationOf("stop_grace", absl::Seconds(30));
  config.tls = ReadTlsFiles(root);

  config.link.target = root.String("coordinator", "127.0.0.1:7000");
  config.link.tls = config.tls;
  config.link.node_id = root.String("node_id", "sender-0");
  config.link.version = kVersion;
  config.link.credit_window = root.Int("credit_window", 50'000, 1, 10'000'000);
  ReadEgress(root, &config);

  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  config.delivery.clock_scale = root.Double("clock_scale", 1, 0.001, 1'000'000);
  config.delivery.io_threads = static_cast<int>(root.Int("io_threads", 1, 1, 64));
  config.delivery.cpu_threads = static_cast<int>(root.Int("cpu_threads", cores, 1, 256));
  ReadSmtp(root.Child("smtp"), &config.delivery);
  ReadSites(root.Child("sites"), &config.delivery);
  ReadTls(root.Child("tls_policy"), config.link.node_id, &config.delivery);
  ReadCeilings(root.Child("ceilings"), &config.delivery);
  ReadDns(root.Child("dns"), &config.dns);
  RETURN_IF_ERROR(file.Finish());
  return config;
}

}  // namespace wavepost
