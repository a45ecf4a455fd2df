// What wavepost-coordinator is configured with, from YAML. The keys are described in the manual on top of main.cc.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/config/config.h"
#include "common/mail/verp.h"
#include "common/rpc/credentials.h"

namespace wavepost {

// What happens to mail whose From domain is not, or no longer, in order.
struct DomainPolicy {
  bool allow_unverified = false;             // for tests and closed networks
  absl::Duration recheck = absl::Hours(24);  // from_domains.recheck
  bool pause_lost = true;                    // from_domains.on_lost: pause, or warn
};

struct CoordinatorConfig {
  std::string listen = "127.0.0.1:7000";
  std::string data_dir = "./var/coordinator";
  size_t memory_bytes = 256u << 20;
  std::string return_path_domain;                 // A-labels, lower case
  TokenKeys token_keys = TokenKeys::ForTest();    // Load always replaces it
  std::vector<std::string> return_path_mx_hosts;  // default: the domain itself
  std::string dmarc_reports;  // reports.address; where DMARC reports about customers' domains shall go; empty: nowhere
  std::string tls_reports;    // reports.tls_address; TLS reports about the return path domain
  std::string message_id_domain;
  std::string identity_domain;   // our own; empty: none
  std::string feedback_id;       // last part of Feedback-ID, 5 to 15 letters; empty: no such field
  std::string unsubscribe_url;   // "https://u.example/u/"; empty: by mail only
  std::string dnsbl_zones_file;  // empty: the zones that are built in
  absl::Duration identity_recheck = absl::Hours(1);
  DomainPolicy domains;
  std::vector<std::string> dns_servers;  // empty: the system's
  std::string sealing_key_file;  // empty: WAVEPOST_SEALING_KEY, else data_dir + "/sealing.keys", made if need be
  std::string metrics_listen;    // Prometheus, HTTP; empty: none
  absl::Duration lease = absl::Hours(1);
  std::string status_listen;  // health and reflection in clear text; empty: none
  TlsFiles tls;
  std::vector<std::string> operator_key_sha256;  // of each operator key; empty: every caller without a key is operator

  // Reads and checks everything, the files that it names included, without starting anything.
  // Errors: as ConfigFile; the message has a line per problem, each with file, line and key, and says what to do.
  static absl::StatusOr<CoordinatorConfig> Load(const std::string& path);
  static absl::StatusOr<CoordinatorConfig> FromFile(const ConfigFile& file);
};

// The SHA-256 of each key in an operator key file: one key per line, '#' starts a comment line, 16 to 512 characters.
// Errors: kNotFound, kInvalidArgument; the keys themselves never stand in a message.
absl::StatusOr<std::vector<std::string>> LoadOperatorKeys(const std::string& path);

}  // namespace wavepost
