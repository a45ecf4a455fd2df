// A self-signed certificate, made at start and gone at exit: enough for opportunistic STARTTLS.
#pragma once

#include <asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace wavepost::testnet {

// A server context with a fresh P-256 key and a certificate for `name`, valid for 30 days. TLS 1.2 and later.
absl::StatusOr<std::unique_ptr<asio::ssl::context>> MakeSelfSignedContext(const std::string& name);

}  // namespace wavepost::testnet
