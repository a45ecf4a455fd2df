// The client's side of an SMTP dialogue over one connection: greeting, EHLO, STARTTLS, then transactions.
//
// Every call ends with an AttemptResult that says in which phase and how it ended; nothing here decides what that means
// for the recipient (policy/trouble.h does). Not thread-safe; one coroutine at a time.
#pragma once

#include <asio/ip/address.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/async/tokens.h"
#include "common/smtp/extensions.h"
#include "sender/delivery/connection.h"
#include "sender/delivery/options.h"
#include "sender/policy/trouble.h"

namespace wavepost {

// One message for one recipient, ready for the wire.
struct Envelope {
  std::string return_path;
  std::string recipient;
  bool smtputf8 = false;
};

class Session {
 public:
  struct Options {
    std::string ehlo_name;
    SmtpTimeouts timeouts;
    // Null: never STARTTLS. Otherwise used where the host offers it; a failure then ends the attempt (no clear text).
    std::shared_ptr<asio::ssl::context> tls_context;
  };

  Session(asio::io_context& io, Options options);

  Connection& connection() { return connection_; }

  // From connect to a host that is ready for MAIL. Nothing: it is. Otherwise why not, with the phase.
  Awaitable<std::optional<AttemptResult>> Open(asio::ip::tcp::endpoint to, asio::ip::address source,
                                               std::string host_name);

  // One transaction. wire: the message with dots stuffed, ending with CRLF.CRLF; message_bytes: its size before.
  // before_dot: awaited after the host has asked for the message and before any byte of it leaves; false gives the
  // transaction up (and the connection with it).
  // On a reply the session can go on with the next transaction, as long as usable() is true.
  Awaitable<AttemptResult> Send(Envelope envelope, std::shared_ptr<const std::string> wire, size_t message_bytes,
                                std::function<Awaitable<bool>()> before_dot);

  // False after an error, a 421, or a given-up transaction: the connection is closed.
  bool usable() const { return usable_; }

  // Says goodbye; waits briefly for the answer.
  Awaitable<void> Quit();

 private:
  Awaitable<std::optional<AttemptResult>> Ehlo();
  Awaitable<std::optional<AttemptResult>> Encrypt();
  Awaitable<absl::StatusOr<Reply>> Ask(std::string command, absl::Duration limit);
  // Sends MAIL, RCPT and DATA, in one go where the host allows it. Nothing: it wants the message.
  Awaitable<std::optional<AttemptResult>> Introduce(const Envelope& envelope, size_t message_bytes);

  AttemptResult Result(Phase phase) const;
  AttemptResult Replied(Phase phase, Reply reply);
  AttemptResult Lost(Phase phase, const absl::Status& status);

  const Options options_;
  Connection connection_;
  Extensions extensions_;
  std::string host_name_, host_ip_, source_;
  bool usable_ = false;
  bool needs_reset_ = false;  // a transaction was left open: RSET goes before the next MAIL
};

}  // namespace wavepost
