// A unary method of the public API: on the worker pool, after the caller has been recognised.
#pragma once

#include <utility>

#include "absl/status/statusor.h"
#include "common/base/status_macros.h"
#include "coordinator/api/api_context.h"
#include "coordinator/rpc/auth.h"
#include "coordinator/rpc/unary.h"

namespace wavepost {

// `work` takes the caller and returns absl::StatusOr<Response>.
template <class Response, class Work>
grpc::ServerUnaryReactor* Call(const ApiContext* api, grpc::CallbackServerContext* context, Response* response,
                               Work work) {
  return RunUnary(api->calls, context, response, [api, context, work = std::move(work)]() -> absl::StatusOr<Response> {
    ASSIGN_OR_RETURN(const Caller caller, api->auth->Check(*context));
    return work(caller);
  });
}

// The same for a method that waits for the world (DNS): on threads of its own, so that a few of them do not stop all
// others.
template <class Response, class Work>
grpc::ServerUnaryReactor* SlowCall(const ApiContext* api, grpc::CallbackServerContext* context, Response* response,
                                   Work work) {
  return RunUnary(api->slow_calls, context, response,
                  [api, context, work = std::move(work)]() -> absl::StatusOr<Response> {
                    ASSIGN_OR_RETURN(const Caller caller, api->auth->Check(*context));
                    return work(caller);
                  });
}

}  // namespace wavepost
