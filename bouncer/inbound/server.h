// The SMTP and LMTP server at the return path's domain: sockets, deadlines and limits round Dialogue.
//
// Owner:    lives on the io_context given to the constructor, which one thread runs.
// Lifetime: co-operates with Stop(): destroy it only after Stop's `done` has run, or when its io_context runs no more.
#pragma once

#include <asio/io_context.hpp>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "bouncer/inbound/certificates.h"
#include "bouncer/inbound/dialogue.h"
#include "bouncer/inbound/limits.h"
#include "bouncer/inbound/mailboxes.h"
#include "bouncer/inbound/message_sink.h"

namespace wavepost {

class InboundServer {
 public:
  // Since the start. Written by the server's thread, read by any.
  struct Counters {
    std::atomic<int64_t> connections{0};
    std::atomic<int64_t> connections_refused{0};
    std::atomic<int64_t> recipients_refused{0};   // unknown or forged return paths
    std::atomic<int64_t> messages_stored{0};      // answered with 250
    std::atomic<int64_t> messages_not_stored{0};  // answered with 45x because storing failed
    std::atomic<int64_t> timeouts{0};
    std::atomic<int64_t> rate_limited{0};  // MAIL or RCPT answered with 450
    std::atomic<int64_t> unknown_keys{0};  // tokens of keys that we do not have, answered with 450
    std::atomic<int64_t> handshakes{0};    // of TLS
    std::atomic<int64_t> handshakes_failed{0};
  };

  struct Options {
    std::string hostname;
    InboundLimits limits;
    CertificateFiles certificate;  // empty: STARTTLS is not offered
    uint64_t seed = 0;             // random, so that nobody knows which clients share a place in the tables of rates
  };

  // sink must outlive the server, and the io_context whatever the sink still calls back.
  InboundServer(asio::io_context& io, Options options, Mailboxes mailboxes, MessageSink* sink);
  ~InboundServer();

  // Reads the certificate, if there is one. First of all.
  // Errors: kNotFound, kInvalidArgument, with the file.
  absl::Status Start();

  // Binds and accepts on "HOST:PORT" (IP addresses; "[::1]:25"; port 0: any free one) or "unix:/PATH" (mode 0660; a
  // socket that was left behind is replaced). Before the io_context runs. LMTP is for our own mail servers: clients are
  // not limited by rates there, and port 25 is refused (RFC 2033 section 5).
  // Errors: kInvalidArgument (not an address), kUnavailable (in use, says which).
  absl::Status Listen(const std::string& address, Dialogue::Protocol protocol = Dialogue::Protocol::kSmtp);

  // Of the first, second ... Listen; 0 for a path.
  int port(size_t listener = 0) const;

  // Takes no more connections, says 421 to those that are between messages, lets messages that are under way finish
  // within limits.drain_timeout, then runs `done` on the io_context. Any thread; once.
  void Stop(std::function<void()> done);

  const Counters& counters() const;

 private:
  class Impl;
  asio::io_context* io_;
  CertificateFiles certificate_;
  std::shared_ptr<Impl> impl_;
};

}  // namespace wavepost
