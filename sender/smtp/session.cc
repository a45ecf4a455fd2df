// Transactions, and what all of a session shares. session_open.cc has the way there.
#include "sender/smtp/session.h"

#include <array>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "common/smtp/compose.h"
#include "sender/smtp/session_replies.h"

namespace wavepost {

using Failure = AttemptResult::Failure;

namespace {

// RFC 5321 section 4.2.2: the host does not know the command, or not here.
bool IsUnknownCommand(const Reply& reply) {
  return reply.code >= 500 && reply.code <= 504;
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

absl::Status Session::MakeCommands(const Envelope& envelope, const WireMessage& message, std::string* mail,
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
std::optional<Reply> Session::RefusedUnasked(const Envelope& envelope, const WireMessage& message) const {
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

Awaitable<std::optional<AttemptResult>> Session::Introduce(const Envelope* envelope, const WireMessage* message,
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

Awaitable<AttemptResult> Session::Send(Envelope envelope, WireMessage message,
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
  // The message is not complete, so no answer can be one to it. Write looks again whenever it had to wait.
  if (std::optional<AttemptResult> surplus = LookForSurplus(Phase::kData); surplus.has_value()) {
    co_return *std::move(surplus);
  }
  const Connection::Pieces pieces{bdat, body, tail};
  const absl::Status written = co_await connection_.Write(pieces, limit);
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
