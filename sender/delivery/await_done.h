// Lets a coroutine wait for a callback `void(absl::Status)` that runs on another thread.
#pragma once

#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/dispatch.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "common/async/tokens.h"

namespace wavepost {

// Calls start(done); resumes on the coroutine's own executor, with the status, once done is called. `done` must be
// called exactly once, on any thread.
inline Awaitable<absl::Status> AwaitDone(std::function<void(std::function<void(absl::Status)>)> start) {
  auto executor = co_await asio::this_coro::executor;
  auto initiate = [executor](auto handler, std::function<void(std::function<void(absl::Status)>)> begin) {
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    begin([shared, executor](absl::Status status) {
      asio::post(executor, [shared, status = std::move(status)]() mutable { std::move (*shared)(std::move(status)); });
    });
  };
  absl::Status status = co_await asio::async_initiate<const asio::use_awaitable_t<>, void(absl::Status)>(
      std::move(initiate), asio::use_awaitable, std::move(start));
  co_return status;
}

}  // namespace wavepost
