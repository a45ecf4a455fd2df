// The unsubscribe page over HTTP or HTTPS: sockets and limits round AnswerPage.
//
// libmicrohttpd, because it bounds what a hostile client can use: memory per connection, connections in all and per
// address, time. One thread of its own; a post waits for the disk without holding it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bouncer/outbox/outbox.h"
#include "common/base/clock.h"
#include "common/mail/verp.h"

namespace wavepost {

class UnsubscribeServer {
 public:
  struct Options {
    std::string listen;       // "IP:PORT", "[::1]:8080"; port 0: any free one
    std::string certificate;  // PEM files: HTTPS. Both empty: HTTP, for a proxy in front that ends TLS
    std::string key;
    unsigned connections_max = 500;
    unsigned connections_per_address_max = 200;  // a proxy in front is one address
    unsigned idle_timeout_s = 15;
    size_t connection_bytes_max = 16 * 1024;  // request line, header and buffers
    int posts_waiting_max = 1000;             // for the disk; beyond that 503
  };

  // Since the start.
  struct Counters {
    std::atomic<int64_t> pages{0};  // GET with a genuine token
    std::atomic<int64_t> unsubscribed{0};
    std::atomic<int64_t> not_stored{0};
    std::atomic<int64_t> refused{0};  // anything else: no such token, no such method
  };

  // Serves when it returns. keys, store and clock must outlive the server.
  // Errors: kInvalidArgument (no address), kNotFound (certificate, key), kUnavailable (port in use, says which).
  static absl::StatusOr<std::unique_ptr<UnsubscribeServer>> Start(Options options, const TokenKeys* keys,
                                                                  ReportStore* store, const Clock* clock);
  ~UnsubscribeServer();  // as Stop()

  int port() const;
  const Counters& counters() const;

  // Takes no more connections, waits until posts that are with the store are answered, ends. The store must still run,
  // or answer with an error. Idempotent.
  void Stop();

 private:
  class Impl;
  explicit UnsubscribeServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wavepost
