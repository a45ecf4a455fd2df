#include "sender/smtp/tls_client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr size_t kNamesMax = 64;

using Level = TlsDemand::Level;

absl::Status OpensslFailed(std::string_view doing) {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return absl::InternalError(absl::StrCat(Av(doing), ": ", reason == nullptr ? "OpenSSL failed" : reason));
}

bool IsAddress(const std::string& host) {
  unsigned char ignored[sizeof(in6_addr)];
  return inet_pton(AF_INET, host.c_str(), ignored) == 1 || inet_pton(AF_INET6, host.c_str(), ignored) == 1;
}

std::string WithoutFinalDot(std::string name) {
  if (name.ends_with('.')) name.pop_back();
  return name;
}

// Each part with its length: no two demands share a key.
void AppendPart(std::string_view part, std::string* key) {
  absl::StrAppend(key, part.size(), ":", Av(part));
}

std::string ResumeKey(const TlsDemand& demand, const std::string& host, const std::string& egress_ip) {
  std::string key = absl::StrCat(static_cast<int>(demand.level), demand.testing ? "t" : "-");
  AppendPart(host, &key);
  AppendPart(egress_ip, &key);
  for (const std::string& name : demand.names) AppendPart(name, &key);
  for (const TlsaRecord& record : demand.tlsa) {
    absl::StrAppend(&key, ";", record.usage, ".", record.selector, ".", record.matching, ".");
    AppendPart(record.data, &key);
  }
  return key;
}

// The names that the certificate may bear. "*.a.example" stands for one label more (RFC 8461 section 4.1).
absl::Status DemandNames(const TlsDemand& demand, const std::string& host, unsigned int flags, SSL* ssl) {
  std::vector<std::string> names = demand.names;
  if (names.empty()) names.push_back(host);
  if (names.size() > kNamesMax) return absl::InvalidArgumentError("too many names in a TLS demand");
  SSL_set_hostflags(ssl, flags | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_SINGLE_LABEL_SUBDOMAINS);
  for (std::string& name : names) {
    name = WithoutFinalDot(std::move(name));
    if (name.starts_with("*.")) name.erase(0, 1);
    // An empty name would mean: any.
    if (name.empty() || name == "." || SSL_add1_host(ssl, name.c_str()) != 1) {
      return absl::InvalidArgumentError("a TLS demand with a name that cannot be verified");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<TlsClient>> TlsClient::Create(Options options) {
  std::shared_ptr<TlsClient> client(new TlsClient(std::move(options)));
  ASSIGN_OR_RETURN(client->plain_, client->NewContext(/*verified=*/false));
  if (!client->options_.ca_file.empty()) RETURN_IF_ERROR(client->Verified().status());
  return client;
}

TlsClient::~TlsClient() {
  for (const Kept& kept : recent_) SSL_SESSION_free(kept.session);
  SSL_CTX_free(plain_);
  SSL_CTX_free(verified_);
  SSL_CTX_free(dane_);
}

absl::StatusOr<SSL_CTX*> TlsClient::NewContext(bool verified) const {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  if (context == nullptr) return OpensslFailed("TLS context");
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  // Where nobody is verified, a weak key or an old server is still better than clear text (RFC 7435).
  if (!verified) SSL_CTX_set_options(context, SSL_OP_LEGACY_SERVER_CONNECT);
  SSL_CTX_set_cipher_list(context, verified ? "DEFAULT:@SECLEVEL=1" : "DEFAULT:@SECLEVEL=0");
  SSL_CTX_set_verify(context, verified ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_read_ahead(context, 1);  // a record in one system call
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, &TlsChannel::OnNewSession);
  return context;
}

absl::StatusOr<SSL_CTX*> TlsClient::Verified() {
  if (verified_ != nullptr) return verified_;
  ASSIGN_OR_RETURN(SSL_CTX * context, NewContext(/*verified=*/true));
  const bool loaded = options_.ca_file.empty() ? SSL_CTX_set_default_verify_paths(context) == 1
                                               : SSL_CTX_load_verify_file(context, options_.ca_file.c_str()) == 1;
  if (!loaded) {
    SSL_CTX_free(context);
    return absl::InvalidArgumentError(absl::StrCat("trusted roots: ", OpensslFailed("cannot be read").message(), " (",
                                                   options_.ca_file.empty() ? "the system's" : options_.ca_file, ")"));
  }
  verified_ = context;
  return verified_;
}

absl::StatusOr<std::unique_ptr<TlsChannel>> TlsClient::NewChannel(const TlsDemand& demand, const std::string& host_name,
                                                                  const std::string& egress_ip,
                                                                  asio::ip::tcp::socket* socket) {
  const std::string host = WithoutFinalDot(host_name);
  SSL_CTX* context = plain_;
  const bool usable_tlsa =
      std::any_of(demand.tlsa.begin(), demand.tlsa.end(), [](const auto& r) { return r.usage == 2 || r.usage == 3; });
  if (demand.level == Level::kVerified) {
    ASSIGN_OR_RETURN(context, Verified());
  } else if (demand.level == Level::kDane && usable_tlsa) {
    if (dane_ == nullptr) {
      ASSIGN_OR_RETURN(SSL_CTX * made, NewContext(/*verified=*/true));
      if (SSL_CTX_dane_enable(made) != 1) {
        SSL_CTX_free(made);
        return OpensslFailed("DANE");
      }
      dane_ = made;
    }
    context = dane_;
  }
  SSL* ssl = SSL_new(context);
  if (ssl == nullptr) return OpensslFailed("TLS connection");
  TlsChannel::Plan plan;
  plan.resume_key = ResumeKey(demand, host, egress_ip);
  absl::Status demanded = Demand(demand, host, ssl, &plan);
  if (!demanded.ok()) {
    SSL_free(ssl);
    return demanded;
  }
  if (!host.empty() && !IsAddress(host)) SSL_set_tlsext_host_name(ssl, host.c_str());
  if (const Kept* kept = Find(plan.resume_key); kept != nullptr && SSL_set_session(ssl, kept->session) == 1) {
    plan.resumed_verified_by = kept->verified_by;
  }
  SSL_set_connect_state(ssl);
  return std::unique_ptr<TlsChannel>(new TlsChannel(shared_from_this(), ssl, socket, std::move(plan)));
}

absl::Status TlsClient::Demand(const TlsDemand& demand, const std::string& host, SSL* ssl, TlsChannel::Plan* plan) {
  if (demand.level == Level::kDane) return DemandDane(demand, host, ssl, plan);
  if (demand.level == Level::kVerified) {
    plan->demands_pkix = true;
    return DemandNames(demand, host, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, ssl);
  }
  if (demand.testing && demand.level == Level::kOpportunistic) {
    // As lax as the opportunistic handshake, but looked at with the roots of the strict one.
    const absl::StatusOr<SSL_CTX*> verified = Verified();
    if (!verified.ok()) return absl::OkStatus();  // nothing to report, and nothing that the mail should wait for
    SSL_set1_verify_cert_store(ssl, SSL_CTX_get_cert_store(*verified));
    plan->reports_pkix = true;
    return DemandNames(demand, host, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, ssl);
  }
  return absl::OkStatus();
}

absl::Status TlsClient::DemandDane(const TlsDemand& demand, const std::string& host, SSL* ssl, TlsChannel::Plan* plan) {
  if (SSL_get_SSL_CTX(ssl) != dane_) {
    plan->tlsa_unusable = true;
    return absl::OkStatus();
  }
  if (SSL_dane_enable(ssl, host.c_str()) != 1) return OpensslFailed("DANE");
  SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);  // RFC 7672 section 3.1.1
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  for (size_t i = 0; i < std::min(demand.names.size(), kNamesMax); ++i) {
    const std::string name = WithoutFinalDot(demand.names[i]);
    if (!name.empty() && SSL_add1_host(ssl, name.c_str()) != 1) return absl::InvalidArgumentError("DANE name");
  }
  int usable = 0;
  for (size_t i = 0; i < std::min(demand.tlsa.size(), kTlsaRecordsMax); ++i) {
    const TlsaRecord& record = demand.tlsa[i];
    if (record.usage != 2 && record.usage != 3) continue;
    const auto* data = reinterpret_cast<const unsigned char*>(record.data.data());
    const int added = SSL_dane_tlsa_add(ssl, static_cast<uint8_t>(record.usage), static_cast<uint8_t>(record.selector),
                                        static_cast<uint8_t>(record.matching), data, record.data.size());
    if (added == 1) ++usable;
  }
  ERR_clear_error();
  if (usable > 0) {
    plan->demands_dane = true;
    return absl::OkStatus();
  }
  // Malformed, or of unknown kinds: encryption is still demanded, but there is nothing to hold the peer against.
  SSL_set_verify(ssl, SSL_VERIFY_NONE, nullptr);
  plan->tlsa_unusable = true;
  return absl::OkStatus();
}

const TlsClient::Kept* TlsClient::Find(const std::string& key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  if (found->second->until < std::chrono::steady_clock::now()) {
    Forget(key);
    return nullptr;
  }
  recent_.splice(recent_.begin(), recent_, found->second);
  return &recent_.front();
}

void TlsClient::Keep(std::string key, SSL_SESSION* session, std::string verified_by) {
  Forget(key);
  if (options_.sessions_max == 0) return SSL_SESSION_free(session);
  recent_.push_front({std::move(key), session, std::move(verified_by), DeadlineAfter(kSessionAgeMax)});
  by_key_[recent_.front().key] = recent_.begin();
  while (recent_.size() > options_.sessions_max) Forget(std::string(recent_.back().key));
}

void TlsClient::Forget(const std::string& key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return;
  SSL_SESSION_free(found->second->session);
  recent_.erase(found->second);
  by_key_.erase(found);
}

}  // namespace wavepost
