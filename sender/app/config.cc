#include "sender/app/config.h"

#include <algorithm>
#include <asio/ip/address.hpp>
#include <set>
#include <thread>

#include "common/base/status_macros.h"
#include "common/config/config.h"

namespace wavepost {
namespace {

constexpr char kVersion[] = "0.1.0";

void ReadEgress(const ConfigNode& root, SenderConfig* config) {
  std::set<std::string> seen;
  for (const ConfigNode& item : root.List("egress_ips")) {
    v1::EgressIp ip;
    ip.set_address(item.RequiredString("address"));
    ip.set_ehlo_name(item.RequiredString("ehlo_name"));
    ip.set_pool(item.String("pool", "default"));
    ip.set_weight(item.Double("weight", 1, 0.001, 1000));
    asio::error_code error;
    const asio::ip::address parsed = asio::ip::make_address(ip.address(), error);
    if (error) {
      item.Problem("address", "is not an IP address");
    } else {
      ip.set_address(parsed.to_string());  // one spelling, since it is a key
    }
    if (!seen.insert(ip.address()).second) item.Problem("address", "is listed twice");
    config->delivery.egress.push_back({.address = ip.address(), .ehlo_name = ip.ehlo_name()});
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
  delivery->lane_connections_max = static_cast<int>(node.Int("connections_per_domain", 10, 1, 1000));
  delivery->messages_per_connection = static_cast<int>(node.Int("messages_per_connection", 100, 1, 100'000));
  ReadTimeouts(node.Child("timeouts"), &delivery->timeouts);
}

void ReadDns(const ConfigNode& node, CaresResolver::Options* dns) {
  dns->servers = node.StringList("servers");
  dns->timeout = node.DurationOf("timeout", absl::Seconds(5), absl::Milliseconds(50));
  dns->tries = static_cast<int>(node.Int("tries", 3, 1, 10));
  dns->cache_ttl_max = node.DurationOf("cache_ttl_max", absl::Hours(1));
  dns->ipv4 = node.Bool("ipv4", true);
  dns->ipv6 = node.Bool("ipv6", true);
}

}  // namespace

absl::StatusOr<SenderConfig> LoadSenderConfig(const std::string& path) {
  ASSIGN_OR_RETURN(ConfigFile file, ConfigFile::Load(path));
  const ConfigNode root = file.root();
  SenderConfig config;
  config.log_level = root.String("log_level", "info");
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
  ReadDns(root.Child("dns"), &config.dns);
  RETURN_IF_ERROR(file.Finish());
  return config;
}

}  // namespace wavepost
