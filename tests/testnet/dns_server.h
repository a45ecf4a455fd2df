// The sockets of the DNS server: UDP and TCP on one port. What it answers is dns_zone.h's.
//
// Owner: lives on the io_context given to the constructor; call from its thread only.
// Lifetime: after Stop() run the io_context until it is out of work, then destroy.
#pragma once

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ip/udp.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/async/tokens.h"
#include "tests/testnet/dns_zone.h"

namespace wavepost::testnet {

class DnsServer {
 public:
  static constexpr size_t kTcpConnectionsMax = 200;  // more are closed at once
  static constexpr absl::Duration kTcpIdle = absl::Seconds(10);

  explicit DnsServer(asio::io_context* io);

  // Opens both sockets. port 0: any that is free for both. Errors: kUnavailable, in a sentence for people.
  absl::Status Listen(const std::string& address, uint16_t port);
  uint16_t port() const { return port_; }

  // Answers from now on from this zone.
  void SetZone(std::shared_ptr<const DnsZone> zone) { zone_ = std::move(zone); }
  const DnsZone& zone() const { return *zone_; }

  // SetZone and Listen first.
  void Start();
  void Stop();

 private:
  absl::Status ListenOnce(const std::string& address, uint16_t port);
  Awaitable<void> ServeUdp();
  Awaitable<void> AcceptTcp();
  Awaitable<void> ServeTcp(std::shared_ptr<asio::ip::tcp::socket> socket);

  asio::io_context& io_;
  asio::ip::udp::socket udp_;
  asio::ip::tcp::acceptor tcp_;
  uint16_t port_ = 0;
  std::shared_ptr<const DnsZone> zone_;
  size_t tcp_connections_ = 0;
};

}  // namespace wavepost::testnet
