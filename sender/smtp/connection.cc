#include "sender/smtp/connection.h"

#include <netinet/in.h>

#include <algorithm>
#include <asio/buffer.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/read.hpp>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "sender/smtp/proxy_v2.h"

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

namespace wavepost {

using asio::ip::tcp;

namespace {

bool IsEmpty(const Connection::Pieces& pieces) {
  return pieces[0].empty() && pieces[1].empty() && pieces[2].empty();
}

void Consume(size_t count, Connection::Pieces* pieces) {
  for (std::string_view& piece : *pieces) {
    const size_t taken = std::min(count, piece.size());
    piece.remove_prefix(taken);
    count -= taken;
  }
}

bool IsShortage(const asio::error_code& error) {
  return error == asio::error::no_descriptors || error == asio::error::no_memory ||
         error == asio::error::no_buffer_space || error == asio::error_code(ENFILE, asio::system_category());
}

std::string HostAndPort(const tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return endpoint.address().is_v6() ? absl::StrCat("[", host, "]:", endpoint.port())
                                    : absl::StrCat(host, ":", endpoint.port());
}

// The proxy that the route goes through, for people; it stands in front of what the proxy did.
std::string ProxyName(const EgressRoute& route, const tcp::endpoint& proxy) {
  return absl::StrCat(route.socks5.has_value() ? "SOCKS5 proxy " : "PROXY v2 egress host ", HostAndPort(proxy),
                      " of egress IP ", route.source.to_string(), " ");
}

}  // namespace

Connection::Connection(asio::io_context& io) : socket_(io) {}
Connection::~Connection() = default;

absl::Status Connection::Ended(const asio::error_code& error, std::string_view doing) {
  Close();
  if (timed_out_) return absl::DeadlineExceededError(absl::StrCat(Av(doing), ": no answer in time"));
  if (aborted_) return absl::CancelledError("stopping");
  if (error == asio::error::eof) return absl::UnavailableError(absl::StrCat(Av(doing), ": the host closed"));
  return absl::UnavailableError(absl::StrCat(Av(doing), ": ", error.message()));
}

absl::Status Connection::TlsEnded(std::string_view doing) {
  Close();
  if (timed_out_ || aborted_) return Ended({}, doing);
  return absl::UnavailableError(tls_->error().empty() ? absl::StrCat(Av(doing), ": the host closed") : tls_->error());
}

absl::Status Connection::OpenAndBind(const EgressRoute& route, const tcp::endpoint& first_hop, bool direct) {
  asio::error_code error;
  socket_.open(first_hop.protocol(), error);
  if (IsShortage(error)) return absl::ResourceExhaustedError(absl::StrCat("open a socket: ", error.message()));
  if (error) return Ended(error, "open a socket");
  socket_.non_blocking(true, error);
  if (error) return Ended(error, "open a socket");
  if (!direct || route.source.is_unspecified()) return absl::OkStatus();
  if (route.source.is_v4() != first_hop.address().is_v4()) {
    Close();
    return absl::UnavailableError(absl::StrCat("egress IP ", route.source.to_string(), " cannot reach ",
                                               first_hop.address().to_string(), ": IPv4 and IPv6"));
  }
  // Chooses the port at connect time: the same port can then serve connections to different hosts.
  const int on = 1;
  ::setsockopt(socket_.native_handle(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  socket_.bind(tcp::endpoint(route.source, 0), error);
  if (!error) return absl::OkStatus();
  Close();
  if (IsShortage(error)) return absl::ResourceExhaustedError(absl::StrCat("bind: ", error.message()));
  return absl::FailedPreconditionError(
      absl::StrCat("egress IP ", route.source.to_string(), " cannot be used on this machine (", error.message(),
                   "): give the address to the machine ('ip addr' shows what it has), or take it out of egress_ips"));
}

Awaitable<absl::Status> Connection::Connect(const EgressRoute* route, tcp::endpoint to, absl::Duration limit) {
  if (aborted_) co_return absl::CancelledError("stopping");
  tcp::endpoint first_hop = to;
  if (route->socks5.has_value()) first_hop = tcp::endpoint(route->socks5->host, route->socks5->port);
  if (route->proxy.has_value()) first_hop = tcp::endpoint(route->proxy->host, route->proxy->port);
  const bool direct = !route->socks5.has_value() && !route->proxy.has_value();

  absl::Status status = OpenAndBind(*route, first_hop, direct);
  if (!status.ok()) co_return status;
  deadline_ = DeadlineAfter(limit);
  auto [error] = co_await socket_.async_connect(first_hop, use_tuple);
  if (error) {
    const bool no_port = direct && error == asio::error_code(EADDRNOTAVAIL, asio::system_category());
    status = Ended(error, absl::StrCat("connect to ", first_hop.address().to_string()));
    if (no_port) co_return absl::ResourceExhaustedError("no free port towards the host");
    if (direct || aborted_) co_return status;
    co_return absl::FailedPreconditionError(absl::StrCat(ProxyName(*route, first_hop), "cannot be reached (",
                                                         Av(Sv(status.message())),
                                                         "): is it running, and open to this machine?"));
  }
  socket_.set_option(tcp::no_delay(true), error);

  if (route->socks5.has_value()) {
    status = co_await Socks5Dialogue(&*route->socks5, to);
  } else if (route->proxy.has_value()) {
    const absl::StatusOr<std::string> header = ProxyV2Header(route->proxy->bind_address.value_or(route->source), to);
    status = header.status();
    if (header.ok()) status = co_await Exchange(*header, nullptr, 0);
  }
  deadline_ = Deadline::max();
  if (status.ok() || aborted_) co_return status;
  Close();
  co_return absl::Status(status.code(), absl::StrCat(ProxyName(*route, first_hop), status.message()));
}

// Sends `message` and reads as many bytes as the proxy owes us, and not one more: the host's greeting may follow.
Awaitable<absl::Status> Connection::Exchange(std::string message, char* answer, size_t answer_bytes) {
  Pieces pieces{message, {}, {}};
  std::string error;
  // Some dozen bytes on a fresh connection: they fit, or the connection is dead.
  if (!message.empty() && TryWrite(&pieces, &error) != Progress::kDone) {
    Close();
    co_return absl::FailedPreconditionError("does not take our request");
  }
  if (answer_bytes == 0) co_return absl::OkStatus();
  auto [read_error, count] = co_await asio::async_read(socket_, asio::buffer(answer, answer_bytes), use_tuple);
  if (read_error) {
    const bool late = timed_out_;
    Close();
    if (aborted_) co_return absl::CancelledError("stopping");
    co_return absl::FailedPreconditionError(late ? "does not answer in time" : "closes the connection: may we use it?");
  }
  co_return absl::OkStatus();
}

Awaitable<absl::Status> Connection::Socks5Ask(Socks5Command command, tcp::endpoint to) {
  std::array<char, kSocks5HeadBytes> head;
  absl::Status status = co_await Exchange(Socks5Request(command, to.address(), to.port()), head.data(), head.size());
  if (!status.ok()) {
    // It took the request and then never got anywhere: the host does not answer it either.
    const bool host_is_silent = timed_out_ && command == Socks5Command::kConnect;
    co_return host_is_silent ? absl::UnavailableError("had no connection to the host in time") : status;
  }
  const std::string_view answer(head.data(), head.size());
  status = Socks5Answer(command, answer);
  if (!status.ok()) co_return status;
  const int rest = Socks5AnswerRest(answer);
  if (rest < 0) co_return absl::FailedPreconditionError("does not speak SOCKS5: check its port and kind");
  std::array<char, 257> ignored;
  co_return co_await Exchange("", ignored.data(), static_cast<size_t>(rest));
}

Awaitable<absl::Status> Connection::Socks5Dialogue(const Socks5* proxy, tcp::endpoint to) {
  std::array<char, kSocks5ChoiceBytes> answer;
  const std::string_view answered(answer.data(), answer.size());
  absl::Status status = co_await Exchange(Socks5Greeting(*proxy), answer.data(), answer.size());
  if (!status.ok()) co_return status;
  bool login = false;
  status = Socks5Choice(answered, *proxy, &login);
  if (!status.ok()) co_return status;
  if (login) {
    std::string message;
    status = Socks5Login(*proxy, &message);
    if (!status.ok()) co_return status;
    status = co_await Exchange(std::move(message), answer.data(), answer.size());
    if (!status.ok()) co_return status;
    status = Socks5LoginAnswer(answered);
    if (!status.ok()) co_return status;
  }
  if (proxy->bind_address.has_value()) {
    status = co_await Socks5Ask(Socks5Command::kBind, tcp::endpoint(*proxy->bind_address, 0));
    if (!status.ok()) co_return status;
  }
  co_return co_await Socks5Ask(Socks5Command::kConnect, to);
}

Connection::Progress Connection::TryWrite(Pieces* pieces, std::string* error) {
  if (tls_ != nullptr) return TryWriteTls(pieces, error);
  while (!IsEmpty(*pieces)) {
    const std::array<asio::const_buffer, 3> buffers = {asio::buffer((*pieces)[0]), asio::buffer((*pieces)[1]),
                                                       asio::buffer((*pieces)[2])};
    asio::error_code code;
    const size_t count = socket_.write_some(buffers, code);
    if (code == asio::error::would_block || code == asio::error::try_again) return Progress::kWantWrite;
    if (code) {
      *error = code.message();
      return Progress::kFailed;
    }
    Consume(count, pieces);
  }
  return Progress::kDone;
}

Connection::Progress Connection::TryWriteTls(Pieces* pieces, std::string* error) {
  for (;;) {
    TlsChannel::Step step = TlsChannel::Step::kDone;
    for (std::string_view& piece : *pieces) {
      if (step == TlsChannel::Step::kDone && !tls_->IsFull()) step = tls_->Write(&piece);
    }
    if (step == TlsChannel::Step::kDone) step = tls_->Flush();
    if (step == TlsChannel::Step::kWantWrite) return Progress::kWantWrite;
    if (step != TlsChannel::Step::kDone) {
      *error = tls_->error();
      return Progress::kFailed;
    }
    if (IsEmpty(*pieces)) return Progress::kDone;
  }
}

Awaitable<absl::Status> Connection::Write(Pieces pieces, absl::Duration limit) {
  using asio::experimental::awaitable_operators::operator||;
  absl::Status status;
  std::string error;
  for (bool first = true;; first = false) {
    const Progress progress = TryWrite(&pieces, &error);
    if (progress == Progress::kDone) break;
    if (progress == Progress::kWantWrite) {
      if (first) deadline_ = DeadlineAfter(limit);
      auto writable = socket_.async_wait(tcp::socket::wait_write, use_tuple);
      auto readable = socket_.async_wait(tcp::socket::wait_read, use_tuple);
      co_await (std::move(writable) || std::move(readable));
    }
    // A host that has stopped listening may have said why.
    status = socket_.is_open() ? Look() : Ended({}, "write");
    if (parser_.HasReply()) status = absl::AbortedError("the host spoke before it was due");
    if (progress == Progress::kFailed && status.ok()) {
      Close();
      status = absl::UnavailableError(absl::StrCat("write: ", error));
    }
    if (!status.ok()) break;
  }
  deadline_ = Deadline::max();
  co_return status;
}

Connection::Progress Connection::TryRead(absl::Status* error) {
  size_t count = 0;
  if (tls_ != nullptr) {
    TlsChannel::Step step = tls_->Read(buffer_.data(), buffer_.size(), &count);
    // Reading may have made an answer of TLS's own.
    if (step == TlsChannel::Step::kWantRead && tls_->NeedsFlush()) {
      const TlsChannel::Step flushed = tls_->Flush();
      if (flushed != TlsChannel::Step::kDone && flushed != TlsChannel::Step::kWantWrite) step = flushed;
    }
    if (step == TlsChannel::Step::kWantRead) return Progress::kWantRead;
    if (step != TlsChannel::Step::kDone) {
      *error = TlsEnded("read");
      return Progress::kFailed;
    }
  } else {
    asio::error_code code;
    count = socket_.read_some(asio::buffer(buffer_), code);
    if (code == asio::error::would_block || code == asio::error::try_again) return Progress::kWantRead;
    if (code) {
      *error = Ended(code, "read");
      return Progress::kFailed;
    }
  }
  *error = parser_.Feed(std::string_view(buffer_.data(), count));
  if (!error->ok()) {
    Close();
    return Progress::kFailed;
  }
  return Progress::kDone;
}

absl::Status Connection::Look() {
  absl::Status status = parser_.status();  // an earlier read may have brought a reply and nonsense behind it
  if (!status.ok()) {
    Close();
    return status;
  }
  // Bounded: a host that talks without end is in the wrong after the first complete reply.
  while (!parser_.HasReply()) {
    const Progress progress = TryRead(&status);
    if (progress == Progress::kFailed) return status;
    if (progress == Progress::kWantRead) break;
  }
  return absl::OkStatus();
}

Awaitable<absl::StatusOr<Reply>> Connection::ReadReply(absl::Duration limit) {
  if (std::optional<Reply> reply = parser_.Next(); reply.has_value()) co_return *std::move(reply);
  deadline_ = DeadlineAfter(limit);
  absl::Status status;
  for (;;) {
    // After a command the answer is hardly ever here already: wait first, unless TLS may hold it.
    if (tls_ == nullptr) {
      auto [error, count] = co_await socket_.async_read_some(asio::buffer(buffer_), use_tuple);
      if (error) {
        status = Ended(error, "read");
      } else {
        status = parser_.Feed(std::string_view(buffer_.data(), count));
      }
    } else if (TryRead(&status) == Progress::kWantRead) {
      co_await socket_.async_wait(tcp::socket::wait_read, use_tuple);
      continue;
    }
    // What was complete before the nonsense or the end still counts.
    if (std::optional<Reply> reply = parser_.Next(); reply.has_value()) {
      deadline_ = Deadline::max();
      co_return *std::move(reply);
    }
    if (!status.ok()) {
      Close();
      co_return status;
    }
  }
}

Awaitable<absl::Status> Connection::StartTls(std::unique_ptr<TlsChannel> channel, absl::Duration limit) {
  if (parser_.HasBuffered()) {
    Close();
    co_return absl::InvalidArgumentError("plain text in front of the TLS handshake");
  }
  tls_ = std::move(channel);
  deadline_ = DeadlineAfter(limit);
  for (;;) {
    const TlsChannel::Step step = tls_->Handshake();
    if (step == TlsChannel::Step::kDone) {
      deadline_ = Deadline::max();
      co_return absl::OkStatus();
    }
    if (step == TlsChannel::Step::kClosed || step == TlsChannel::Step::kFailed) co_return TlsEnded("TLS handshake");
    const auto what = step == TlsChannel::Step::kWantRead ? tcp::socket::wait_read : tcp::socket::wait_write;
    co_await socket_.async_wait(what, use_tuple);
  }
}

void Connection::Reset() {
  Close();
  tls_.reset();
  parser_ = ReplyParser();
  timed_out_ = false;
}

void Connection::CheckDeadline(Deadline now) {
  if (now < deadline_) return;
  timed_out_ = true;
  Close();
}

void Connection::Abort() {
  aborted_ = true;
  Close();
}

void Connection::Close() {
  asio::error_code ignored;
  deadline_ = Deadline::max();
  socket_.close(ignored);
}

}  // namespace wavepost
