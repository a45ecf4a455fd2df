#include "sender/smtp/session.h"

#include <tuple>
#include <utility>
#include <vector>

#include "common/smtp/compose.h"

namespace wavepost {

using Failure = AttemptResult::Failure;

Session::Session(asio::io_context& io, Options options) : options_(std::move(options)), connection_(io) {}

AttemptResult Session::Result(Phase phase) const {
  AttemptResult result;
  result.phase = phase;
  result.mx_host = host_name_;
  result.mx_ip = host_ip_;
  result.egress_ip = source_;
  result.tls = connection_.TlsDescription();
  return result;
}

AttemptResult Session::Replied(Phase phase, Reply reply) {
  AttemptResult result = Result(phase);
  // 421: the host closes the channel after it (RFC 5321 section 3.8).
  if (reply.code == 421) {
    usable_ = false;
    connection_.Close();
  }
  result.reply = std::move(reply);
  return result;
}

AttemptResult Session::Lost(Phase phase, const absl::Status& status) {
  usable_ = false;
  AttemptResult result = Result(phase);
  result.failure = phase == Phase::kConnect ? Failure::kConnect : Failure::kLost;
  result.text = std::string(status.message());
  return result;
}

Awaitable<absl::StatusOr<Reply>> Session::Ask(std::string command, absl::Duration limit) {
  absl::Status written = co_await connection_.Write(command, limit);
  if (!written.ok()) co_return written;
  co_return co_await connection_.ReadReply(limit);
}

Awaitable<std::optional<AttemptResult>> Session::Open(SessionTarget target) {
  connection_.Reset();
  needs_reset_ = false;
  host_name_ = std::move(target.host_name);
  host_ip_ = target.endpoint.address().to_string();
  source_ = options_.route.source.to_string();
  absl::Status connected =
      co_await connection_.Connect(target.endpoint, options_.route.source, options_.timeouts.connect);
  if (!connected.ok()) co_return Lost(Phase::kConnect, connected);

  absl::StatusOr<Reply> greeting = co_await connection_.ReadReply(options_.timeouts.greeting);
  if (!greeting.ok()) co_return Lost(Phase::kGreeting, greeting.status());
  if (!greeting->positive()) co_return Replied(Phase::kGreeting, *std::move(greeting));

  std::optional<AttemptResult> trouble = co_await Ehlo();
  if (!trouble.has_value() && extensions_.starttls && options_.tls != nullptr &&
      target.tls.level != TlsDemand::Level::kNever) {
    trouble = co_await Encrypt();
  }
  usable_ = !trouble.has_value();
  if (!usable_) connection_.Close();
  co_return trouble;
}

Awaitable<std::optional<AttemptResult>> Session::Ehlo() {
  absl::StatusOr<std::string> command = EhloCommand(options_.route.ehlo_name);
  if (!command.ok()) co_return Lost(Phase::kEhlo, command.status());
  absl::StatusOr<Reply> reply = co_await Ask(*command, options_.timeouts.command);
  if (!reply.ok()) co_return Lost(Phase::kEhlo, reply.status());
  if (reply->positive()) {
    extensions_ = ParseEhlo(*reply);
    co_return std::nullopt;
  }
  if (!reply->permanent()) co_return Replied(Phase::kEhlo, *std::move(reply));
  // RFC 5321 section 3.2: a host that does not know EHLO gets HELO.
  extensions_ = Extensions();
  command = HeloCommand(options_.route.ehlo_name);
  if (!command.ok()) co_return Lost(Phase::kEhlo, command.status());
  reply = co_await Ask(*command, options_.timeouts.command);
  if (!reply.ok()) co_return Lost(Phase::kEhlo, reply.status());
  if (!reply->positive()) co_return Replied(Phase::kEhlo, *std::move(reply));
  co_return std::nullopt;
}

Awaitable<std::optional<AttemptResult>> Session::Encrypt() {
  absl::StatusOr<Reply> reply = co_await Ask("STARTTLS\r\n", options_.timeouts.command);
  if (!reply.ok()) co_return Lost(Phase::kStartTls, reply.status());
  absl::Status encrypted = absl::UnavailableError("STARTTLS was offered and refused: " + reply->Text());
  if (reply->code == 220) {
    encrypted = co_await connection_.StartTls(options_.tls->context(), host_name_, options_.timeouts.tls);
  }
  if (!encrypted.ok()) {
    AttemptResult result = Lost(Phase::kStartTls, encrypted);
    result.failure = Failure::kTls;
    connection_.Close();
    co_return result;
  }
  co_return co_await Ehlo();  // RFC 3207 section 4.2: what was known before the handshake is forgotten
}

Awaitable<std::optional<AttemptResult>> Session::Introduce(const Envelope& envelope, size_t message_bytes) {
  MailOptions mail_options;
  if (extensions_.size) mail_options.size = message_bytes;
  mail_options.smtputf8 = envelope.smtputf8;
  absl::StatusOr<std::string> mail = MailCommand(envelope.return_path, mail_options);
  absl::StatusOr<std::string> rcpt = RcptCommand(envelope.recipient);
  if (!mail.ok() || !rcpt.ok()) {
    AttemptResult result = Result(Phase::kMail);
    result.failure = Failure::kRender;
    result.text = std::string((mail.ok() ? rcpt.status() : mail.status()).message());
    co_return result;
  }
  struct Step {
    Phase phase;
    std::string command;
    absl::Duration limit;
  };
  std::vector<Step> steps;
  if (std::exchange(needs_reset_, false)) steps.push_back({Phase::kRset, "RSET\r\n", options_.timeouts.command});
  steps.push_back({Phase::kMail, *std::move(mail), options_.timeouts.command});
  steps.push_back({Phase::kRcpt, *std::move(rcpt), options_.timeouts.command});
  steps.push_back({Phase::kData, "DATA\r\n", options_.timeouts.data});

  if (extensions_.pipelining) {  // RFC 2920: DATA ends the group
    std::string group;
    for (const Step& step : steps) group += step.command;
    absl::Status written = co_await connection_.Write(group, options_.timeouts.command);
    if (!written.ok()) co_return Lost(steps.front().phase, written);
  }
  std::optional<AttemptResult> refused;  // the first refusal; the replies to the rest of the group are still read
  bool wants_message = false;
  for (const Step& step : steps) {
    if (!extensions_.pipelining) {
      if (refused.has_value()) break;
      absl::Status written = co_await connection_.Write(step.command, step.limit);
      if (!written.ok()) co_return Lost(step.phase, written);
    }
    absl::StatusOr<Reply> reply = co_await connection_.ReadReply(step.limit);
    if (!reply.ok()) {
      if (refused.has_value()) break;
      co_return Lost(step.phase, reply.status());
    }
    const bool good = step.phase == Phase::kData ? reply->code == 354 : reply->positive();
    wants_message = step.phase == Phase::kData && good;
    if (!good && !refused.has_value()) refused = Replied(step.phase, *std::move(reply));
    if (refused.has_value() && !usable_) break;  // 421
  }
  if (!refused.has_value()) co_return std::nullopt;
  if (wants_message) {
    // The host takes a message without a recipient: nothing sensible can follow on this connection.
    usable_ = false;
    connection_.Close();
  }
  needs_reset_ = true;
  co_return refused;
}

Awaitable<AttemptResult> Session::Send(Envelope envelope, OutgoingMessage message,
                                       std::function<Awaitable<bool>()> before_dot) {
  const size_t message_bytes = message.canonical->size();
  if (extensions_.size_max.has_value() && *extensions_.size_max < message_bytes) {
    co_return Replied(Phase::kMail, MakeReply(552, "5.3.4 message is larger than the host's limit (SIZE)"));
  }
  if (envelope.smtputf8 && !extensions_.smtputf8) {
    co_return Replied(Phase::kMail, MakeReply(553, "5.6.7 the host does not take addresses beyond ASCII (SMTPUTF8)"));
  }
  std::optional<AttemptResult> trouble = co_await Introduce(envelope, message_bytes);
  if (trouble.has_value()) co_return *std::move(trouble);

  const bool go_on = co_await before_dot();
  if (!go_on) {
    connection_.Close();
    co_return Lost(Phase::kData, absl::AbortedError("withdrawn before the message left"));
  }
  const std::string wire = DotStuffed(*message.canonical);
  absl::Status written = co_await connection_.Write(wire, options_.timeouts.block);
  // What a failed write has put into the network nobody knows: the dot may have been part of it.
  absl::StatusOr<Reply> reply = absl::UnavailableError(written.message());
  if (written.ok()) reply = co_await connection_.ReadReply(options_.timeouts.end_of_data);
  if (!reply.ok()) {
    AttemptResult result = Lost(Phase::kEndOfData, reply.status());
    result.maybe_delivered = true;
    co_return result;
  }
  co_return Replied(Phase::kEndOfData, *std::move(reply));
}

Awaitable<void> Session::Quit() {
  if (!usable_) co_return;
  usable_ = false;
  std::ignore = co_await Ask("QUIT\r\n", options_.timeouts.quit);  // the answer changes nothing
  connection_.Close();
}

}  // namespace wavepost
