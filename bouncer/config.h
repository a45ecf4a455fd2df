// The bouncer's configuration file. Every key, its default and its bounds are in bouncer/README.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bouncer/inbound/certificates.h"
#include "bouncer/inbound/limits.h"
#include "bouncer/inbound/mailboxes.h"
#include "bouncer/unsubscribe/server.h"
#include "common/config/config.h"
#include "common/rpc/credentials.h"

namespace wavepost {

struct BouncerConfig {
  std::string node_id = "bouncer-0";  // [a-z0-9][a-z0-9-]{0,62}
  std::string data_dir;
  std::vector<std::string> listen;       // SMTP, "IP:PORT"; at least one
  std::vector<std::string> lmtp_listen;  // LMTP, "IP:PORT" or "unix:/PATH"
  CertificateFiles smtp_certificate;     // for STARTTLS; empty: not offered
  std::string hostname;                  // in the greeting; default: the return path's domain
  std::string return_path_domain;
  MailboxNames mailboxes;  // domain: the return path's
  std::string token_keys;  // file, see common/mail/verp.h
  std::string rules;       // file of rules in front of ours, see common/smtp/rule_file.h; empty: none
  std::string coordinator = "127.0.0.1:7000";
  TlsFiles tls;                            // to the coordinator, and for the status port
  std::string status_listen;               // gRPC health and reflection; empty: none
  UnsubscribeServer::Options unsubscribe;  // listen empty: no page
  std::string ingest_listen;               // IngestReport, "HOST:PORT"; empty: none
  std::string metrics_listen;              // Prometheus; empty: none
  InboundLimits limits;
  int64_t kept_messages_max = 1'000;  // mail for people: see inbound/kept_mail.h
  int64_t kept_bytes_max = 256 << 20;
  int64_t outbox_records_max = 20'000'000;
  absl::Duration feed_backoff_min = absl::Milliseconds(200);
  absl::Duration feed_backoff_max = absl::Seconds(10);
  absl::Duration acknowledge_timeout = absl::Seconds(30);
};

// Errors: ConfigFile::Finish's: each problem with file, line and key. Does not open the files that it names.
absl::StatusOr<BouncerConfig> ReadBouncerConfig(const ConfigFile& file);

// The same from a path.
absl::StatusOr<BouncerConfig> LoadBouncerConfig(const std::string& path);

}  // namespace wavepost
