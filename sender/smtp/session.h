// The client's side of an SMTP dialogue over one connection: greeting, EHLO, STARTTLS, then transactions.
//
// Every call ends with an AttemptResult that says in which phase and how it ended; nothing here decides what that means
// for the recipient (policy/trouble.h does). Not thread-safe; one coroutine at a time.
#pragma once

#include <asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/async/tokens.h"
#include "common/smtp/extensions.h"
#include "sender/policy/trouble.h"
#include "sender/smtp/connection.h"
#include "sender/smtp/egress_route.h"
#include "sender/smtp/timeouts.h"
#include "sender/smtp/tls_client.h"
#include "sender/smtp/trace.h"
#include "sender/tls/tls_demand.h"

namespace wavepost {

// One transaction: one recipient.
struct Envelope {
  std::string return_path;
  std::string recipient;
  bool smtputf8 = false;
  std::string envelope_id;  // ENVID for hosts that offer DSN (RFC 3461); may be empty
};

struct WireMessage {
  // CRLF line ends and no other CR or LF, dots not stuffed, ends with CRLF (compose.h, Canonical). Its size is what
  // SIZE says.
  std::shared_ptr<const std::string> canonical;
  bool has_8bit = false;  // bytes beyond ASCII
};

// A host to speak to, and what TLS must be like there.
struct SessionTarget {
  asio::ip::tcp::endpoint endpoint;
  std::string host_name;  // of the MX, without a final dot
  TlsDemand tls;
};

class Session {
 public:
  // A message may take SmtpTimeouts::block plus its size at this rate.
  static constexpr size_t kSlowestBytesPerSecond = 4096;

  struct Options {
    EgressRoute route;
    SmtpTimeouts timeouts;
    std::shared_ptr<TlsClient> tls;  // null: STARTTLS is never used, and targets that demand it fail
    bool chunking = true;            // BDAT where offered
    SessionTrace* trace = nullptr;   // may be null; outlives the session
  };

  Session(asio::io_context& io, Options options);

  Connection& connection() { return connection_; }

  // From connect to a host that is ready for MAIL. Nothing: it is. Otherwise why not, with the phase; the connection is
  // closed then, and Open may be called again for another host.
  Awaitable<std::optional<AttemptResult>> Open(SessionTarget target);

  // One transaction.
  //
  // before_dot: awaited after the host has taken the envelope and before any byte of the message leaves; false gives
  //             the transaction up (and the connection with it).
  // On a reply the session can go on with the next transaction, as long as usable() is true. kRender: the message is
  // not canonical, or the envelope cannot be put into a command; nothing was said then. `maybe_delivered` is set once
  // the end of the message may have left.
  Awaitable<AttemptResult> Send(Envelope envelope, WireMessage message, std::function<Awaitable<bool>()> before_dot);

  // Looks, without waiting, at whether an open session has ended while nobody used it (closed, 421). False: it has, or
  // was never usable. Saves an attempt before a message is made for it.
  bool StillThere();

  // False after an error, a 421, or a given-up transaction: the connection is closed.
  bool usable() const { return usable_; }

  // The host offers CHUNKING and does not know BDAT: speak to it without `chunking` next time.
  bool bdat_refused() const { return bdat_refused_; }

  // How TLS went in the last Open.
  const TlsOutcome& tls_outcome() const { return tls_outcome_; }

  // Says goodbye; waits briefly for the answer.
  Awaitable<void> Quit();

 private:
  enum class Mode { kData, kBdat };
  struct Step;

  Awaitable<std::optional<AttemptResult>> Ehlo();
  // STARTTLS as the demand wants it. Nothing: go on.
  Awaitable<std::optional<AttemptResult>> Secure(const TlsDemand* demand);
  Awaitable<std::optional<AttemptResult>> Encrypt(const TlsDemand* demand);
  Awaitable<absl::StatusOr<Reply>> Ask(std::string command, absl::Duration limit);
  // Sends MAIL, RCPT and, without BDAT, DATA, in one go where the host allows it. Nothing: it wants the message.
  Awaitable<std::optional<AttemptResult>> Introduce(const Envelope* envelope, const WireMessage* message, Mode mode);
  Awaitable<AttemptResult> Transmit(const std::string* canonical, size_t first_dot, Mode mode);
  absl::Status MakeCommands(const Envelope& envelope, const WireMessage& message, std::string* mail,
                            std::string* rcpt) const;
  std::optional<Reply> RefusedUnasked(const Envelope& envelope, const WireMessage& message) const;

  // Something came, or the connection ended, where we expected silence. Nothing: silence.
  std::optional<AttemptResult> LookForSurplus(Phase phase);
  AttemptResult OnSurplus(Phase phase);
  AttemptResult OnRefusedMidway();
  AttemptResult Result(Phase phase) const;
  AttemptResult Replied(Phase phase, Reply reply);
  AttemptResult Lost(Phase phase, const absl::Status& status);
  AttemptResult Failed(Phase phase, AttemptResult::Failure failure, std::string text);  // closes
  AttemptResult TlsFailed(std::string type, std::string detail);
  void Trace(char direction, std::string_view text);
  void TraceReply(const Reply& reply);

  const Options options_;
  Connection connection_;
  Extensions extensions_;
  std::string host_name_, host_ip_, source_;
  TlsOutcome tls_outcome_;
  bool usable_ = false;
  bool bdat_refused_ = false;
  bool needs_reset_ = false;  // a transaction was left open: RSET goes before the next MAIL
};

}  // namespace wavepost
