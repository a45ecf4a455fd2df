#include "bouncer/classify/classify.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "bouncer/classify/quoted.h"
#include "common/base/strings.h"
#include "common/smtp/classify.h"
#include "common/smtp/reply.h"

namespace wavepost {
namespace {

using wavepost::v1::BounceClass;
using wavepost::v1::DeliveryStatus;

constexpr size_t kTextBytesMax = 1024;
constexpr size_t kAddressBytesMax = 320;
constexpr size_t kHostBytesMax = 255;

enum class Action { kFailed, kDelayed, kSuccess, kUnknown };

Action ActionOf(const ReportedRecipient& recipient, const EnhancedCode& status) {
  if (recipient.action == "failed" || recipient.action == "failure") return Action::kFailed;
  if (recipient.action == "delayed" || recipient.action == "delay") return Action::kDelayed;
  constexpr std::array<std::string_view, 4> kSuccess = {"delivered", "relayed", "expanded", "deliverable"};
  if (std::find(kSuccess.begin(), kSuccess.end(), recipient.action) != kSuccess.end()) return Action::kSuccess;
  if (status.klass == 5) return Action::kFailed;
  if (status.klass == 4) return Action::kDelayed;
  if (status.klass == 2) return Action::kSuccess;
  // A word of somebody's own ("expired"): whoever succeeded has no reason to invent one.
  return recipient.action.empty() ? Action::kUnknown : Action::kFailed;
}

// "smtp; 550 no" -> "550 no". Some write no type.
std::string_view WithoutType(std::string_view diagnostic) {
  const size_t semicolon = diagnostic.find(';');
  if (semicolon != std::string_view::npos && semicolon <= 20 &&
      diagnostic.substr(0, semicolon).find_first_of(" \t:.") == std::string_view::npos) {
    diagnostic.remove_prefix(semicolon + 1);
  }
  while (!diagnostic.empty() && diagnostic.front() == ' ') diagnostic.remove_prefix(1);
  return diagnostic;
}

// "5.0.0" says only that it failed.
bool IsPrecise(const EnhancedCode& code) {
  return code.present() && (code.subject != 0 || code.detail != 0);
}

// What the reply answered, where the sending side says so. Before RCPT nobody has spoken of the recipient: what is
// unknown there is the sender, or our host. After the message an address may be one in its header.
Phase PhaseIn(std::string_view text) {
  constexpr std::array<std::string_view, 5> kMail = {"in reply to mail from",
                                                     "after mail from:", "response to mail from",
                                                     "following mail command", "following mail from"};
  constexpr std::array<std::string_view, 4> kGreeting = {"refused to talk to me", "after initial connection",
                                                         "while performing the initial", "in reply to connect"};
  constexpr std::array<std::string_view, 5> kEhlo = {"in reply to helo", "in reply to ehlo", "after helo ",
                                                     "after ehlo ", "(in reply to end of helo"};
  constexpr std::array<std::string_view, 4> kMessage = {"in reply to end of data", "after end of data",
                                                        "response to end of data", "following end of data"};
  const std::string lower = AsciiLower(text.substr(0, kTextBytesMax));
  const auto says = [&lower](std::string_view mark) { return lower.find(mark) != std::string::npos; };
  if (std::any_of(kMail.begin(), kMail.end(), says)) return Phase::kMail;
  if (std::any_of(kGreeting.begin(), kGreeting.end(), says)) return Phase::kGreeting;
  if (std::any_of(kEhlo.begin(), kEhlo.end(), says)) return Phase::kEhlo;
  if (std::any_of(kMessage.begin(), kMessage.end(), says)) return Phase::kEndOfData;
  return Phase::kRcpt;
}

// "host mx.example[192.0.2.1] said: 550 no (in reply to RCPT TO command)" without what Postfix put around the reply:
// the address is the other host's, not ours.
std::string WithoutFrame(std::string_view text) {
  std::string out(text);
  if (const size_t end = out.find(" (in reply to "); end != std::string::npos) out.resize(end);
  const size_t said = out.find("] said:");
  const size_t open = said == std::string::npos ? said : out.rfind('[', said);
  if (open != std::string::npos) out.erase(open, said + 1 - open);
  return out;
}

struct Judged {
  Verdict verdict;
  Reply reply;
  bool quoted = false;  // the reply was, and is not only made of the text
};

// By the reply that the text quotes; if that says little, by all of the text; if nothing is quoted, also as a failure
// without a reply.
Judged JudgeText(std::string_view framed, const EnhancedCode& status) {
  const Phase phase = PhaseIn(framed);
  const std::string text = WithoutFrame(framed);
  const int plain_code = status.klass == 4 ? 450 : 550;
  std::optional<Reply> quoted = QuotedReply(text);
  Reply whole = MakeReply(quoted ? quoted->code : plain_code, text);
  if (IsPrecise(status) && status.klass == whole.code / 100) whole.enhanced = status;
  if (quoted) {
    if (IsPrecise(quoted->enhanced)) {
      whole.enhanced = quoted->enhanced;
    } else {
      quoted->enhanced = whole.enhanced;
    }
    Judged judged{Classify(*quoted, phase), *quoted, true};
    if (phase < Phase::kRcpt) return judged;
    if (!judged.verdict.vague) return judged;
    const Verdict by_all = Classify(whole, phase);
    // What a relay puts in front of a refusal by policy ("unknown address error 550 5.7.1 denied") marks no address.
    const bool policy = quoted->enhanced.subject == 7 && by_all.fault == wavepost::v1::RECIPIENT;
    if (!by_all.vague && !policy) judged.verdict = by_all;
    return judged;
  }
  Judged judged{Classify(whole, phase), whole, false};
  const Verdict local = ClassifyLocalError(text);
  // What is unknown only because nobody could be asked may be known tomorrow.
  const bool unsure =
      judged.verdict.reason == wavepost::v1::DOMAIN_UNKNOWN && local.reason == wavepost::v1::DNS_FAILURE;
  if ((judged.verdict.vague && !local.vague) || unsure) judged.verdict = local;
  return judged;
}

// What the receiving host said, as the diagnostic quotes it; where that says little, the status of the report; where
// that says little too, the text beside it.
Judged Judge(const ReportedRecipient& recipient, const EnhancedCode& status) {
  Judged judged = JudgeText(WithoutType(recipient.diagnostic), status);
  const bool early = PhaseIn(recipient.diagnostic) < Phase::kRcpt;
  if (early && judged.quoted) return judged;
  if (judged.verdict.vague && IsPrecise(status)) {
    const int code = judged.quoted ? judged.reply.code : status.klass == 4 ? 450 : 550;
    const Verdict by_status = Classify(MakeReply(code, status.ToString()), Phase::kRcpt);
    if (!by_status.vague) judged.verdict = by_status;
  }
  if (recipient.context.empty() || (!judged.verdict.vague && judged.quoted)) return judged;
  const Judged beside = JudgeText(recipient.context, status);
  if (beside.verdict.vague) return judged;
  // Prose about who refused what is believed after the reply that it introduces.
  const bool prose = !recipient.format.empty() && beside.quoted && judged.verdict.fault == wavepost::v1::SENDER;
  // A code alone is a summary of what was said.
  const bool summary = recipient.diagnostic.empty() && beside.quoted;
  if (!judged.verdict.vague && !prose && !summary) return judged;
  if (judged.quoted) {
    judged.verdict = beside.verdict;
  } else {
    judged = beside;
  }
  return judged;
}

}  // namespace

Finding ClassifyRecipient(const ReportedRecipient& recipient) {
  const EnhancedCode status = EnhancedCode::Parse(recipient.status);
  Finding finding;
  finding.format = recipient.format;
  finding.final_recipient = Printable(
      recipient.final_recipient.empty() ? recipient.original_recipient : recipient.final_recipient, kAddressBytesMax);
  DeliveryStatus& out = finding.status;
  out.set_phase("report");
  out.set_enhanced_code(recipient.status);
  out.set_text(Printable(WithoutType(recipient.diagnostic), kTextBytesMax));
  out.set_mx_host(
      Printable(recipient.reporting_mta.empty() ? recipient.remote_mta : recipient.reporting_mta, kHostBytesMax));

  const Action action = ActionOf(recipient, status);
  if (action == Action::kSuccess || action == Action::kUnknown) {
    finding.bounce_class = wavepost::v1::NOT_A_BOUNCE;
    return finding;
  }
  const Judged judged = Judge(recipient, status);
  finding.rule = std::string(judged.verdict.rule);
  if (judged.quoted) out.set_code(judged.reply.code);
  // The quoted reply's code is more precise than a status that says only "failed".
  if (!IsPrecise(status) && judged.reply.enhanced.present()) out.set_enhanced_code(judged.reply.enhanced.ToString());
  out.set_reason(judged.verdict.reason);
  out.set_fault(judged.verdict.fault);

  if (action == Action::kDelayed) {
    finding.bounce_class = wavepost::v1::DELAY_NOTICE;
    return finding;
  }
  const bool temporary = status.klass == 4 || judged.reply.enhanced.klass == 4 || judged.reply.transient() ||
                         judged.verdict.kind != Verdict::Kind::kPermanent;
  finding.bounce_class = temporary ? wavepost::v1::SOFT : BounceClassOf(judged.verdict);
  // HARD suppresses. Nothing may without blaming the recipient.
  if (finding.bounce_class == wavepost::v1::HARD && out.fault() != wavepost::v1::RECIPIENT) {
    finding.bounce_class = wavepost::v1::SOFT;
  }
  out.set_bounce_class(finding.bounce_class);
  return finding;
}

}  // namespace wavepost
