// The coroutine vocabulary: `co_await op(..., use_tuple)` gives std::tuple<asio::error_code, ...> and never throws.
//
// Asio 1.22 keeps as_tuple in asio::experimental; this header hides the difference to newer releases.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/use_awaitable.hpp>

namespace wavepost {

template <class T>
using Awaitable = asio::awaitable<T>;

inline constexpr auto use_tuple = asio::experimental::as_tuple(asio::use_awaitable);

}  // namespace wavepost
