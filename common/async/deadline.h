// A point on the steady clock until which somebody is willing to wait, and a coroutine sleep.
#pragma once

#include <algorithm>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <chrono>

#include "absl/time/time.h"
#include "common/async/tokens.h"

namespace wavepost {

using Deadline = std::chrono::steady_clock::time_point;

inline Deadline DeadlineAfter(absl::Duration wait) {
  return std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(wait);
}

// Waits until `deadline`; returns early, without an error, when the coroutine or the timer is cancelled.
inline Awaitable<void> SleepUntil(Deadline deadline) {
  asio::steady_timer timer(co_await asio::this_coro::executor, deadline);
  co_await timer.async_wait(use_tuple);
}

}  // namespace wavepost
