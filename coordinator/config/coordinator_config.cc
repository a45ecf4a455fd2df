#include "coordinator/config/coordinator_config.h"

#include <openssl/sha.h>

#include <algorithm>
#include <fstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/mail/address.h"

namespace wavepost {
namespace {

constexpr size_t kOperatorKeysMax = 100;
constexpr size_t kOperatorKeyBytesMin = 16;
constexpr size_t kOperatorKeyBytesMax = 512;
constexpr int64_t kMemoryMbMin = 16;
constexpr int64_t kMemoryMbMax = 1 << 20;

std::string Domain(const ConfigNode& node, std::string_view key, const std::string& text) {
  if (text.empty()) return text;  // RequiredString has complained
  absl::StatusOr<std::string> domain = ParseDomain(text);
  if (domain.ok()) return *std::move(domain);
  node.Problem(key, absl::StrCat("'", text, "' is not a domain: ", domain.status().message()));
  return "";
}

void ReadReturnPath(const ConfigNode& root, CoordinatorConfig* config) {
  if (!root.Has("return_path")) {
    root.Problem("",
                 "return_path: is required: the domain that bounces come back to and the keys that sign its addresses, "
                 "e.g. return_path: {domain: bounce.example.com, token_keys: token_keys}");
    return;
  }
  const ConfigNode node = root.Child("return_path");
  config->return_path_domain = Domain(node, "domain", node.RequiredString("domain"));
  for (const std::string& host : node.StringList("mx_hosts")) {
    config->return_path_mx_hosts.push_back(Domain(node, "mx_hosts", host));
  }
  if (config->return_path_mx_hosts.empty()) config->return_path_mx_hosts.push_back(config->return_path_domain);
  const std::string path = node.RequiredString("token_keys");
  if (path.empty()) return;
  absl::StatusOr<TokenKeys> keys = TokenKeys::Load(path);
  if (keys.ok()) {
    config->token_keys = *std::move(keys);
  } else if (absl::IsNotFound(keys.status())) {
    node.Problem("token_keys",
                 absl::StrCat(keys.status().message(), "; make one with: echo \"1 $(openssl rand -hex 32)\" > ", path,
                              " && chmod 600 ", path));
  } else {
    node.Problem("token_keys", Sv(keys.status().message()));
  }
}

// "none" switches it off.
std::string ReportAddress(const ConfigNode& node, std::string_view key, std::string_view local,
                          const CoordinatorConfig& config) {
  const std::string made_up = absl::StrCat(Av(local), "@", config.return_path_domain);
  const std::string text = node.String(key, config.return_path_domain.empty() ? "none" : made_up);
  if (text == "none") return "";
  const absl::StatusOr<Address> address = ParseAddress(text);
  // A comma or '!' would end the address in the record (RFC 7489 section 6.2).
  if (address.ok() && text.find_first_of(",!; ") == std::string::npos) return address->ToString();
  node.Problem(key, absl::StrCat("'", text, "' is no plain mail address; say none to propose no reports"));
  return "";
}

void ReadReports(const ConfigNode& root, CoordinatorConfig* config) {
  const ConfigNode reports = root.Child("reports");
  config->dmarc_reports = ReportAddress(reports, "address", "dmarc", *config);
  config->tls_reports = ReportAddress(reports, "tls_address", "tlsrpt", *config);
}

void ReadAuth(const ConfigNode& root, CoordinatorConfig* config) {
  const ConfigNode auth = root.Child("auth");
  const std::string path = auth.String("operator_key_file", "");
  if (path.empty()) {
    if (!IsLoopbackTarget(config->listen)) {
      root.Problem("listen", absl::StrCat("'", config->listen,
                                          "' leaves this host, and then callers must prove who they are; "
                                          "set auth.operator_key_file, or listen on 127.0.0.1"));
    }
    return;
  }
  absl::StatusOr<std::vector<std::string>> keys = LoadOperatorKeys(path);
  if (keys.ok()) {
    config->operator_key_sha256 = *std::move(keys);
  } else {
    auth.Problem("operator_key_file", Sv(keys.status().message()));
  }
}

void ReadIdentity(const ConfigNode& root, CoordinatorConfig* config) {
  const ConfigNode identity = root.Child("identity");
  const std::string domain = identity.String("domain", "");
  if (!domain.empty()) config->identity_domain = Domain(identity, "domain", domain);
  config->feedback_id = identity.String("feedback_id", "");
  if (!config->feedback_id.empty() &&
      (config->feedback_id.size() < 5 || config->feedback_id.size() > 15 ||
       !std::all_of(config->feedback_id.begin(), config->feedback_id.end(),
                    [](unsigned char c) { return absl::ascii_isalnum(c) || c == '-' || c == '_'; }))) {
    identity.Problem("feedback_id", "must be 5 to 15 letters, digits, hyphens or underscores, the same for ever");
  }
  config->dnsbl_zones_file = identity.String("dnsbl_zones", "");
  config->identity_recheck =
      identity.DurationOf("recheck", config->identity_recheck, absl::Minutes(5), absl::Hours(24 * 7));
  config->unsubscribe_url = root.Child("unsubscribe").String("url", "");
  if (!config->unsubscribe_url.empty()) {
    if (!absl::StartsWith(config->unsubscribe_url, "https://") ||
        config->unsubscribe_url.find_first_of(" \t<>\"?#") != std::string::npos) {
      root.Child("unsubscribe")
          .Problem("url", "must be an https address without query, e.g. https://u.example/u (RFC 8058 section 3.1)");
    }
    if (config->unsubscribe_url.back() != '/') config->unsubscribe_url.push_back('/');
  }
  config->dns_servers = root.Child("dns").StringList("servers");
}

void ReadDomains(const ConfigNode& root, CoordinatorConfig* config) {
  const ConfigNode domains = root.Child("from_domains");
  const std::string unverified = domains.String("unverified", "refuse");
  config->domains.allow_unverified = unverified == "allow";
  if (unverified != "allow" && unverified != "refuse") {
    domains.Problem("unverified", absl::StrCat("must be refuse or allow, is '", unverified, "'"));
  }
  const std::string on_lost = domains.String("on_lost", "pause");
  config->domains.pause_lost = on_lost == "pause";
  if (on_lost != "pause" && on_lost != "warn") {
    domains.Problem("on_lost", absl::StrCat("must be pause or warn, is '", on_lost, "'"));
  }
  config->domains.recheck = domains.DurationOf("recheck", config->domains.recheck, absl::Hours(1), absl::Hours(24 * 7));
}

}  // namespace

absl::StatusOr<std::vector<std::string>> LoadOperatorKeys(const std::string& path) {
  const std::string how = absl::StrCat("make one with: openssl rand -hex 32 > ", path, " && chmod 600 ", path);
  std::ifstream in(path);
  if (!in) return absl::NotFoundError(absl::StrCat(path, ": cannot read the operator keys; ", how));
  std::vector<std::string> hashes;
  std::string line;
  for (int number = 1; std::getline(in, line) && hashes.size() < kOperatorKeysMax; ++number) {
    const absl::string_view key = absl::StripAsciiWhitespace(line);
    if (key.empty() || key[0] == '#') continue;
    if (key.size() < kOperatorKeyBytesMin || key.size() > kOperatorKeyBytesMax) {
      return absl::InvalidArgumentError(absl::StrCat(path, ":", number, ": an operator key must have ",
                                                     kOperatorKeyBytesMin, " to ", kOperatorKeyBytesMax,
                                                     " characters; ", how));
    }
    std::string hash(SHA256_DIGEST_LENGTH, '\0');
    SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(),
           reinterpret_cast<unsigned char*>(hash.data()));
    hashes.push_back(std::move(hash));
  }
  if (hashes.empty()) return absl::InvalidArgumentError(absl::StrCat(path, ": has no key; ", how));
  return hashes;
}

absl::StatusOr<CoordinatorConfig> CoordinatorConfig::FromFile(const ConfigFile& file) {
  const ConfigNode root = file.root();
  CoordinatorConfig config;
  config.listen = root.String("listen", config.listen);
  config.data_dir = root.String("data_dir", config.data_dir);
  config.memory_bytes = static_cast<size_t>(root.Int("memory_mb", 256, kMemoryMbMin, kMemoryMbMax)) << 20;
  config.lease = root.DurationOf("lease", config.lease, absl::Seconds(5), absl::Hours(24 * 7));
  config.status_listen = root.String("status_listen", "");
  config.tls = ReadTlsFiles(root);
  if (config.tls.enabled && config.tls.authority.empty()) {
    root.Child("tls").Problem("",
                              "needs authority: senders and bouncers prove who they are with certificates it signed");
  }
  ReadReturnPath(root, &config);
  ReadReports(root, &config);
  ReadAuth(root, &config);
  config.message_id_domain =
      Domain(root, "message_id_domain", root.String("message_id_domain", config.return_path_domain));
  ReadIdentity(root, &config);
  ReadDomains(root, &config);
  config.sealing_key_file = root.String("sealing_key_file", "");
  config.metrics_listen = root.String("metrics_listen", "");
  RETURN_IF_ERROR(file.Finish());
  return config;
}

absl::StatusOr<CoordinatorConfig> CoordinatorConfig::Load(const std::string& path) {
  ASSIGN_OR_RETURN(const ConfigFile file, ConfigFile::Load(path));
  return FromFile(file);
}

}  // namespace wavepost
