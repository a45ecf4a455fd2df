#include "bouncer/inbound/server.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "bouncer/inbound/connection.h"
#include "common/async/deadline.h"
#include "common/async/tokens.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

using asio::ip::tcp;

// After a failed accept (out of file descriptors): the next attempt would fail too.
constexpr absl::Duration kAcceptPause = absl::Milliseconds(100);

// The unit of the limit per client: whoever has one IPv6 address has 2^64 of them.
std::string ClientKey(const asio::ip::address& address) {
  if (address.is_v4()) return address.to_string();
  const asio::ip::address_v6 v6 = address.to_v6();
  if (v6.is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, v6).to_string();
  asio::ip::address_v6::bytes_type bytes = v6.to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  return asio::ip::address_v6(bytes).to_string() + "/64";
}

}  // namespace

class InboundServer::Impl : public std::enable_shared_from_this<InboundServer::Impl> {
 public:
  Impl(asio::io_context& io, std::shared_ptr<InboundShared> shared) : io_(io), shared_(std::move(shared)) {}

  absl::Status Listen(const std::string& address) {
    const size_t colon = address.rfind(':');
    std::string host = colon == std::string::npos ? address : address.substr(0, colon);
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    asio::error_code error;
    const asio::ip::address ip = asio::ip::make_address(host, error);
    int port = -1;
    if (error || colon == std::string::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 0 ||
        port > 65535) {
      return absl::InvalidArgumentError(
          absl::StrCat("listen: '", Av(Printable(address)), "' is not IP:PORT, e.g. 127.0.0.1:2526 or [::]:25"));
    }
    const tcp::endpoint endpoint(ip, static_cast<uint16_t>(port));
    tcp::acceptor acceptor(io_);
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      return absl::UnavailableError(
          absl::StrCat("cannot listen on ", address, ": ", error.message(),
                       "; choose another address in 'listen', or stop the process that has it"));
    }
    ports_.push_back(acceptor.local_endpoint(error).port());
    acceptors_.push_back(std::make_shared<tcp::acceptor>(std::move(acceptor)));
    asio::co_spawn(io_, Accept(shared_from_this(), acceptors_.back()), asio::detached);
    return absl::OkStatus();
  }

  void Stop(std::function<void()> done) {
    stopping_ = true;
    done_ = std::move(done);
    asio::error_code ignored;
    for (const auto& acceptor : acceptors_) acceptor->close(ignored);
    for (const auto& connection : connections_) connection->BeginDrain();
    drain_timer_.expires_after(absl::ToChronoNanoseconds(shared_->limits.drain_timeout));
    drain_timer_.async_wait([self = shared_from_this()](asio::error_code error) {
      if (error) return;
      for (const auto& connection : self->connections_) connection->Abort();
    });
    FinishIfDrained();
  }

  const Counters& counters() const { return shared_->counters; }
  int port(size_t listener) const { return listener < ports_.size() ? ports_[listener] : 0; }

 private:
  static Awaitable<void> Accept(std::shared_ptr<Impl> self, std::shared_ptr<tcp::acceptor> acceptor) {
    while (!self->stopping_) {
      auto [error, socket] = co_await acceptor->async_accept(use_tuple);
      if (self->stopping_) break;
      if (error) {
        spdlog::warn("event=accept_failed error=\"{}\"", error.message());
        const Deadline pause = DeadlineAfter(kAcceptPause);
        co_await SleepUntil(pause);
        continue;
      }
      self->Admit(std::move(socket));
    }
  }

  void Admit(tcp::socket socket) {
    asio::error_code error;
    const tcp::endpoint client = socket.remote_endpoint(error);
    if (error) return;  // gone already
    const std::string key = ClientKey(client.address());
    const bool full = connections_.size() >= shared_->limits.connections_max;
    const auto found = per_client_.find(key);
    if (full || (found != per_client_.end() && found->second >= shared_->limits.connections_per_client_max)) {
      shared_->counters.connections_refused.fetch_add(1);
      Refuse(&socket);
      return;
    }
    shared_->counters.connections.fetch_add(1);
    ++per_client_[key];
    auto connection = std::make_shared<Connection>(std::move(socket), client.address().to_string(), shared_);
    connections_.insert(connection);
    asio::co_spawn(io_, connection->Run(), [self = shared_from_this(), connection, key](std::exception_ptr) {
      self->connections_.erase(connection);
      const auto entry = self->per_client_.find(key);
      if (--entry->second == 0) self->per_client_.erase(entry);
      self->FinishIfDrained();
    });
  }

  // One try, without waiting: a refused client costs nothing.
  static void Refuse(tcp::socket* socket) {
    static constexpr char kText[] = "421 4.7.0 too many connections, try again later\r\n";
    asio::error_code ignored;
    socket->non_blocking(true, ignored);
    socket->write_some(asio::buffer(kText, sizeof(kText) - 1), ignored);
    socket->shutdown(tcp::socket::shutdown_both, ignored);
  }

  void FinishIfDrained() {
    if (!stopping_ || !connections_.empty() || !done_) return;
    drain_timer_.cancel();
    std::exchange(done_, nullptr)();
  }

  asio::io_context& io_;
  const std::shared_ptr<InboundShared> shared_;
  std::vector<std::shared_ptr<tcp::acceptor>> acceptors_;
  std::vector<int> ports_;
  std::set<std::shared_ptr<Connection>> connections_;
  std::map<std::string, size_t> per_client_;
  asio::steady_timer drain_timer_{io_};
  bool stopping_ = false;
  std::function<void()> done_;
};

InboundServer::InboundServer(asio::io_context& io, Options options, Mailboxes mailboxes, MessageSink* sink) {
  const size_t heads_bytes_max = options.limits.heads_bytes_max;
  auto shared = std::shared_ptr<InboundShared>(new InboundShared{.hostname = std::move(options.hostname),
                                                                 .limits = options.limits,
                                                                 .mailboxes = std::move(mailboxes),
                                                                 .budget = HeadBudget(heads_bytes_max),
                                                                 .sink = sink,
                                                                 .counters = {}});
  impl_ = std::make_shared<Impl>(io, std::move(shared));
  io_ = &io;
}

InboundServer::~InboundServer() = default;

absl::Status InboundServer::Listen(const std::string& address) {
  return impl_->Listen(address);
}
int InboundServer::port(size_t listener) const {
  return impl_->port(listener);
}
const InboundServer::Counters& InboundServer::counters() const {
  return impl_->counters();
}

void InboundServer::Stop(std::function<void()> done) {
  asio::post(*io_, [impl = impl_, done = std::move(done)]() mutable { impl->Stop(std::move(done)); });
}

}  // namespace wavepost
