#include "sender/smtp/testing/dialogue.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/socket_base.hpp>
#include <asio/ssl/stream.hpp>
#include <asio/write.hpp>
#include <chrono>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace wavepost {
namespace {

using asio::ip::tcp;
using Then = Line::Then;

constexpr int kTurns = 100;  // of the event loop, until everything that can happen has happened
constexpr size_t kReadBytes = 64 * 1024;
constexpr absl::Duration kMoment = absl::Seconds(1);
constexpr std::chrono::seconds kHangsAfter(20);

Awaitable<void> Settle(int turns = kTurns) {
  for (int i = 0; i < turns; ++i) co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
}

class Peer {
 public:
  Peer(asio::io_context& io, const Dialogue* dialogue, Played* played)
      : acceptor_(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
        socket_(io),
        dialogue_(*dialogue),
        played_(*played) {}

  tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }

  Awaitable<void> Run(Session* session) {
    auto [error] = co_await acceptor_.async_accept(socket_, use_tuple);
    if (error) co_return;
    asio::error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);  // each step arrives when it is said
    played_.client_address = socket_.remote_endpoint(ignored).address().to_string();
    bool content = true;
    for (const Line& line : dialogue_.script) {
      if (content) content = co_await PlayLine(&line, session);
      if (!socket_.is_open()) break;
    }
    played_.peer_is_content = content;
    if (!content) socket_.close(ignored);
    std::string rest(kReadBytes, ' ');
    while (socket_.is_open()) {  // until the client hangs up; what it still says was not expected
      const size_t count = co_await ReadSome(rest.data(), rest.size());
      if (count == 0) break;
      played_.heard.append(rest, 0, count);
    }
    socket_.close(ignored);
  }

  void StopAccepting() {
    asio::error_code ignored;
    acceptor_.close(ignored);
  }

  void Stop() {
    asio::error_code ignored;
    StopAccepting();
    socket_.close(ignored);
  }

 private:
  Awaitable<size_t> ReadSome(char* to, size_t size) {
    if (tls_ != nullptr) {
      auto [error, count] = co_await tls_->async_read_some(asio::buffer(to, size), use_tuple);
      co_return error ? 0 : count;
    }
    auto [error, count] = co_await socket_.async_read_some(asio::buffer(to, size), use_tuple);
    co_return error ? 0 : count;
  }

  Awaitable<bool> Say(const std::string* text) {
    if (text->empty()) co_return true;
    if (tls_ != nullptr) {
      auto [error, count] = co_await asio::async_write(*tls_, asio::buffer(*text), use_tuple);
      co_return !error;
    }
    auto [error, count] = co_await asio::async_write(socket_, asio::buffer(*text), use_tuple);
    co_return !error;
  }

  Awaitable<bool> PlayLine(const Line* line, Session* session) {
    std::string got;
    std::string piece;
    while (got.size() < line->expect.size()) {
      piece.resize(std::min(line->expect.size() - got.size(), kReadBytes));
      const size_t count = co_await ReadSome(piece.data(), piece.size());
      if (count == 0) co_return Complain("the client hung up", got, line->expect);
      const size_t at = got.size();
      got.append(piece, 0, count);
      if (line->expect.compare(at, count, got, at, count) != 0) co_return Complain("heard", got, line->expect);
    }
    played_.heard += got;
    if (line->expect.empty()) co_await Settle(kTurns / 4);  // not together with what was said before
    if (line->then == Then::kDrip) co_return co_await Drip(line, session);
    if (line->then == Then::kFlood) {
      while (co_await Say(&line->say)) {
      }
      co_return true;
    }
    if (line->then == Then::kDeaf) {
      co_await Settle();
      if (line->say.empty()) CheckPatience(line, session, std::chrono::steady_clock::now());
    }
    co_await Say(&line->say);
    asio::error_code ignored;
    switch (line->then) {
      case Then::kClose:
        socket_.close(ignored);
        break;
      case Then::kReset:
        socket_.set_option(asio::socket_base::linger(true, 0), ignored);
        socket_.close(ignored);
        break;
      case Then::kStartTls:
        co_return co_await StartTls();
      case Then::kStall: {
        const Deadline begin = std::chrono::steady_clock::now();
        co_await Settle();
        CheckPatience(line, session, begin);
        break;
      }
      case Then::kDeaf:
        co_await Settle();
        if (session->connection().is_open()) played_.wrong.push_back("went on writing to the deaf");
        break;
      default:
        break;
    }
    co_return true;
  }

  Awaitable<bool> Drip(const Line* line, Session* session) {
    const Deadline begin = std::chrono::steady_clock::now();
    for (const char byte : line->say) {
      const std::string one(1, byte);
      co_await Say(&one);
      co_await Settle();
    }
    // Its deadline was set before `begin`; one that a byte has moved lies behind begin + limit.
    if (!session->connection().is_open()) played_.wrong.push_back("gave up while it dripped");
    session->connection().CheckDeadline(begin + absl::ToChronoNanoseconds(line->limit));
    if (session->connection().is_open()) played_.wrong.push_back("dripping has moved the deadline");
    co_return true;
  }

  void CheckPatience(const Line* line, Session* session, Deadline begin) {
    Connection& connection = session->connection();
    if (!connection.is_open()) played_.wrong.push_back("hung up before the peer stalled");
    connection.CheckDeadline(begin + absl::ToChronoNanoseconds(line->limit - kMoment));
    if (!connection.is_open()) played_.wrong.push_back("gave up too early");
    connection.CheckDeadline(DeadlineAfter(line->limit + kMoment));
    if (connection.is_open()) played_.wrong.push_back("did not give up");
  }

  Awaitable<bool> StartTls() {
    tls_ = std::make_unique<asio::ssl::stream<tcp::socket&>>(socket_, *dialogue_.server_tls);
    auto [error] = co_await tls_->async_handshake(asio::ssl::stream_base::server, use_tuple);
    played_.resumed = !error && SSL_session_reused(tls_->native_handle()) != 0;
    co_return !error;
  }

  bool Complain(std::string_view what, const std::string& got, const std::string& want) {
    played_.wrong.push_back(absl::StrCat(absl::string_view(what.data(), what.size()), ": \"",
                                         absl::CEscape(got.substr(0, 500)), "\", expected: \"",
                                         absl::CEscape(want.substr(0, 500)), "\""));
    return false;
  }

  tcp::acceptor acceptor_;
  tcp::socket socket_;
  std::unique_ptr<asio::ssl::stream<tcp::socket&>> tls_;
  const Dialogue& dialogue_;
  Played& played_;
};

Awaitable<void> RunClient(Session* session, tcp::endpoint to, const Dialogue* dialogue, Played* played) {
  SessionTarget target{.endpoint = to, .host_name = dialogue->host_name, .tls = dialogue->tls};
  played->open = co_await session->Open(target);
  played->tls = session->tls_outcome();
  for (int i = 0; i < dialogue->transactions && !played->open.has_value() && session->usable(); ++i) {
    co_await Settle();  // between messages the peer may do something
    WireMessage message{.canonical = std::make_shared<const std::string>(dialogue->message),
                        .has_8bit = dialogue->has_8bit};
    std::function<Awaitable<bool>()> before_dot = [played, dialogue]() -> Awaitable<bool> {
      ++played->marks;
      co_await Settle();  // as the disk would
      co_return dialogue->mark;
    };
    Envelope envelope = dialogue->envelope;
    played->send = co_await session->Send(envelope, message, before_dot);
  }
  played->usable = session->usable();
  played->bdat_refused = session->bdat_refused();
  if (played->usable != session->connection().is_open()) played->wrong.push_back("usable and open disagree");
  session->connection().Close();
}

}  // namespace

Played Play(Dialogue dialogue) {
  asio::io_context io;
  Played played;
  Peer peer(io, &dialogue, &played);
  EgressRoute& route = dialogue.options.route;
  if (route.ehlo_name.empty()) route.ehlo_name = "out.test";
  if (route.source.is_unspecified()) route.source = asio::ip::address_v4::loopback();
  tcp::endpoint to = peer.endpoint();
  const tcp::endpoint elsewhere(asio::ip::make_address_v4("192.0.2.25"), 25);
  if (dialogue.via == Via::kSocks5) {
    if (!route.socks5.has_value()) route.socks5.emplace();
    route.socks5->host = to.address();
    route.socks5->port = to.port();
    to = elsewhere;
  } else if (dialogue.via == Via::kProxyV2) {
    if (!route.proxy.has_value()) route.proxy.emplace();
    route.proxy->host = to.address();
    route.proxy->port = to.port();
    to = elsewhere;
  }
  if (dialogue.nobody_listens) peer.StopAccepting();
  Session session(io, dialogue.options);
  asio::co_spawn(io, peer.Run(&session), asio::detached);
  bool done = false;
  asio::co_spawn(io, RunClient(&session, to, &dialogue, &played), [&](std::exception_ptr) {
    done = true;
    peer.StopAccepting();
  });
  io.run_for(kHangsAfter);
  if (!done) played.wrong.push_back("the dialogue hangs");
  peer.Stop();
  session.connection().Abort();
  io.restart();
  io.run_for(kHangsAfter);
  return played;
}

}  // namespace wavepost
