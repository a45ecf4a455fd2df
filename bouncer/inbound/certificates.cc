#include "bouncer/inbound/certificates.h"

#include <openssl/ssl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "bouncer/log_value.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

int64_t ChangedAt(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return 0;
  return int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
}

absl::Status Unusable(const std::string& path, const asio::error_code& error) {
  const std::string what = absl::StrCat(path, ": ", error.message());
  return ::access(path.c_str(), R_OK) == 0 ? absl::InvalidArgumentError(what) : absl::NotFoundError(what);
}

// An encrypted key is refused: OpenSSL would ask for its passphrase on the terminal, and a server waits for nobody.
int NoPassphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) {
  return 0;
}

}  // namespace

absl::StatusOr<Certificates::Context> Certificates::Read(const CertificateFiles& files) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  SSL_CTX* const native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  // Renegotiation and compression are ways of keeping us busy; a cache of sessions is memory that clients fill.
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_default_passwd_cb(native, &NoPassphrase);
  asio::error_code error;
  context->use_certificate_chain_file(files.certificate, error);
  if (error) return Unusable(files.certificate, error);
  context->use_private_key_file(files.key, asio::ssl::context::pem, error);
  if (error) return Unusable(files.key, error);
  if (SSL_CTX_check_private_key(native) != 1) {
    return absl::InvalidArgumentError(absl::StrCat(files.key, ": not the key of ", files.certificate));
  }
  return context;
}

Certificates::Seen Certificates::Look() const {
  return {ChangedAt(files_.certificate), ChangedAt(files_.key)};
}

absl::StatusOr<std::unique_ptr<Certificates>> Certificates::Load(CertificateFiles files, Time now) {
  if (files.key.empty()) files.key = files.certificate;
  std::unique_ptr<Certificates> out(new Certificates(std::move(files)));
  out->looked_ = now;
  out->seen_ = out->Look();
  ASSIGN_OR_RETURN(out->context_, Read(out->files_));
  return out;
}

Certificates::Context Certificates::Current(Time now) {
  if (now - looked_ < kLookEvery) return context_;
  looked_ = now;
  // Looked at before it is read: what changes in between is read again.
  const Seen seen = Look();
  if (seen == seen_) return context_;
  seen_ = seen;
  absl::StatusOr<Context> fresh = Read(files_);
  if (fresh.ok()) {
    context_ = *std::move(fresh);
    spdlog::info("event=certificate_read file={}", LogValue(files_.certificate));
  } else {
    spdlog::error("event=certificate_unusable error={} advice=\"the one from before stays in use\"",
                  LogValue(Sv(fresh.status().message())));
  }
  return context_;
}

}  // namespace wavepost
