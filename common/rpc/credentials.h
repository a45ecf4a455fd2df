// TLS for gRPC from three files: certificate, key, and the authority that the other side must be signed by.
//
// With all three set both sides prove who they are (mutual TLS). With none, traffic is in clear text, which is allowed
// on loopback only: a port that leaves the host is refused without TLS.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/config/config.h"

namespace grpc {
class ChannelCredentials;
class ServerCredentials;
}  // namespace grpc

namespace wavepost {

struct TlsFiles {
  std::string certificate;  // PEM chain; empty: none
  std::string key;          // PEM; empty: none
  std::string authority;    // PEM; empty: a server asks no client certificate, a client trusts the system's roots
  bool enabled = false;     // a client may use TLS without a certificate of its own
};

// Reads the map "tls: {certificate, key, authority}" of a service's configuration.
TlsFiles ReadTlsFiles(const ConfigNode& node);

// True for "127.0.0.1:1", "[::1]:1", "localhost:1", "unix:/...".
bool IsLoopbackTarget(std::string_view target);

// Errors: kFailedPrecondition (clear text beyond loopback), kNotFound / kInvalidArgument (files), each naming the file.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerCredentialsFor(const TlsFiles& files,
                                                                              std::string_view listen_address);
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ChannelCredentialsFor(const TlsFiles& files,
                                                                                std::string_view target);

}  // namespace wavepost
