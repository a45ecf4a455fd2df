// A listening socket from an address in a configuration file.
#pragma once

#include <asio/basic_socket_acceptor.hpp>
#include <asio/generic/stream_protocol.hpp>
#include <asio/io_context.hpp>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace wavepost {

// Of TCP and of paths alike.
using StreamAcceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;

struct Listener {
  StreamAcceptor acceptor;
  int port = 0;  // 0: a path
};

// address: "IP:PORT", "[IPv6]:PORT" or "unix:/PATH". A socket there that nobody listens on is replaced; the new one:
// mode 0660.
// Errors: kInvalidArgument (not an address), kUnavailable (in use or not allowed; says which and what to do).
absl::StatusOr<Listener> OpenListener(asio::io_context& io, const std::string& address);

}  // namespace wavepost
