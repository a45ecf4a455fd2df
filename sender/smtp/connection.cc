#include "sender/smtp/connection.h"

#include <netinet/in.h>
#include <openssl/ssl.h>

#include <asio/buffer.hpp>
#include <asio/ssl/context.hpp>
#include <asio/ssl/stream.hpp>
#include <asio/write.hpp>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/strings.h"

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

namespace wavepost {

using asio::ip::tcp;

Connection::Connection(asio::io_context& io) : socket_(io) {}
Connection::~Connection() = default;

absl::Status Connection::Ended(const asio::error_code& error, std::string_view doing) {
  Close();
  if (timed_out_) return absl::DeadlineExceededError(absl::StrCat(Av(doing), ": no answer in time"));
  if (aborted_) return absl::CancelledError("stopping");
  return absl::UnavailableError(absl::StrCat(Av(doing), ": ", error.message()));
}

Awaitable<absl::Status> Connection::Connect(tcp::endpoint to, asio::ip::address source, absl::Duration limit) {
  asio::error_code error;
  if (aborted_) co_return absl::CancelledError("stopping");
  socket_.open(to.protocol(), error);
  if (error) co_return Ended(error, "open a socket");
  if (!source.is_unspecified()) {
    // Chooses the port at connect time: the same port can then serve connections to different hosts.
    const int on = 1;
    ::setsockopt(socket_.native_handle(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    socket_.bind(tcp::endpoint(source, 0), error);
    if (error) {
      Close();
      co_return absl::FailedPreconditionError(
          absl::StrCat("egress IP ", source.to_string(), " cannot be used on this machine: ", error.message()));
    }
  }
  deadline_ = DeadlineAfter(limit);
  std::tie(error) = co_await socket_.async_connect(to, use_tuple);
  deadline_ = Deadline::max();
  if (error) co_return Ended(error, absl::StrCat("connect to ", to.address().to_string()));
  socket_.set_option(tcp::no_delay(true), error);
  co_return absl::OkStatus();
}

Awaitable<absl::Status> Connection::Write(const std::string& bytes, absl::Duration limit) {
  asio::error_code error;
  size_t written = 0;
  deadline_ = DeadlineAfter(limit);
  if (tls_ != nullptr) {
    std::tie(error, written) = co_await asio::async_write(*tls_, asio::buffer(bytes), use_tuple);
  } else {
    std::tie(error, written) = co_await asio::async_write(socket_, asio::buffer(bytes), use_tuple);
  }
  deadline_ = Deadline::max();
  if (error) co_return Ended(error, "write");
  co_return absl::OkStatus();
}

Awaitable<absl::StatusOr<Reply>> Connection::ReadReply(absl::Duration limit) {
  deadline_ = DeadlineAfter(limit);
  for (;;) {
    if (std::optional<Reply> reply = parser_.Next(); reply.has_value()) {
      deadline_ = Deadline::max();
      co_return *std::move(reply);
    }
    asio::error_code error;
    size_t count = 0;
    if (tls_ != nullptr) {
      std::tie(error, count) = co_await tls_->async_read_some(asio::buffer(buffer_), use_tuple);
    } else {
      std::tie(error, count) = co_await socket_.async_read_some(asio::buffer(buffer_), use_tuple);
    }
    if (error) co_return Ended(error, "read");
    const absl::Status fed = parser_.Feed(std::string_view(buffer_.data(), count));
    if (!fed.ok()) {
      // What was complete before the nonsense still counts.
      if (std::optional<Reply> reply = parser_.Next(); reply.has_value()) co_return *std::move(reply);
      Close();
      co_return fed;
    }
  }
}

Awaitable<absl::Status> Connection::StartTls(std::shared_ptr<asio::ssl::context> context, std::string host,
                                             absl::Duration limit) {
  if (parser_.HasBuffered()) {
    Close();
    co_return absl::InvalidArgumentError("plain text in front of the TLS handshake");
  }
  tls_context_ = std::move(context);
  tls_ = std::make_unique<TlsStream>(socket_, *tls_context_);
  SSL_set_tlsext_host_name(tls_->native_handle(), host.c_str());
  asio::error_code error;
  deadline_ = DeadlineAfter(limit);
  std::tie(error) = co_await tls_->async_handshake(asio::ssl::stream_base::client, use_tuple);
  deadline_ = Deadline::max();
  if (error) co_return Ended(error, "TLS handshake");
  co_return absl::OkStatus();
}

std::string Connection::TlsDescription() const {
  if (tls_ == nullptr) return "";
  SSL* ssl = tls_->native_handle();
  return absl::StrCat(SSL_get_version(ssl), " ", SSL_get_cipher_name(ssl));
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
