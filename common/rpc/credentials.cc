#include "common/rpc/credentials.h"

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

absl::StatusOr<std::string> ReadPem(const std::string& path, std::string_view what) {
  if (path.empty()) return std::string();
  std::ifstream in(path);
  std::stringstream text;
  if (!in || !(text << in.rdbuf())) return absl::NotFoundError(absl::StrCat(path, ": cannot read the ", Av(what)));
  if (!absl::StrContains(text.str(), "-----BEGIN ")) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is no PEM file, as the ", Av(what), " must be"));
  }
  return text.str();
}

}  // namespace

TlsFiles ReadTlsFiles(const ConfigNode& node) {
  TlsFiles files;
  const bool given = node.Has("tls");
  const ConfigNode tls = node.Child("tls");
  files.certificate = tls.String("certificate", "");
  files.key = tls.String("key", "");
  files.authority = tls.String("authority", "");
  files.enabled = given;
  if (files.certificate.empty() != files.key.empty()) tls.Problem("", "needs both certificate and key, or neither");
  return files;
}

bool IsLoopbackTarget(std::string_view target) {
  return absl::StartsWith(Av(target), "127.") || absl::StartsWith(Av(target), "[::1]") ||
         absl::StartsWith(Av(target), "localhost:") || absl::StartsWith(Av(target), "unix:");
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerCredentialsFor(const TlsFiles& files,
                                                                              std::string_view listen_address) {
  if (!files.enabled) {
    if (IsLoopbackTarget(listen_address)) return grpc::InsecureServerCredentials();
    return absl::FailedPreconditionError(
        absl::StrCat("listen ", Av(listen_address),
                     " leaves this host, and no tls is configured; set tls.certificate, tls.key and "
                     "tls.authority, or listen on 127.0.0.1"));
  }
  grpc::SslServerCredentialsOptions::PemKeyCertPair pair;
  ASSIGN_OR_RETURN(pair.cert_chain, ReadPem(files.certificate, "certificate"));
  ASSIGN_OR_RETURN(pair.private_key, ReadPem(files.key, "key"));
  if (pair.cert_chain.empty()) return absl::InvalidArgumentError("tls.certificate and tls.key are required to listen");
  ASSIGN_OR_RETURN(std::string authority, ReadPem(files.authority, "authority"));
  // A caller without certificate may come in: tenants have API keys. Internal services check the peer's identity.
  grpc::SslServerCredentialsOptions options(authority.empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                                              : GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = authority;
  options.pem_key_cert_pairs.push_back(pair);
  return grpc::SslServerCredentials(options);
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ChannelCredentialsFor(const TlsFiles& files,
                                                                                std::string_view target) {
  if (!files.enabled) {
    if (IsLoopbackTarget(target)) return grpc::InsecureChannelCredentials();
    return absl::FailedPreconditionError(
        absl::StrCat(Av(target), " is not on this host, and no tls is configured; set tls.authority"));
  }
  grpc::SslCredentialsOptions options;
  ASSIGN_OR_RETURN(options.pem_root_certs, ReadPem(files.authority, "authority"));
  ASSIGN_OR_RETURN(options.pem_cert_chain, ReadPem(files.certificate, "certificate"));
  ASSIGN_OR_RETURN(options.pem_private_key, ReadPem(files.key, "key"));
  return grpc::SslCredentials(options);
}

}  // namespace wavepost
