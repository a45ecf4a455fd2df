#include "tests/testnet/smtp_server.h"

#include <algorithm>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/error.hpp>
#include <asio/ip/address_v4.hpp>
#include <asio/ssl/stream.hpp>
#include <asio/write.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/async/deadline.h"

namespace wavepost::testnet {
namespace {

using asio::ip::tcp;

constexpr int kPortTries = 50;
constexpr size_t kReadBytes = 32 * 1024;
constexpr size_t kDrainBytesMax = 1 << 20;  // read and thrown away after our last reply
constexpr absl::Duration kSweepEvery = absl::Milliseconds(500);
constexpr absl::Duration kSweepEveryStopping = absl::Milliseconds(20);

}  // namespace

struct SmtpServer::Listener {
  Listener(asio::io_context& io, const Receiver& r) : acceptor(io), receiver(r) {}
  tcp::acceptor acceptor;
  Receiver receiver;
};

struct SmtpServer::Connection {
  Connection(tcp::socket s, SessionWorld* world, const Receiver& receiver, uint32_t client_ip)
      : socket(std::move(s)), session(world, receiver, client_ip), buffer(kReadBytes) {}

  Awaitable<bool> Flush() {
    const std::string output = session.TakeOutput();
    if (output.empty()) co_return true;
    asio::error_code error;
    if (tls.has_value()) {
      std::tie(error, std::ignore) = co_await asio::async_write(*tls, asio::buffer(output), use_tuple);
    } else {
      std::tie(error, std::ignore) = co_await asio::async_write(socket, asio::buffer(output), use_tuple);
    }
    co_return !error;
  }

  Awaitable<std::tuple<asio::error_code, size_t>> Read() {
    std::tuple<asio::error_code, size_t> result;
    reading = true;
    if (tls.has_value()) {
      result = co_await tls->async_read_some(asio::buffer(buffer), use_tuple);
    } else {
      result = co_await socket.async_read_some(asio::buffer(buffer), use_tuple);
    }
    reading = false;
    co_return result;
  }

  void Close() {
    asio::error_code ignored;
    socket.close(ignored);
  }

  tcp::socket socket;
  std::optional<asio::ssl::stream<tcp::socket&>> tls;
  Session session;
  std::vector<char> buffer;
  Deadline deadline;     // the sweep closes the connection after it
  bool reading = false;  // waits for the client, not for us
  bool timed_out = false;
};

SmtpServer::SmtpServer(asio::io_context* io, SessionWorld* world) : io_(*io), world_(*world), sweep_timer_(*io) {}

SmtpServer::~SmtpServer() = default;

absl::Status SmtpServer::Listen(uint16_t port) {
  absl::Status status;
  for (int i = 0; i < (port == 0 ? kPortTries : 1); ++i) {
    status = ListenAll(port);
    if (status.ok()) return status;
    listeners_.clear();
  }
  return status;
}

absl::Status SmtpServer::ListenAll(uint16_t port) {
  uint16_t chosen = port;
  for (const Receiver& receiver : world_.scenario->receivers) {
    auto listener = std::make_unique<Listener>(io_, receiver);
    tcp::acceptor& acceptor = listener->acceptor;
    asio::error_code error;
    acceptor.open(tcp::v4(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind({asio::ip::address_v4(receiver.address), chosen}, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      return absl::UnavailableError(absl::StrCat(
          "cannot listen for SMTP on ", Ipv4Text(receiver.address), ":", chosen, ": ", error.message(),
          "; does another testnet run? Choose another smtp_port (0: any free one) or another address_range"));
    }
    if (chosen == 0) chosen = acceptor.local_endpoint(error).port();
    listeners_.push_back(std::move(listener));
  }
  port_ = chosen;
  return absl::OkStatus();
}

void SmtpServer::Start() {
  for (const auto& listener : listeners_) asio::co_spawn(io_, Accept(listener.get()), asio::detached);
  asio::co_spawn(io_, Sweep(), asio::detached);
}

void SmtpServer::Stop() {
  stopping_ = true;
  asio::error_code ignored;
  for (const auto& listener : listeners_) listener->acceptor.close(ignored);
  const Deadline last = DeadlineAfter(kStopGrace);
  for (Connection* connection : connections_) {
    connection->session.Stop();
    connection->deadline = std::min(connection->deadline, last);
    if (connection->reading) connection->socket.cancel(ignored);
  }
  sweep_timer_.cancel();
}

Awaitable<void> SmtpServer::Accept(Listener* listener) {
  while (listener->acceptor.is_open()) {
    tcp::socket socket(io_);
    const auto [accept_error] = co_await listener->acceptor.async_accept(socket, use_tuple);
    if (!listener->acceptor.is_open()) co_return;
    if (accept_error) {
      co_await SleepUntil(DeadlineAfter(absl::Milliseconds(100)));  // out of descriptors: wait for some
      continue;
    }
    asio::error_code error;
    const tcp::endpoint client = socket.remote_endpoint(error);
    if (error) continue;
    if (connections_.size() >= world_.scenario->connections_max) {
      constexpr std::string_view kFull = "421 4.3.2 The testnet has too many connections\r\n";
      socket.non_blocking(true, error);
      socket.write_some(asio::buffer(kFull), error);
      continue;
    }
    socket.set_option(tcp::no_delay(true), error);
    auto connection = std::make_shared<Connection>(std::move(socket), &world_, listener->receiver,
                                                   client.address().to_v4().to_uint());
    connections_.insert(connection.get());
    asio::co_spawn(io_, Serve(std::move(connection)), asio::detached);
  }
}

Awaitable<void> SmtpServer::Serve(std::shared_ptr<Connection> connection) {
  const auto idle = absl::ToChronoNanoseconds(world_.scenario->idle_timeout);
  Session& session = connection->session;
  std::string_view lost = "closed by the client";
  bool running = true;
  while (running) {
    const Session::Step step = session.Next(absl::Now());
    connection->deadline = std::chrono::steady_clock::now() + idle;
    const bool flushed = co_await connection->Flush();
    if (!flushed) break;
    switch (step) {
      case Session::Step::kFlush:
        break;
      case Session::Step::kNeedMore: {
        if (stopping_) {
          // Came here with a message half sent, or between two reads: a short while to finish it.
          session.Stop();
          connection->deadline = DeadlineAfter(kStopGrace);
        }
        const auto [error, size] = co_await connection->Read();
        if (error == asio::error::operation_aborted && stopping_ && !connection->timed_out) break;
        running = !error;
        if (running) session.Feed(std::string_view(connection->buffer.data(), size));
        break;
      }
      case Session::Step::kWait: {
        const Deadline wake = DeadlineAfter(session.wait());
        connection->deadline = wake + idle;
        co_await SleepUntil(wake);
        running = connection->socket.is_open();
        break;
      }
      case Session::Step::kStartTls: {
        if (tls_ == nullptr) {
          running = false;
          break;
        }
        connection->tls.emplace(connection->socket, *tls_);
        const auto [error] = co_await connection->tls->async_handshake(asio::ssl::stream_base::server, use_tuple);
        running = !error;
        lost = "TLS handshake failed";
        if (running) session.TlsStarted();
        break;
      }
      case Session::Step::kClose:
        co_await ClosePolitely(connection.get());
        running = false;
        break;
      case Session::Step::kDrop:
        running = false;
        break;
    }
  }
  session.Lost(connection->timed_out ? "timed out" : lost, absl::Now());
  connection->Close();
  connections_.erase(connection.get());
}

// Closing a socket with unread bytes sends a reset, and the client may then never see our last reply. So: say that
// nothing more comes, and read what it still sends until it closes too.
Awaitable<void> SmtpServer::ClosePolitely(Connection* connection) {
  connection->deadline = DeadlineAfter(kCloseGrace);
  if (connection->tls.has_value()) co_await connection->tls->async_shutdown(use_tuple);
  asio::error_code ignored;
  connection->socket.shutdown(tcp::socket::shutdown_send, ignored);
  size_t drained = 0;
  while (drained < kDrainBytesMax) {
    const auto [error, size] = co_await connection->socket.async_read_some(asio::buffer(connection->buffer), use_tuple);
    if (error) co_return;
    drained += size;
  }
}

// One timer for all connections: a timer per read would cost more than the read.
Awaitable<void> SmtpServer::Sweep() {
  while (!stopping_ || !connections_.empty()) {
    const Deadline now = std::chrono::steady_clock::now();
    for (Connection* connection : connections_) {
      if (connection->deadline > now) continue;
      connection->timed_out = true;
      connection->Close();
    }
    sweep_timer_.expires_at(now + absl::ToChronoNanoseconds(stopping_ ? kSweepEveryStopping : kSweepEvery));
    co_await sweep_timer_.async_wait(use_tuple);
  }
}

}  // namespace wavepost::testnet
