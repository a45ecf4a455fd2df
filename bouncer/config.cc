#include "bouncer/config.h"

#include <string_view>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/mail/address.h"

namespace wavepost {
namespace {

bool IsNodeId(std::string_view id) {
  if (id.empty() || id.size() > 63 || id.front() == '-') return false;
  for (const char c : id) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) return false;
  }
  return true;
}

InboundLimits ReadLimits(const ConfigNode& node) {
  InboundLimits out;
  constexpr int64_t kMiB = 1 << 20;
  out.message_bytes_max = node.Int("message_bytes", out.message_bytes_max, 64 * 1024, 1024 * kMiB);
  out.memory_bytes_max =
      static_cast<size_t>(node.Int("memory_bytes", static_cast<int64_t>(out.memory_bytes_max), 4 * kMiB, 16384 * kMiB));
  // One message must not be all that fits: see DialogueShared::whole_budget.
  if (const size_t most = out.memory_bytes_max / 4; static_cast<size_t>(out.message_bytes_max) > most) {
    node.Problem("message_bytes", absl::StrCat("must be at most a quarter of memory_bytes (", most, "), is ",
                                               out.message_bytes_max, "; lower it, or raise memory_bytes"));
  }
  out.recipients_max =
      static_cast<size_t>(node.Int("recipients_per_message", static_cast<int64_t>(out.recipients_max), 1, 1000));
  out.connections_max =
      static_cast<size_t>(node.Int("connections", static_cast<int64_t>(out.connections_max), 1, 50'000));
  out.connections_per_client_max = static_cast<size_t>(
      node.Int("connections_per_client", static_cast<int64_t>(out.connections_per_client_max), 1, 50'000));
  out.errors_max = static_cast<int>(node.Int("errors_per_connection", out.errors_max, 1, 10'000));
  out.hops_max = static_cast<int>(node.Int("hops", out.hops_max, 10, 1'000));
  constexpr int64_t kManyMessages = 1'000'000'000;
  out.client_messages_per_minute =
      node.Int("client_messages_per_minute", out.client_messages_per_minute, 0, kManyMessages);
  out.network_messages_per_minute =
      node.Int("network_messages_per_minute", out.network_messages_per_minute, 0, kManyMessages);
  out.recipient_messages_per_hour =
      node.Int("recipient_messages_per_hour", out.recipient_messages_per_hour, 0, kManyMessages);
  out.handshake_timeout =
      node.DurationOf("handshake_timeout", out.handshake_timeout, absl::Milliseconds(100), absl::Hours(1));
  out.command_timeout =
      node.DurationOf("command_timeout", out.command_timeout, absl::Milliseconds(100), absl::Hours(1));
  out.data_timeout = node.DurationOf("data_timeout", out.data_timeout, absl::Milliseconds(100), absl::Hours(1));
  out.message_timeout =
      node.DurationOf("message_timeout", out.message_timeout, absl::Milliseconds(100), absl::Hours(24));
  out.drain_timeout = node.DurationOf("drain_timeout", out.drain_timeout, absl::ZeroDuration(), absl::Minutes(10));
  return out;
}

MailboxNames ReadMailboxes(const ConfigNode& node, const std::string& domain) {
  MailboxNames out;
  out.domain = domain;
  if (node.Has("feedback")) out.feedback = node.StringList("feedback");
  if (node.Has("aggregate")) out.aggregate = node.StringList("aggregate");
  if (node.Has("people")) out.keep = node.StringList("people");
  return out;
}

CertificateFiles ReadCertificate(const ConfigNode& root) {
  CertificateFiles out;
  if (!root.Has("smtp_tls")) return out;
  const ConfigNode node = root.Child("smtp_tls");
  out.certificate = node.RequiredString("certificate");
  out.key = node.RequiredString("key");
  return out;
}

UnsubscribeServer::Options ReadUnsubscribe(const ConfigNode& node) {
  UnsubscribeServer::Options out;
  out.listen = node.String("listen", "");
  out.connections_max = static_cast<unsigned>(node.Int("connections", out.connections_max, 1, 50'000));
  out.connections_per_address_max =
      static_cast<unsigned>(node.Int("connections_per_client", out.connections_per_address_max, 1, 50'000));
  const ConfigNode tls = node.Child("tls");
  if (node.Has("tls")) {
    out.certificate = tls.RequiredString("certificate");
    out.key = tls.RequiredString("key");
  }
  return out;
}

}  // namespace

absl::StatusOr<BouncerConfig> ReadBouncerConfig(const ConfigFile& file) {
  const ConfigNode root = file.root();
  BouncerConfig out;
  out.node_id = root.String("node_id", out.node_id);
  if (!IsNodeId(out.node_id)) root.Problem("node_id", "use 1 to 63 of a-z, 0-9 and '-', not starting with '-'");
  out.data_dir = root.RequiredString("data_dir");
  out.listen = root.StringList("listen");
  if (out.listen.empty()) root.Problem("listen", "name at least one address, e.g. [\"127.0.0.1:2526\"]");
  const ConfigNode return_path = root.Child("return_path");
  if (root.Has("return_path")) {
    out.return_path_domain = return_path.RequiredString("domain");
    out.token_keys = return_path.RequiredString("token_keys");
  } else {
    root.Problem("return_path", "is required: {domain: bounce.example, token_keys: FILE}");
  }
  if (!out.return_path_domain.empty()) {
    const absl::StatusOr<std::string> domain = ParseDomain(out.return_path_domain);
    if (domain.ok()) {
      out.return_path_domain = *domain;
    } else {
      return_path.Problem("domain", std::string(domain.status().message()));
    }
  }
  out.mailboxes = ReadMailboxes(root.Child("mailboxes"), out.return_path_domain);
  out.lmtp_listen = root.StringList("lmtp_listen");
  out.smtp_certificate = ReadCertificate(root);
  const ConfigNode kept = root.Child("kept_mail");
  out.kept_messages_max = kept.Int("messages", out.kept_messages_max, 0, 1'000'000);
  out.kept_bytes_max = kept.Int("bytes", out.kept_bytes_max, 0, 1'000'000'000'000);
  out.rules = root.String("rules", "");
  out.hostname = root.String("hostname", out.return_path_domain);
  out.coordinator = root.String("coordinator", out.coordinator);
  out.tls = ReadTlsFiles(root);
  out.status_listen = root.String("status_listen", "");
  out.unsubscribe = ReadUnsubscribe(root.Child("unsubscribe"));
  out.ingest_listen = root.String("ingest_listen", "");
  out.metrics_listen = root.String("metrics_listen", "");
  out.limits = ReadLimits(root.Child("limits"));
  const ConfigNode outbox = root.Child("outbox");
  out.outbox_records_max = outbox.Int("records", out.outbox_records_max, 1, 1'000'000'000'000);
  const ConfigNode feed = root.Child("feed");
  out.feed_backoff_min = feed.DurationOf("backoff_min", out.feed_backoff_min, absl::Milliseconds(1), absl::Minutes(10));
  out.feed_backoff_max = feed.DurationOf("backoff_max", out.feed_backoff_max, out.feed_backoff_min, absl::Minutes(10));
  out.acknowledge_timeout =
      feed.DurationOf("acknowledge_timeout", out.acknowledge_timeout, absl::Milliseconds(100), absl::Hours(1));
  RETURN_IF_ERROR(file.Finish());
  return out;
}

absl::StatusOr<BouncerConfig> LoadBouncerConfig(const std::string& path) {
  ASSIGN_OR_RETURN(const ConfigFile file, ConfigFile::Load(path));
  return ReadBouncerConfig(file);
}

}  // namespace wavepost
