#include "sender/smtp/session.h"

#include <array>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "common/smtp/compose.h"
#include "sender/smtp/tls_verdict.h"

namespace wavepost {

using Failure = AttemptResult::Failure;
using Level = TlsDemand::Level;

namespace {

// 2xx, but not the greeting's or the farewell's: those say that we are out of step with the host.
bool IsYes(const Reply& reply) {
  return reply.positive() && reply.code != 220 && reply.code != 221;
}

bool IsNo(const Reply& reply) {
  return reply.transient() || reply.permanent();
}

// RFC 5321 section 4.2.2: the host does not know the command, or not here.
bool IsUnknownCommand(const Reply& reply) {
  return reply.code >= 500 && reply.code <= 504;
}

absl::Status OutOfStep(const Reply& reply) {
  return absl::InvalidArgumentError(absl::StrCat("an answer that does not fit here: ", reply.code, " ", reply.Text()));
}

std::string_view WithoutLineEnd(std::string_view line) {
  return line.substr(0, line.find('\r'));
}

}  // namespace

Session::Session(asio::io_context& io, Options options)
    : options_(std::move(options)), connection_(io), source_(options_.route.source.to_string()) {}

void Session::Trace(char direction, std::string_view text) {
  if (options_.trace != nullptr) options_.trace->OnLine(direction, Printable(text));
}

void Session::TraceReply(const Reply& reply) {
  if (options_.trace == nullptr) return;
  for (size_t i = 0; i < reply.lines.size(); ++i) {
    Trace('<', absl::StrCat(reply.code, i + 1 < reply.lines.size() ? "-" : " ", reply.lines[i]));
  }
}

AttemptResult Session::Result(Phase phase) const {
  AttemptResult result;
  result.phase = phase;
  result.mx_host = host_name_;
  result.mx_ip = host_ip_;
  result.egress_ip = source_;
  result.tls = tls_outcome_.protocol_and_cipher;
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

AttemptResult Session::Failed(Phase phase, Failure failure, std::string text) {
  usable_ = false;
  connection_.Close();
  Trace('*', text);
  AttemptResult result = Result(phase);
  result.failure = failure;
  result.text = std::move(text);
  return result;
}

AttemptResult Session::Lost(Phase phase, const absl::Status& status) {
  Failure failure = phase == Phase::kConnect ? Failure::kConnect : Failure::kLost;
  if (absl::IsFailedPrecondition(status)) failure = Failure::kEgress;
  if (absl::IsResourceExhausted(status)) failure = Failure::kLocal;
  return Failed(phase, failure, std::string(status.message()));
}

std::optional<AttemptResult> Session::LookForSurplus(Phase phase) {
  if (const absl::Status looked = connection_.Look(); !looked.ok()) return Lost(phase, looked);
  if (!connection_.HasInput()) return std::nullopt;
  return OnSurplus(phase);
}

AttemptResult Session::OnSurplus(Phase phase) {
  std::optional<Reply> reply = connection_.NextReply();
  if (!reply.has_value()) return Lost(phase, absl::InvalidArgumentError("the host spoke before it was asked"));
  TraceReply(*reply);
  // A host that shuts down may say so at any time (RFC 5321 section 3.8).
  if (reply->code == 421) return Replied(phase, *std::move(reply));
  return Lost(phase, absl::InvalidArgumentError(
                         absl::StrCat("the host spoke before it was asked: ", reply->code, " ", reply->Text())));
}

bool Session::StillThere() {
  return usable_ && !LookForSurplus(Phase::kMail).has_value();
}

Awaitable<absl::StatusOr<Reply>> Session::Ask(std::string command, absl::Duration limit) {
  Trace('>', WithoutLineEnd(command));
  const Connection::Pieces pieces{command, {}, {}};
  absl::Status written = co_await connection_.Write(pieces, limit);
  if (!written.ok()) co_return written;
  absl::StatusOr<Reply> reply = co_await connection_.ReadReply(limit);
  if (reply.ok()) TraceReply(*reply);
  co_return reply;
}

Awaitable<std::optional<AttemptResult>> Session::Open(SessionTarget target) {
  connection_.Reset();
  usable_ = needs_reset_ = bdat_refused_ = false;
  extensions_ = Extensions();
  tls_outcome_ = TlsOutcome();
  host_name_ = std::move(target.host_name);
  host_ip_ = target.endpoint.address().to_string();
  absl::Status connected = co_await connection_.Connect(&options_.route, target.endpoint, options_.timeouts.connect);
  if (!connected.ok()) co_return Lost(Phase::kConnect, connected);
  Trace('*',
        absl::StrCat("connected to ", host_name_, " [", host_ip_, "]:", target.endpoint.port(), " from ", source_));

  absl::StatusOr<Reply> greeting = co_await connection_.ReadReply(options_.timeouts.greeting);
  if (!greeting.ok()) {
    AttemptResult lost = Lost(Phase::kGreeting, greeting.status());
    if (options_.route.proxy.has_value()) lost.text += " (PROXY v2 egress hosts close when they cannot reach the host)";
    co_return lost;
  }
  TraceReply(*greeting);
  std::optional<AttemptResult> trouble;
  if (IsNo(*greeting)) {
    trouble = Replied(Phase::kGreeting, *std::move(greeting));
  } else if (!greeting->positive() || greeting->code == 221) {
    trouble = Lost(Phase::kGreeting, OutOfStep(*greeting));
  } else {
    trouble = LookForSurplus(Phase::kEhlo);
  }
  if (!trouble.has_value()) trouble = co_await Ehlo();
  if (!trouble.has_value()) trouble = co_await Secure(&target.tls);
  usable_ = !trouble.has_value();
  if (!usable_) connection_.Close();
  co_return trouble;
}

Awaitable<std::optional<AttemptResult>> Session::Ehlo() {
  absl::StatusOr<std::string> command = EhloCommand(options_.route.ehlo_name);
  if (!command.ok()) co_return Failed(Phase::kEhlo, Failure::kEgress, std::string(command.status().message()));
  absl::StatusOr<Reply> reply = co_await Ask(*command, options_.timeouts.command);
  if (!reply.ok()) co_return Lost(Phase::kEhlo, reply.status());
  if (IsYes(*reply)) {
    extensions_ = ParseEhlo(*reply);
    co_return LookForSurplus(Phase::kEhlo);
  }
  if (reply->permanent()) {
    // RFC 5321 section 3.2: a host that does not know EHLO gets HELO.
    extensions_ = Extensions();
    if (std::optional<AttemptResult> surplus = LookForSurplus(Phase::kEhlo); surplus.has_value()) co_return surplus;
    command = HeloCommand(options_.route.ehlo_name);
    reply = co_await Ask(*command, options_.timeouts.command);
    if (!reply.ok()) co_return Lost(Phase::kEhlo, reply.status());
    if (IsYes(*reply)) co_return LookForSurplus(Phase::kEhlo);
  }
  if (!IsNo(*reply)) co_return Lost(Phase::kEhlo, OutOfStep(*reply));
  co_return Replied(Phase::kEhlo, *std::move(reply));
}

AttemptResult Session::TlsFailed(std::string type, std::string detail) {
  if (tls_outcome_.failure_type.empty()) {
    tls_outcome_.failure_type = std::move(type);
    tls_outcome_.failure_detail = Printable(detail, 200);
  }
  return Failed(Phase::kStartTls, Failure::kTls, std::move(detail));
}

Awaitable<std::optional<AttemptResult>> Session::Secure(const TlsDemand* demand) {
  const bool required =
      demand->level == Level::kEncrypted || demand->level == Level::kVerified || demand->level == Level::kDane;
  if (demand->level == Level::kNever) co_return std::nullopt;
  if (options_.tls == nullptr) {
    if (!required) co_return std::nullopt;
    co_return Failed(Phase::kStartTls, Failure::kTls,
                     absl::StrCat("TLS is demanded (", demand->source, ") and switched off here"));
  }
  if (!extensions_.starttls) {
    const std::string text =
        absl::StrCat("TLS is demanded (", demand->source, ") and the host does not offer STARTTLS");
    if (required) co_return TlsFailed(std::string(kTlsNotOffered), text);
    if (demand->testing) {
      tls_outcome_.failure_type = std::string(kTlsNotOffered);
      tls_outcome_.failure_detail = text;
    }
    co_return std::nullopt;
  }
  co_return co_await Encrypt(demand);
}

// Whatever fails from here on, nothing more is said in clear text.
Awaitable<std::optional<AttemptResult>> Session::Encrypt(const TlsDemand* demand) {
  absl::StatusOr<Reply> reply = co_await Ask("STARTTLS\r\n", options_.timeouts.command);
  if (!reply.ok()) co_return TlsFailed(std::string(kTlsValidationFailure), std::string(reply.status().message()));
  if (reply->code == 421) co_return Replied(Phase::kStartTls, *std::move(reply));  // leaves, TLS or not
  if (reply->code != 220) {
    co_return TlsFailed(std::string(kTlsNotOffered),
                        absl::StrCat("STARTTLS was offered and refused: ", reply->code, " ", reply->Text()));
  }
  absl::StatusOr<std::unique_ptr<TlsChannel>> channel =
      options_.tls->NewChannel(*demand, host_name_, source_, connection_.socket());
  if (!channel.ok()) co_return Failed(Phase::kStartTls, Failure::kTls, std::string(channel.status().message()));
  const absl::Status encrypted = co_await connection_.StartTls(*std::move(channel), options_.timeouts.tls);
  if (connection_.tls() != nullptr) tls_outcome_ = connection_.tls()->outcome();
  if (!encrypted.ok()) {
    tls_outcome_.encrypted = false;
    co_return TlsFailed(std::string(kTlsValidationFailure), std::string(encrypted.message()));
  }
  Trace('*',
        absl::StrCat(tls_outcome_.protocol_and_cipher, ", peer ",
                     tls_outcome_.verified_by.empty() ? "not verified" : "verified by " + tls_outcome_.verified_by));
  extensions_ = Extensions();  // RFC 3207 section 4.2: what was known before the handshake is forgotten
  co_return co_await Ehlo();
}

absl::Status Session::MakeCommands(const Envelope& envelope, const OutgoingMessage& message, std::string* mail,
                                   std::string* rcpt) const {
  MailOptions mail_options;
  if (extensions_.size) mail_options.size = message.canonical->size();
  mail_options.body_8bit = message.has_8bit && extensions_.eight_bit_mime;
  mail_options.smtputf8 = envelope.smtputf8;
  mail_options.dsn = extensions_.dsn;
  mail_options.envelope_id = envelope.envelope_id;
  absl::StatusOr<std::string> made = MailCommand(envelope.return_path, mail_options);
  if (!made.ok()) return made.status();
  *mail = *std::move(made);
  made = RcptCommand(envelope.recipient, extensions_.dsn);
  if (!made.ok()) return made.status();
  *rcpt = *std::move(made);
  return absl::OkStatus();
}

// What the host would refuse, from what it offers: answered in its place.
std::optional<Reply> Session::RefusedUnasked(const Envelope& envelope, const OutgoingMessage& message) const {
  if (extensions_.size_max.has_value() && *extensions_.size_max < message.canonical->size()) {
    return MakeReply(552, "5.3.4 message is larger than the host's limit (SIZE)");
  }
  if (envelope.smtputf8 && !extensions_.smtputf8) {
    return MakeReply(553, "5.6.7 the host does not take addresses beyond ASCII (SMTPUTF8)");
  }
  // SMTPUTF8 implies it (RFC 6531 section 3.1).
  if (message.has_8bit && !extensions_.eight_bit_mime && !extensions_.smtputf8) {
    return MakeReply(554, "5.6.3 the host does not take messages beyond ASCII (8BITMIME)");
  }
  return std::nullopt;
}

struct Session::Step {
  Phase phase;
  std::string_view command;
  absl::Duration limit;
};

Awaitable<std::optional<AttemptResult>> Session::Introduce(const Envelope* envelope, const OutgoingMessage* message,
                                                           Mode mode) {
  std::string mail, rcpt;
  if (const absl::Status made = MakeCommands(*envelope, *message, &mail, &rcpt); !made.ok()) {
    AttemptResult result = Result(Phase::kMail);
    result.failure = Failure::kRender;
    result.text = std::string(made.message());
    co_return result;
  }
  const bool reset = needs_reset_;
  const std::array<Step, 4> all = {{{Phase::kRset, "RSET\r\n", options_.timeouts.command},
                                    {Phase::kMail, mail, options_.timeouts.command},
                                    {Phase::kRcpt, rcpt, options_.timeouts.command},
                                    {Phase::kData, "DATA\r\n", options_.timeouts.data}}};
  const size_t begin = reset ? 0 : 1;
  const size_t end = mode == Mode::kBdat ? 3 : 4;

  // Between messages the host may have closed, or said something that belongs to no command.
  if (std::optional<AttemptResult> surplus = LookForSurplus(all[begin].phase); surplus.has_value()) co_return surplus;
  needs_reset_ = true;  // until the message is through

  size_t written = begin;                // steps before it have left
  std::optional<AttemptResult> refused;  // the first refusal; the replies to the rest of the group are still read
  for (size_t i = begin; i < end; ++i) {
    const Step& step = all[i];
    if (written == i) {
      if (refused.has_value()) break;
      if (i > begin) {
        if (std::optional<AttemptResult> surplus = LookForSurplus(step.phase); surplus.has_value()) co_return surplus;
      }
      // RFC 2920: DATA ends the group.
      std::string group;
      while (written < end && (written == i || extensions_.pipelining)) {
        Trace('>', WithoutLineEnd(all[written].command));
        group += all[written++].command;
      }
      const Connection::Pieces pieces{group, {}, {}};
      const absl::Status sent = co_await connection_.Write(pieces, step.limit);
      if (absl::IsAborted(sent)) co_return OnSurplus(step.phase);
      if (!sent.ok()) co_return Lost(step.phase, sent);
    }
    std::optional<Reply> reply = connection_.NextReply();
    if (!reply.has_value()) {
      absl::StatusOr<Reply> read = co_await connection_.ReadReply(step.limit);
      if (!read.ok()) {
        // What the host has refused stays refused; the connection is gone.
        if (refused.has_value()) {
          usable_ = false;
          co_return refused;
        }
        co_return Lost(step.phase, read.status());
      }
      reply = *std::move(read);
    }
    TraceReply(*reply);
    const int code = reply->code;
    const bool good = step.phase == Phase::kData ? reply->code == 354 : IsYes(*reply);
    if (!good && !IsNo(*reply)) {
      if (!refused.has_value()) co_return Lost(step.phase, OutOfStep(*reply));
      usable_ = false;
    }
    if (good && step.phase == Phase::kData && refused.has_value()) {
      // The host takes a message without a recipient: nothing sensible can follow on this connection.
      usable_ = false;
    }
    if (!good && !refused.has_value()) refused = Replied(step.phase, *std::move(reply));
    if (code == 421) usable_ = false;
    if (!usable_) break;
  }
  if (refused.has_value() && !usable_) connection_.Close();
  co_return refused;
}

Awaitable<AttemptResult> Session::Send(Envelope envelope, OutgoingMessage message,
                                       std::function<Awaitable<bool>()> before_dot) {
  if (!usable_) co_return Failed(Phase::kMail, Failure::kLost, "no session is open");
  const WireScan scan = ScanForWire(*message.canonical);
  if (!scan.canonical) {
    // A bare CR or LF that leaves may end the message early for some host on the way (SMTP smuggling).
    AttemptResult result = Result(Phase::kMail);
    result.failure = Failure::kRender;
    result.text = "the message has line ends other than CRLF";
    co_return result;
  }
  if (std::optional<Reply> refused = RefusedUnasked(envelope, message); refused.has_value()) {
    co_return Replied(Phase::kMail, *std::move(refused));
  }
  const Mode mode = extensions_.chunking && options_.chunking ? Mode::kBdat : Mode::kData;
  std::optional<AttemptResult> trouble = co_await Introduce(&envelope, &message, mode);
  if (trouble.has_value()) co_return *std::move(trouble);

  const bool go_on = co_await before_dot();
  if (!go_on) co_return Lost(Phase::kData, absl::AbortedError("withdrawn before the message left"));
  co_return co_await Transmit(message.canonical.get(), scan.first_dot, mode);
}

Awaitable<AttemptResult> Session::Transmit(const std::string* canonical, size_t first_dot, Mode mode) {
  std::string stuffed, bdat;
  std::string_view body = *canonical;
  std::string_view tail;
  if (mode == Mode::kBdat) {
    bdat = BdatCommand(canonical->size(), /*last=*/true);
    Trace('>', WithoutLineEnd(bdat));
  } else {
    tail = ".\r\n";
    if (first_dot != std::string_view::npos) {
      AppendStuffed(*canonical, first_dot, &stuffed);
      body = stuffed;
    }
  }
  Trace('>', options_.trace == nullptr ? std::string() : absl::StrCat("(", body.size(), " bytes)"));

  const absl::Duration limit = options_.timeouts.block + absl::Seconds(body.size() / kSlowestBytesPerSecond);
  const size_t first_part = body.size() > 4 * kHeldBackBytes ? body.size() - kHeldBackBytes : 0;
  absl::Status written;
  if (first_part > 0) {
    const Connection::Pieces head{bdat, body.substr(0, first_part), {}};
    written = co_await connection_.Write(head, limit);
    body.remove_prefix(first_part);
  }
  // Up to here the message is not complete, so no answer can be one to it.
  if (written.ok()) {
    if (std::optional<AttemptResult> surplus = LookForSurplus(Phase::kData); surplus.has_value()) {
      co_return *std::move(surplus);
    }
    const Connection::Pieces last{first_part > 0 ? std::string_view() : bdat, body, tail};
    written = co_await connection_.Write(last, limit);
  }
  if (absl::IsAborted(written)) co_return OnRefusedMidway();
  // The last byte has not left: without it there is no message (RFC 5321 section 4.1.1.4, RFC 3030 section 2).
  if (!written.ok()) co_return Lost(Phase::kData, written);

  absl::StatusOr<Reply> reply = co_await connection_.ReadReply(options_.timeouts.end_of_data);
  if (reply.ok()) TraceReply(*reply);
  if (!reply.ok() || (!IsYes(*reply) && !IsNo(*reply))) {
    AttemptResult result = Lost(Phase::kEndOfData, reply.ok() ? OutOfStep(*reply) : reply.status());
    result.maybe_delivered = true;
    co_return result;
  }
  if (mode == Mode::kBdat && IsUnknownCommand(*reply)) {
    // It will take the message for commands now. The recipient is not to blame.
    bdat_refused_ = true;
    co_return Lost(Phase::kEndOfData,
                   absl::InvalidArgumentError(absl::StrCat(
                       "the host offers CHUNKING and does not know BDAT: ", reply->code, " ", reply->Text())));
  }
  needs_reset_ = mode == Mode::kBdat && !reply->positive();  // RFC 3030 section 2
  co_return Replied(Phase::kEndOfData, *std::move(reply));
}

// The host answered while the message was still leaving. A refusal counts, acceptance cannot.
AttemptResult Session::OnRefusedMidway() {
  std::optional<Reply> reply = connection_.NextReply();
  if (!reply.has_value() || !IsNo(*reply)) {
    return Lost(Phase::kData, reply.has_value() ? OutOfStep(*reply) : absl::UnavailableError("the host closed"));
  }
  TraceReply(*reply);
  AttemptResult result = Replied(Phase::kEndOfData, *std::move(reply));
  usable_ = false;  // in the middle of a message
  connection_.Close();
  return result;
}

Awaitable<void> Session::Quit() {
  if (!usable_) co_return;
  usable_ = false;
  std::ignore = co_await Ask("QUIT\r\n", options_.timeouts.quit);  // the answer changes nothing
  connection_.Close();
}

}  // namespace wavepost
