// One TCP connection to a mail host, direct or through a proxy, clear or TLS: bytes out, replies in, each with a time
// limit.
//
// Owner:  the coroutine that made it, on one io_context; not thread-safe.
// Timing: every wait sets a limit; CheckDeadline, called about four times a second by the shard, closes a connection
//         whose limit has passed. So a wait costs no timer of its own. A limit is for the whole call: a peer that sends
//         a byte now and then gains nothing.
// Errors: kDeadlineExceeded (limit passed), kUnavailable (refused, reset, closed), kInvalidArgument (not SMTP),
//         kCancelled (Abort). After any error the connection is closed.
#pragma once

#include <array>
#include <asio/ip/tcp.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/deadline.h"
#include "common/async/tokens.h"
#include "common/smtp/reply.h"
#include "sender/smtp/egress_route.h"
#include "sender/smtp/socks5.h"
#include "sender/smtp/tls_channel.h"

namespace wavepost {

class Connection {
 public:
  using Pieces = std::array<std::string_view, 3>;  // what leaves together

  explicit Connection(asio::io_context& io);
  ~Connection();

  // Connects by `route`, which the caller keeps alive. Further errors:
  //   kFailedPrecondition: our side of the route cannot be used (address not on this machine, proxy dead or unwilling);
  //                        the text says what to do.
  //   kResourceExhausted:  no free port, descriptor or memory here.
  Awaitable<absl::Status> Connect(const EgressRoute* route, asio::ip::tcp::endpoint to, absl::Duration limit);

  // Writes all of it; the caller keeps the bytes alive. An error means that the last byte has not left.
  // kAborted: the host said something complete before it was due, see NextReply; the connection is still open then.
  Awaitable<absl::Status> Write(Pieces pieces, absl::Duration limit);

  // The next reply.
  Awaitable<absl::StatusOr<Reply>> ReadReply(absl::Duration limit);

  // A reply that is here already.
  std::optional<Reply> NextReply() { return parser_.Next(); }

  // Takes in what has come, without waiting. OK also if nothing has.
  absl::Status Look();
  // Whether there is something that ReadReply has not given yet, be it half a line.
  bool HasInput() const { return parser_.HasBuffered(); }

  // Handshake on a channel made for socket(). Bytes that came before it are thrown away with the connection:
  // kInvalidArgument if there are any (somebody put plain text in front of the handshake).
  Awaitable<absl::Status> StartTls(std::unique_ptr<TlsChannel> channel, absl::Duration limit);
  const TlsChannel* tls() const { return tls_.get(); }

  asio::ip::tcp::socket* socket() { return &socket_; }
  bool is_open() const { return socket_.is_open(); }

  // As new, for another host. Not after Abort.
  void Reset();

  void CheckDeadline(Deadline now);
  // Ends every wait with kCancelled. For shutdown.
  void Abort();
  void Close();

 private:
  enum class Progress { kDone, kWantRead, kWantWrite, kFailed };

  absl::Status Ended(const asio::error_code& error, std::string_view doing);
  absl::Status TlsEnded(std::string_view doing);
  absl::Status OpenAndBind(const EgressRoute& route, const asio::ip::tcp::endpoint& first_hop, bool direct);
  Awaitable<absl::Status> Socks5Dialogue(const Socks5* proxy, asio::ip::tcp::endpoint to);
  Awaitable<absl::Status> Socks5Ask(Socks5Command command, asio::ip::tcp::endpoint to);
  Awaitable<absl::Status> Exchange(std::string message, char* answer, size_t answer_bytes);
  Progress TryWrite(Pieces* pieces, std::string* error);  // leaves the connection open, whatever happens
  Progress TryWriteTls(Pieces* pieces, std::string* error);
  Progress TryRead(absl::Status* error);  // kDone: fed to the parser

  asio::ip::tcp::socket socket_;
  std::unique_ptr<TlsChannel> tls_;
  ReplyParser parser_;
  std::array<char, 4096> buffer_;
  Deadline deadline_ = Deadline::max();
  bool timed_out_ = false;
  bool aborted_ = false;
};

}  // namespace wavepost
