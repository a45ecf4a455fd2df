// What a reply means for the recipient, for us and for the next attempt. Pure.
//
// Order of trust: the class of the SMTP code (2, 4, 5), the enhanced status code (RFC 3463), known texts, the phase.
// The rules are data, rules/*.yaml; each carries a sample that must fire it.
#pragma once

#include <optional>
#include <string_view>

#include "absl/time/time.h"
#include "common/smtp/reply.h"
#include "wavepost/v1/outcomes.pb.h"

namespace wavepost {

// The part of the dialogue in which a reply came (or failed to come).
enum class Phase { kConnect, kGreeting, kEhlo, kStartTls, kMail, kRcpt, kData, kEndOfData, kRset, kQuit };

// "connect", "greeting", "ehlo", "starttls", "mail", "rcpt", "data", "end_of_data", "rset", "quit"
std::string_view PhaseName(Phase phase);

struct Verdict {
  enum class Kind { kAccepted, kTemporary, kPermanent };
  // How far the reply reaches. kSite: everything for this site from this connection; kEgressIp: our address there.
  enum class Scope { kRecipient, kMessage, kSite, kEgressIp };

  Kind kind = Kind::kAccepted;
  wavepost::v1::Reason reason = wavepost::v1::REASON_UNSPECIFIED;
  // RECIPIENT only for RCPT and later, and only on words or codes that are about the address. A refusal that names a
  // block list or a policy never has it; one that names an IP address only if code and text agree that the address is
  // unknown.
  wavepost::v1::Fault fault = wavepost::v1::FAULT_UNSPECIFIED;
  Scope scope = Scope::kRecipient;
  // Temporary only: when the reply asks us to come back, 1 s to 24 h.
  std::optional<absl::Duration> retry_hint;
  // Slow down: fewer messages, or (too_many_connections) fewer connections at a time.
  bool throttled = false;
  // The complaint is about connections; then `throttled` is set as well.
  bool too_many_connections = false;
  // Only the class of a code, or its subject, spoke: whoever knows more should believe that first.
  bool vague = false;
  // Name of the rule that decided, for logs and tests; lives for ever. Empty for accepted.
  std::string_view rule;
};

// 2xx is accepted, and 3xx in answer to DATA. 4xx is temporary. 5xx is permanent, except "too many recipients", rate
// limits, greylisting and a bare 552 at RCPT (RFC 5321 4.5.3.1.10). In doubt it is nobody's fault.
//
// A permanent verdict before RCPT says nothing about any recipient: its scope is kMessage or wider, and the caller
// decides whether to try another host, another address of ours, or later.
Verdict Classify(const Reply& reply, Phase phase);

// The same for a failure without a reply: what a resolver, a socket or another mail server wrote ("Connection refused",
// "Host not found", "does not accept mail"). Permanent only where DNS said for certain that the name takes no mail, for
// loops, and for mail that was given up.
Verdict ClassifyLocalError(std::string_view text);

// The class of a permanent verdict: HARD if the address will never work (only with fault RECIPIENT), POLICY if refused
// for content, reputation or policy, else SOFT. UNSPECIFIED for accepted and temporary ones.
wavepost::v1::BounceClass BounceClassOf(const Verdict& verdict);

// "try again in 300 seconds", "Greylisted for 5 minutes", "retry after 00:04:30", "in 4 Minuten": the time asked for. A
// number is believed only next to a word about coming back. Less than 1 s or more than 24 h counts as nothing.
std::optional<absl::Duration> ParseRetryHint(std::string_view text);

}  // namespace wavepost
