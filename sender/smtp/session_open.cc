// From connect to a host that is ready for MAIL: greeting, EHLO, STARTTLS.
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "common/smtp/compose.h"
#include "sender/smtp/session.h"
#include "sender/smtp/session_replies.h"
#include "sender/smtp/tls_verdict.h"

namespace wavepost {

using Failure = AttemptResult::Failure;
using Level = TlsDemand::Level;

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
  co_return co_await Ehlo();  // RFC 3207 section 4.2: it forgets what the host offered in clear text
}

}  // namespace wavepost
