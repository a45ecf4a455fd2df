// What delivery needs to know about this node and its operator's wishes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "sender/shaping/warm_up.h"
#include "sender/sites/limits.h"
#include "sender/smtp/egress_route.h"
#include "sender/smtp/timeouts.h"
#include "sender/tls/tls_reporter.h"

namespace wavepost {

// A source address of this node.
struct EgressAddress {
  std::string address;  // textual: its key everywhere
  EgressRoute route;
  std::shared_ptr<const WarmUpPlan> warm_up;  // null: warm
};

struct DeliveryOptions {
  std::vector<EgressAddress> egress;
  int smtp_port = 25;
  bool starttls = true;           // opportunistic: used where offered
  bool allow_private_mx = false;  // tests: MX hosts on loopback and private addresses are fine
  bool chunking = true;           // BDAT where offered
  int connections_max = 500;      // of the node
  int lanes_max = 40'000;         // in memory, per io thread; the others wait their turn on disk
  std::string providers_file;     // empty: the built-in data
  std::string ca_file;            // PEM, for verified peers; empty: the system's roots
  bool mta_sts = true;            // policies are looked for
  bool dane = true;               // where the resolver's answers are authentic
  int mta_sts_port = 443;         // of policy hosts; another one in laboratories
  TlsReporter::Options tls_reports;
  // Replace what the provider data says for sites without provider.
  std::optional<int> site_connections;
  std::optional<int> messages_per_connection;
  std::optional<double> connections_per_minute;
  std::optional<double> messages_per_second;
  std::vector<std::string> require_tls;        // recipient domains
  std::map<std::string, double> tenant_rates;  // messages a second of this node, by tenant id
  double rate_max = SiteLimits::kUnlimited;    // messages a second of this node
  int io_threads = 1;
  int cpu_threads = 2;     // render and sign
  double clock_scale = 1;  // divides retry and pause durations; 1 in production
  SmtpTimeouts timeouts;
  uint64_t seed = 1;  // of jitter and shuffles
};

}  // namespace wavepost
