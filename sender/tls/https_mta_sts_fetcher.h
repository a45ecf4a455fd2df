// The production MtaStsFetcher: cpp-httplib, which blocks, on a few threads of its own.
#pragma once

#include <asio/ip/address.hpp>
#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "sender/tls/mta_sts_fetcher.h"

namespace asio {
class io_context;
}

namespace wavepost {

class Resolver;

// A fetch ends at its deadline or after Options::timeout, whatever the server does: its socket is shut down under it.
// What a server can make us read is bounded as well, headers and handshake included.
class HttpsMtaStsFetcher final : public MtaStsFetcher {
 public:
  struct Options {
    absl::Duration timeout = absl::Seconds(60);  // of a fetch (RFC 8461 section 3.3)
    int threads = 2;                             // fetches at once
    size_t fetches_max = 256;                    // running and waiting; beyond it: kResourceExhausted
    std::string ca_file;                         // PEM; empty: the system's roots
    int port = 443;                              // another one for tests
    bool allow_private = false;                  // fetch from addresses that is_forbidden names
    // Which addresses no stranger's domain may lead us to (sender/delivery/forbidden_mx.h has it). Required, unless
    // allow_private is set.
    bool (*is_forbidden)(const asio::ip::address&) = nullptr;
  };

  // kInvalidArgument: options out of range, or nobody says which addresses are forbidden. `io` and `resolver` must
  // outlive the fetcher; the resolver is stopped after it.
  static absl::StatusOr<std::unique_ptr<HttpsMtaStsFetcher>> Create(asio::io_context& io, Resolver& resolver,
                                                                    Options options);
  ~HttpsMtaStsFetcher() override;

  Awaitable<absl::StatusOr<std::string>> Fetch(std::string domain, Deadline deadline) override;
  Awaitable<void> Stop() override;

 private:
  class Impl;
  explicit HttpsMtaStsFetcher(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace wavepost
