// The sockets of the SMTP receivers: one listener per address, one port for all, one coroutine per connection. What is
// said on a connection is session.h's.
//
// Owner: lives on the io_context given to the constructor; call from its thread only.
// Lifetime: after Stop() run the io_context until it is out of work, then destroy.
#pragma once

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ssl/context.hpp>
#include <asio/steady_timer.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/async/tokens.h"
#include "tests/testnet/scenario.h"
#include "tests/testnet/session.h"

namespace wavepost::testnet {

class SmtpServer {
 public:
  static constexpr absl::Duration kStopGrace = absl::Seconds(5);   // for what is under way when Stop is called
  static constexpr absl::Duration kCloseGrace = absl::Seconds(2);  // for the client to read our last reply

  // Both must outlive it; the world must outlive the io_context too.
  SmtpServer(asio::io_context* io, SessionWorld* world);
  ~SmtpServer();

  // For STARTTLS, before Start; without one a client that asks for it is cut off. Must outlive the server.
  void SetTls(asio::ssl::context* tls) { tls_ = tls; }

  // Opens the listeners of all receivers. port 0: any that is free at all their addresses.
  // Errors: kUnavailable, in a sentence for people.
  absl::Status Listen(uint16_t port);
  uint16_t port() const { return port_; }

  void Start();
  // No new connections; sessions end at their next chance, at the latest after kStopGrace.
  void Stop();
  bool idle() const { return connections_.empty(); }

 private:
  struct Listener;
  struct Connection;

  absl::Status ListenAll(uint16_t port);
  Awaitable<void> Accept(Listener* listener);
  Awaitable<void> Serve(std::shared_ptr<Connection> connection);
  Awaitable<void> ClosePolitely(Connection* connection);
  Awaitable<void> Sweep();

  asio::io_context& io_;
  SessionWorld& world_;
  asio::ssl::context* tls_ = nullptr;
  uint16_t port_ = 0;
  bool stopping_ = false;
  asio::steady_timer sweep_timer_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  absl::flat_hash_set<Connection*> connections_;
};

}  // namespace wavepost::testnet
