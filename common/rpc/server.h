// A gRPC server as every Wavepost service runs it: credentials, health, reflection, message limits, one place.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/rpc/credentials.h"

namespace grpc {
class Server;
class Service;
}  // namespace grpc

namespace wavepost {

struct RpcServer {
  std::unique_ptr<grpc::Server> server;  // running
  int port = 0;                          // the chosen one
};

// Starts listening. `services` must outlive the server. grpc.health.v1 says SERVING for "" from the start.
// Errors: kUnavailable (port in use: says which), kFailedPrecondition and kNotFound from the credentials.
// Limits: 8 MB per message.
absl::StatusOr<RpcServer> StartRpcServer(const std::string& listen_address, const TlsFiles& tls,
                                         const std::vector<grpc::Service*>& services);

// Health and reflection alone, in clear text on any address: for probes that know no TLS (Kubernetes). Says nothing
// that is secret. Errors: kUnavailable (port in use).
absl::StatusOr<RpcServer> StartStatusServer(const std::string& listen_address);

}  // namespace wavepost
