// Unary calls that may wait for the disk: run on a worker pool, answered from there.
#pragma once

#include <grpcpp/impl/codegen/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/rpc/status.h"
#include "coordinator/base/worker_pool.h"

namespace wavepost {

// Runs `work()`, which returns absl::StatusOr<Response>, on the pool and finishes the call with what it returns.
// A full pool answers RESOURCE_EXHAUSTED at once. Request and response belong to gRPC and live until then.
template <class Response, class Work>
grpc::ServerUnaryReactor* RunUnary(WorkerPool* pool, grpc::CallbackServerContext* context, Response* response,
                                   Work work) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const bool posted = pool->Post([reactor, response, work = std::move(work)] {
    absl::StatusOr<Response> result = work();
    if (!result.ok()) return reactor->Finish(ToGrpc(result.status()));
    *response = *std::move(result);
    reactor->Finish(grpc::Status::OK);
  });
  if (!posted) {
    reactor->Finish(ToGrpc(ApiError(absl::StatusCode::kResourceExhausted, "BUSY",
                                    "the coordinator has too many calls waiting; try again in a second")));
  }
  return reactor;
}

}  // namespace wavepost
