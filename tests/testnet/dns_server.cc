#include "tests/testnet/dns_server.h"

#include <array>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/ip/address.hpp>
#include <asio/read.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>
#include <optional>
#include <string_view>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "common/async/deadline.h"

namespace wavepost::testnet {
namespace {

using asio::ip::tcp;
using asio::ip::udp;

constexpr int kPortTries = 50;  // to find a port that is free for UDP and for TCP

}  // namespace

DnsServer::DnsServer(asio::io_context* io) : io_(*io), udp_(*io), tcp_(*io), zone_(std::make_shared<const DnsZone>()) {}

absl::Status DnsServer::Listen(const std::string& address, uint16_t port) {
  absl::Status status;
  for (int i = 0; i < (port == 0 ? kPortTries : 1); ++i) {
    status = ListenOnce(address, port);
    if (status.ok()) return status;
    asio::error_code ignored;
    udp_.close(ignored);
    tcp_.close(ignored);
  }
  return status;
}

absl::Status DnsServer::ListenOnce(const std::string& address, uint16_t port) {
  asio::error_code error;
  const auto ip = asio::ip::make_address(address, error);
  const auto failed = [&](std::string_view what) {
    return absl::UnavailableError(absl::StrCat("cannot listen for DNS on ", address, ":", port, " (",
                                               absl::string_view(what.data(), what.size()), "): ", error.message(),
                                               "; choose another dns.listen, or port 0 for any free one"));
  };
  if (error) return failed("address");
  udp_.open(udp::v4(), error);
  if (!error) udp_.bind({ip, port}, error);
  if (error) return failed("UDP");
  const uint16_t chosen = udp_.local_endpoint(error).port();
  tcp_.open(tcp::v4(), error);
  if (!error) tcp_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) tcp_.bind({ip, chosen}, error);
  if (!error) tcp_.listen(asio::socket_base::max_listen_connections, error);
  if (error) return failed("TCP");
  port_ = chosen;
  return absl::OkStatus();
}

void DnsServer::Start() {
  asio::co_spawn(io_, ServeUdp(), asio::detached);
  asio::co_spawn(io_, AcceptTcp(), asio::detached);
}

void DnsServer::Stop() {
  asio::error_code ignored;
  udp_.close(ignored);
  tcp_.close(ignored);
}

Awaitable<void> DnsServer::ServeUdp() {
  std::array<char, DnsZone::kUdpBytesMax> buffer;
  udp::endpoint client;
  asio::error_code ignored;
  udp_.non_blocking(true, ignored);
  while (udp_.is_open()) {
    const auto [error, size] = co_await udp_.async_receive_from(asio::buffer(buffer), client, use_tuple);
    if (!udp_.is_open()) co_return;
    if (error) continue;  // an ICMP error of an earlier answer
    const std::optional<std::string> answer = zone_->Answer(std::string_view(buffer.data(), size), false);
    // Does not wait: an answer that finds no room is lost, as UDP may.
    if (answer.has_value()) udp_.send_to(asio::buffer(*answer), client, 0, ignored);
  }
}

Awaitable<void> DnsServer::AcceptTcp() {
  while (tcp_.is_open()) {
    auto socket = std::make_shared<tcp::socket>(io_);
    const auto [error] = co_await tcp_.async_accept(*socket, use_tuple);
    if (!tcp_.is_open()) co_return;
    if (error) {
      co_await SleepUntil(DeadlineAfter(absl::Milliseconds(100)));  // out of descriptors: wait for some
      continue;
    }
    if (tcp_connections_ >= kTcpConnectionsMax) continue;
    asio::co_spawn(io_, ServeTcp(std::move(socket)), asio::detached);
  }
}

Awaitable<void> DnsServer::ServeTcp(std::shared_ptr<tcp::socket> socket) {
  ++tcp_connections_;
  asio::steady_timer idle(io_);
  std::string message;
  while (tcp_.is_open()) {
    idle.expires_after(absl::ToChronoNanoseconds(kTcpIdle));
    idle.async_wait([socket](asio::error_code error) {
      asio::error_code ignored;
      if (!error) socket->close(ignored);
    });
    std::array<unsigned char, 2> length{};
    const auto [length_error, length_read] = co_await asio::async_read(*socket, asio::buffer(length), use_tuple);
    if (length_error) break;
    message.resize(static_cast<size_t>(length[0]) << 8 | length[1]);
    const auto [error, read] = co_await asio::async_read(*socket, asio::buffer(message), use_tuple);
    if (error) break;
    const std::optional<std::string> answer = zone_->Answer(message, true);
    if (!answer.has_value()) continue;
    std::string framed = {static_cast<char>(answer->size() >> 8), static_cast<char>(answer->size() & 0xff)};
    framed += *answer;
    const auto [write_error, written] = co_await asio::async_write(*socket, asio::buffer(framed), use_tuple);
    if (write_error) break;
  }
  --tcp_connections_;
}

}  // namespace wavepost::testnet
