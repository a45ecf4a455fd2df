#include "bouncer/inbound/server.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bouncer/inbound/client_key.h"
#include "bouncer/inbound/connection.h"
#include "bouncer/inbound/listener.h"
#include "common/async/deadline.h"
#include "common/async/tokens.h"
#include "common/base/status_macros.h"

namespace wavepost {
namespace {

// After a failed accept (out of file descriptors): the next attempt would fail too.
constexpr absl::Duration kAcceptPause = absl::Milliseconds(100);

// Between two lines that say how the intake does.
constexpr absl::Duration kReportEvery = absl::Seconds(1);

// Where a connection comes from.
struct Origin {
  std::string name;
  bool local = false;  // by a path: one of our own programs
  Dialogue::Client client;
};

// Nothing: it has gone already.
std::optional<Origin> OriginOf(Connection::Socket& socket) {
  asio::error_code error;
  const asio::generic::stream_protocol::endpoint remote = socket.remote_endpoint(error);
  if (error) return std::nullopt;
  Origin origin;
  if (remote.protocol().family() == AF_UNIX) {
    origin.name = "unix";
    origin.local = true;
    return origin;
  }
  asio::ip::tcp::endpoint tcp;
  std::memcpy(tcp.data(), remote.data(), std::min(remote.size(), tcp.capacity()));
  tcp.resize(remote.size());
  origin.name = tcp.address().to_string();
  origin.client.client_key = ClientKey(tcp.address());
  origin.client.network_key = NetworkKey(tcp.address());
  return origin;
}

}  // namespace

class InboundServer::Impl : public std::enable_shared_from_this<InboundServer::Impl> {
 public:
  Impl(asio::io_context& io, std::shared_ptr<InboundShared> shared) : io_(io), shared_(std::move(shared)) {}

  absl::Status Start(CertificateFiles files) {
    if (files.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(shared_->certificates, Certificates::Load(std::move(files), std::chrono::steady_clock::now()));
    return absl::OkStatus();
  }

  absl::Status Listen(const std::string& address, Dialogue::Protocol protocol) {
    if (protocol == Dialogue::Protocol::kLmtp && address.ends_with(":25")) {
      return absl::InvalidArgumentError(absl::StrCat("listen: ", address, ": LMTP must not be spoken on port 25"));
    }
    ASSIGN_OR_RETURN(Listener listener, OpenListener(io_, address));
    ports_.push_back(listener.port);
    acceptors_.push_back(std::make_shared<StreamAcceptor>(std::move(listener.acceptor)));
    asio::co_spawn(io_, Accept(shared_from_this(), acceptors_.back(), protocol), asio::detached);
    if (acceptors_.size() == 1) asio::co_spawn(io_, Report(shared_from_this()), asio::detached);
    return absl::OkStatus();
  }

  void Stop(std::function<void()> done) {
    stopping_ = true;
    report_timer_.cancel();
    done_ = std::move(done);
    asio::error_code ignored;
    for (const auto& acceptor : acceptors_) acceptor->close(ignored);
    for (const auto& connection : connections_) connection->BeginDrain();
    drain_timer_.expires_after(absl::ToChronoNanoseconds(shared_->dialogue.limits.drain_timeout));
    drain_timer_.async_wait([self = shared_from_this()](asio::error_code error) {
      if (error) return;
      for (const auto& connection : self->connections_) connection->Abort();
    });
    FinishIfDrained();
  }

  const Counters& counters() const { return shared_->counters; }
  int port(size_t listener) const { return listener < ports_.size() ? ports_[listener] : 0; }

 private:
  static Awaitable<void> Accept(std::shared_ptr<Impl> self, std::shared_ptr<StreamAcceptor> acceptor,
                                Dialogue::Protocol protocol) {
    while (!self->stopping_) {
      auto [error, socket] = co_await acceptor->async_accept(use_tuple);
      if (self->stopping_) break;
      if (error) {
        spdlog::warn("event=accept_failed error=\"{}\"", error.message());
        const Deadline pause = DeadlineAfter(kAcceptPause);
        co_await SleepUntil(pause);
        continue;
      }
      self->Admit(std::move(socket), protocol);
    }
  }

  // One line a second with what has changed, instead of one per message.
  static Awaitable<void> Report(std::shared_ptr<Impl> self) {
    const Counters& now = self->shared_->counters;
    int64_t stored = 0;
    int64_t not_stored = 0;
    int64_t refused = 0;
    int64_t limited = 0;
    int64_t unknown = 0;
    while (!self->stopping_) {
      self->report_timer_.expires_after(absl::ToChronoNanoseconds(kReportEvery));
      co_await self->report_timer_.async_wait(use_tuple);
      const int64_t stored_now = now.messages_stored - std::exchange(stored, now.messages_stored);
      const int64_t not_stored_now = now.messages_not_stored - std::exchange(not_stored, now.messages_not_stored);
      const int64_t refused_now = now.recipients_refused - std::exchange(refused, now.recipients_refused);
      const int64_t limited_now = now.rate_limited - std::exchange(limited, now.rate_limited);
      const int64_t unknown_now = now.unknown_keys - std::exchange(unknown, now.unknown_keys);
      if (stored_now + not_stored_now + refused_now + limited_now + unknown_now == 0) continue;
      spdlog::info(
          "event=intake stored={} not_stored={} recipients_refused={} rate_limited={} unknown_keys={} connections={}",
          stored_now, not_stored_now, refused_now, limited_now, unknown_now, self->connections_.size());
    }
  }

  void Admit(Connection::Socket socket, Dialogue::Protocol protocol) {
    std::optional<Origin> origin = OriginOf(socket);
    if (!origin) return;
    const bool local = origin->local;
    const uint64_t key = origin->client.client_key;
    const InboundLimits& limits = shared_->dialogue.limits;
    const bool full =
        connections_.size() >= limits.connections_max || shared_->dialogue.budget.left() < Dialogue::kPlainBytes;
    const auto found = per_client_.find(key);
    if (full || (!local && found != per_client_.end() && found->second >= limits.connections_per_client_max)) {
      shared_->counters.connections_refused.fetch_add(1);
      Refuse(&socket);
      return;
    }
    shared_->counters.connections.fetch_add(1);
    ++per_client_[key];
    origin->client.protocol = protocol;
    origin->client.limited = protocol == Dialogue::Protocol::kSmtp && !local;
    origin->client.offer_tls = shared_->certificates != nullptr && !local;
    auto connection = std::make_shared<Connection>(std::move(socket), std::move(origin->name), origin->client, shared_);
    connections_.insert(connection);
    asio::co_spawn(io_, connection->Run(), [self = shared_from_this(), connection, key](std::exception_ptr) {
      self->connections_.erase(connection);
      const auto entry = self->per_client_.find(key);
      if (--entry->second == 0) self->per_client_.erase(entry);
      self->FinishIfDrained();
    });
  }

  // One try, without waiting: a refused client costs nothing.
  static void Refuse(Connection::Socket* socket) {
    static constexpr char kText[] = "421 4.7.0 too many connections, try again later\r\n";
    asio::error_code ignored;
    socket->non_blocking(true, ignored);
    socket->send(asio::buffer(kText, sizeof(kText) - 1), 0, ignored);
    socket->shutdown(Connection::Socket::shutdown_both, ignored);
  }

  void FinishIfDrained() {
    if (!stopping_ || !connections_.empty() || !done_) return;
    drain_timer_.cancel();
    std::exchange(done_, nullptr)();
  }

  asio::io_context& io_;
  const std::shared_ptr<InboundShared> shared_;
  std::vector<std::shared_ptr<StreamAcceptor>> acceptors_;
  std::vector<int> ports_;
  std::set<std::shared_ptr<Connection>> connections_;
  std::map<uint64_t, size_t> per_client_;  // connections
  asio::steady_timer drain_timer_{io_};
  asio::steady_timer report_timer_{io_};
  bool stopping_ = false;
  std::function<void()> done_;
};

InboundServer::InboundServer(asio::io_context& io, Options options, Mailboxes mailboxes, MessageSink* sink)
    : certificate_(std::move(options.certificate)) {
  auto shared = std::shared_ptr<InboundShared>(new InboundShared{
      .dialogue = DialogueShared(std::move(options.hostname), options.limits, std::move(mailboxes), options.seed),
      .certificates = nullptr,
      .sink = sink,
      .counters = {}});
  impl_ = std::make_shared<Impl>(io, std::move(shared));
  io_ = &io;
}

InboundServer::~InboundServer() = default;

absl::Status InboundServer::Start() {
  return impl_->Start(certificate_);
}
absl::Status InboundServer::Listen(const std::string& address, Dialogue::Protocol protocol) {
  return impl_->Listen(address, protocol);
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
