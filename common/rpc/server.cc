#include "common/rpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <mutex>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

namespace wavepost {

constexpr int kMessageBytesMax = 8 << 20;

namespace {

absl::StatusOr<RpcServer> Listen(const std::string& listen_address,
                                 const std::shared_ptr<grpc::ServerCredentials>& credentials,
                                 const std::vector<grpc::Service*>& services) {
  static std::once_flag once;
  std::call_once(once, [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  });
  RpcServer out;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(listen_address, credentials, &out.port);
  for (grpc::Service* service : services) builder.RegisterService(service);
  builder.SetMaxReceiveMessageSize(kMessageBytesMax);
  // Two servers on one port would each get half of the calls; better to say that the port is taken.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  out.server = builder.BuildAndStart();
  if (out.server == nullptr || out.port == 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", listen_address,
                     ": the port is in use or the address is not on this machine; choose another "
                     "in the configuration, or stop the process that has it"));
  }
  return out;
}

}  // namespace

absl::StatusOr<RpcServer> StartRpcServer(const std::string& listen_address, const TlsFiles& tls,
                                         const std::vector<grpc::Service*>& services) {
  ASSIGN_OR_RETURN(auto credentials, ServerCredentialsFor(tls, listen_address));
  return Listen(listen_address, credentials, services);
}

absl::StatusOr<RpcServer> StartStatusServer(const std::string& listen_address) {
  return Listen(listen_address, grpc::InsecureServerCredentials(), {});
}

}  // namespace wavepost
