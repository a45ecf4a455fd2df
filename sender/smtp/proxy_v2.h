// The header of the PROXY protocol, version 2, binary form: "connect me from `source` to `destination`".
#pragma once

#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>
#include <string>

#include "absl/status/statusor.h"

namespace wavepost {

// Source port 0: the egress host chooses.
// Errors: kFailedPrecondition: no source, or not of the destination's family.
absl::StatusOr<std::string> ProxyV2Header(const asio::ip::address& source, const asio::ip::tcp::endpoint& destination);

}  // namespace wavepost
