// One piece of work that several callers wait for, each with its own deadline; the work goes on without them.
#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <list>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/async/deadline.h"
#include "common/async/tokens.h"

namespace wavepost {

// Owner: one thread, that of the io_context.
template <class T>
struct Flight {
  std::optional<absl::StatusOr<T>> result;
  std::list<asio::steady_timer*> waiters;

  // Gives the result to all who wait and all who come later. Once.
  void Land(absl::StatusOr<T> landed) {
    result = std::move(landed);
    for (asio::steady_timer* waiter : waiters) waiter->cancel();
  }
};

// Waits for the flight to land: its result, or kDeadlineExceeded, or kCancelled when the caller is cancelled.
template <class T>
Awaitable<absl::StatusOr<T>> Await(asio::io_context& io, std::shared_ptr<Flight<T>> flight, Deadline deadline) {
  if (flight->result) co_return *flight->result;
  asio::steady_timer timer(io, deadline);
  struct Seat {  // given up also when the caller's coroutine is destroyed
    Flight<T>& flight;
    typename std::list<asio::steady_timer*>::iterator place;
    ~Seat() { flight.waiters.erase(place); }
  } seat{*flight, flight->waiters.insert(flight->waiters.end(), &timer)};
  const auto [error] = co_await timer.async_wait(use_tuple);
  if (flight->result) co_return *flight->result;
  if (error) co_return absl::CancelledError("caller stopped");
  co_return absl::DeadlineExceededError("deadline passed");
}

}  // namespace wavepost
