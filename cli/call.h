// Calls of the public API as one-liners that yield absl::StatusOr.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <chrono>
#include <memory>
#include <type_traits>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/cli.h"
#include "common/rpc/status.h"

namespace wavepost::cli {

inline constexpr absl::Duration kCallTimeout = absl::Seconds(60);

// With the API key. `timeout` infinite: none, for streams.
std::unique_ptr<grpc::ClientContext> NewContext(const Cli& cli, absl::Duration timeout = kCallTimeout);

// Call(cli, *stub, &Stub::GetWave, request)
template <class Stub, class Request, class Response>
absl::StatusOr<Response> Call(const Cli& cli, Stub& stub,
                              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                              const std::type_identity_t<Request>& request, absl::Duration timeout = kCallTimeout) {
  const auto context = NewContext(cli, timeout);
  Response response;
  const grpc::Status status = (stub.*method)(context.get(), request, &response);
  if (!status.ok()) return FromGrpc(status);
  return response;
}

// Waits a moment, so that a server which answers with errors is not hammered, and then until it can be reached, at most
// `timeout`. False: it could not.
bool WaitForServer(const Cli& cli, absl::Duration timeout);

// True for the errors after which a stream is worth opening again.
inline bool IsBrokenConnection(const absl::Status& status) {
  return status.code() == absl::StatusCode::kUnavailable && ReasonOf(status).empty();
}

}  // namespace wavepost::cli
