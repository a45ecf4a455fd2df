// One TCP connection to a mail host, clear or TLS: bytes out, replies in, each with a time limit.
//
// Owner:    the coroutine that made it, on one io_context; not thread-safe.
// Timing:   every wait sets a limit; CheckDeadline, called about four times a second by the shard, closes a connection
// whose
//           limit has passed. So a wait costs no timer of its own.
// Errors:   kDeadlineExceeded (limit passed), kUnavailable (refused, reset, closed), kInvalidArgument (not SMTP),
//           kCancelled (Abort). After any error the connection is closed.
#pragma once

#include <array>
#include <asio/ip/tcp.hpp>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/deadline.h"
#include "common/async/tokens.h"
#include "common/smtp/reply.h"

namespace asio::ssl {
class context;
template <class Stream>
class stream;
}  // namespace asio::ssl

namespace wavepost {

class Connection {
 public:
  explicit Connection(asio::io_context& io);
  ~Connection();

  // Binds to `source` (any port) and connects. kFailedPrecondition: the source address is not on this machine.
  Awaitable<absl::Status> Connect(asio::ip::tcp::endpoint to, asio::ip::address source, absl::Duration limit);

  // Writes all of `bytes`, which the caller keeps alive.
  Awaitable<absl::Status> Write(const std::string& bytes, absl::Duration limit);

  // The next reply.
  Awaitable<absl::StatusOr<Reply>> ReadReply(absl::Duration limit);

  // Handshake as client, with `host` as server name. Bytes that came before it are thrown away with the connection:
  // kInvalidArgument if there are any (somebody put plain text in front of the handshake).
  Awaitable<absl::Status> StartTls(std::shared_ptr<asio::ssl::context> context, std::string host, absl::Duration limit);

  // "TLSv1.3 TLS_AES_256_GCM_SHA384"; empty: clear text.
  std::string TlsDescription() const;

  // As new, for another host. Not after Abort.
  void Reset();

  void CheckDeadline(Deadline now);
  // Ends every wait with kCancelled. For shutdown.
  void Abort();
  void Close();

 private:
  using TlsStream = asio::ssl::stream<asio::ip::tcp::socket&>;

  absl::Status Ended(const asio::error_code& error, std::string_view doing);

  asio::ip::tcp::socket socket_;
  std::shared_ptr<asio::ssl::context> tls_context_;
  std::unique_ptr<TlsStream> tls_;
  ReplyParser parser_;
  std::array<char, 4096> buffer_;
  Deadline deadline_ = Deadline::max();
  bool timed_out_ = false;
  bool aborted_ = false;
};

}  // namespace wavepost
