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
    size_t connection_bytes_max = 16 * 1024;        // request line, header and buffers
    int posts_waiting_max = 1000;                   // for the disk; beyond that 503
    int64_t client_requests_per_minute = 600;       // an IPv4 address, or an IPv6 /64; beyond that 429; 0: no limit
    int64_t recipient_posts_per_hour = 10;          // stored; further ones are answered as these were; 0: no limit
    absl::Duration request_max = absl::Minutes(1);  // older requests make room when half of the connections are taken
    uint64_t seed = 0;                              // random, see RateBook
  };

  // Since the start.
  struct Counters {
    std::atomic<int64_t> pages{0};  // GET with a genuine token
    std::atomic<int64_t> unsubscribed{0};
    std::atomic<int64_t> not_stored{0};
    std::atomic<int64_t> repeated{0};  // posts that were not stored again
    std::atomic<int64_t> too_many{0};  // 429
    std::atomic<int64_t> refused{0};   // anything else: no such token, no such method
  };

  // Serves when it returns. keys, store and clock must outlive the server.
  // Errors: kInvalidArgument (no address), kNotFound (certificate, key), kUnavailable (port in use, says which).
  static absl::StatusOr<std::unique_ptr<UnsubscribeServer>> Start(Options options, const TokenKeys* keys,
                                                                  ReportStore* store, const Clock* clock);
  ~UnsubscribeServer();  // as Stop()

  int port() const;
  const Counters& counters() const;

  // Takes no more connections and posts, waits until the store has answered for those that it has, ends; such a post
  // may stay unanswered, and its client posts again. The store must still run, or answer with an error. Idempotent.
  void Stop();

 private:
  class Impl;
  explicit UnsubscribeServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wavepost
