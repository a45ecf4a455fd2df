#include "bouncer/start.h"

#include <sys/resource.h>

#include <chrono>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/mail/verp.h"
#include "common/rpc/credentials.h"
#include "common/smtp/rule_book.h"

namespace wavepost {
namespace {

// RocksDB's files, and logs, timers, listeners, the feed, IngestReport, probes.
constexpr uint64_t kOutboxDescriptors = 512;
constexpr uint64_t kOtherDescriptors = 100;

absl::Status At(std::string_view key, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(Av(key), ": ", status.message()));
}

absl::Status CheckCertificate(std::string_view key, const CertificateFiles& files) {
  if (files.empty()) return absl::OkStatus();
  return At(key, Certificates::Load(files, std::chrono::steady_clock::now()).status());
}

}  // namespace

absl::Status UseRules(const BouncerConfig& config) {
  return config.rules.empty() ? absl::OkStatus() : At("rules", LoadRules(config.rules));
}

absl::Status CheckFiles(const BouncerConfig& config) {
  RETURN_IF_ERROR(At("return_path.token_keys", TokenKeys::Load(config.token_keys).status()));
  RETURN_IF_ERROR(CheckCertificate("smtp_tls", config.smtp_certificate));
  if (!config.unsubscribe.listen.empty()) {
    RETURN_IF_ERROR(CheckCertificate("unsubscribe.tls",
                                     {.certificate = config.unsubscribe.certificate, .key = config.unsubscribe.key}));
  }
  RETURN_IF_ERROR(CheckCertificate("tls", {.certificate = config.tls.certificate, .key = config.tls.key}));
  RETURN_IF_ERROR(At("tls", ChannelCredentialsFor(config.tls, config.coordinator).status()));
  if (config.ingest_listen.empty()) return absl::OkStatus();
  return At("tls", ServerCredentialsFor(config.tls, config.ingest_listen).status());
}

uint64_t DescriptorsNeeded(const BouncerConfig& config) {
  const uint64_t page = config.unsubscribe.listen.empty() ? 0 : config.unsubscribe.connections_max;
  return config.limits.connections_max + page + kOutboxDescriptors + kOtherDescriptors;
}

uint64_t RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : before;
}

absl::Status CheckDescriptors(const BouncerConfig& config, uint64_t available) {
  const uint64_t needed = DescriptorsNeeded(config);
  if (needed <= available) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "limits.connections, unsubscribe.connections and the outbox need ", needed, " file descriptors, and there are ",
      available, ": lower the connections, or raise the limit (LimitNOFILE of the service, or ulimit -Hn)"));
}

}  // namespace wavepost
