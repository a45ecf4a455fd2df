#include "common/smtp/classify.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "common/smtp/classify_index.h"
#include "common/smtp/classify_rules.h"
#include "common/smtp/classify_text.h"
#include "common/smtp/rule_book.h"

namespace wavepost {
namespace {

bool EnhancedListed(const std::vector<EnhancedPattern>& list, const EnhancedCode& code) {
  for (const EnhancedPattern& pattern : list) {
    if (code.subject == pattern.subject && (pattern.detail < 0 || code.detail == pattern.detail)) return code.present();
  }
  return false;
}

struct Facts {
  const Reply* reply;
  EnhancedCode enhanced;
  bool names_ip;
  RuleIndex::Hits hits;
  Phase phase;
};

bool Fires(const ClassifyRule& rule, size_t index, const Facts& facts) {
  const On on = facts.reply->permanent() ? On::k5 : On::k4;
  if ((static_cast<uint8_t>(rule.on) & static_cast<uint8_t>(on)) == 0) return false;
  if ((rule.phases >> static_cast<int>(facts.phase) & 1) == 0) return false;
  if ((rule.flags & kNamesIp) != 0 && !facts.names_ip) return false;
  if (!rule.codes.empty() && std::find(rule.codes.begin(), rule.codes.end(), facts.reply->code) == rule.codes.end()) {
    return false;
  }
  if (!rule.enhanced.empty() && !EnhancedListed(rule.enhanced, facts.enhanced)) return false;
  if (!rule.words.empty() && !facts.hits.words[index]) return false;
  return !facts.hits.unless[index];
}

// Before RCPT no recipient has been named, whatever the text says; before MAIL no message has.
void FitToPhase(Phase phase, Verdict* verdict) {
  if (phase == Phase::kRcpt || phase == Phase::kData || phase == Phase::kEndOfData) return;
  if (verdict->fault == wavepost::v1::RECIPIENT) {
    verdict->fault = wavepost::v1::SENDER;
    verdict->reason = wavepost::v1::REJECTED_POLICY;
  }
  const Verdict::Scope least = phase == Phase::kMail ? Verdict::Scope::kMessage : Verdict::Scope::kSite;
  if (verdict->scope < least) verdict->scope = least;
}

}  // namespace

std::string_view PhaseName(Phase phase) {
  switch (phase) {
    case Phase::kConnect:
      return "connect";
    case Phase::kGreeting:
      return "greeting";
    case Phase::kEhlo:
      return "ehlo";
    case Phase::kStartTls:
      return "starttls";
    case Phase::kMail:
      return "mail";
    case Phase::kRcpt:
      return "rcpt";
    case Phase::kData:
      return "data";
    case Phase::kEndOfData:
      return "end_of_data";
    case Phase::kRset:
      return "rset";
    case Phase::kQuit:
      return "quit";
  }
  return "unknown";
}

Verdict Classify(const Reply& reply, Phase phase) {
  return ClassifyWith(RuleBook::Active(), reply, phase);
}

Verdict ClassifyWith(const RuleBook& book, const Reply& reply, Phase phase) {
  Verdict verdict;
  if (reply.positive() || (reply.intermediate() && phase == Phase::kData)) return verdict;
  if (!reply.transient() && !reply.permanent()) {  // 3xx out of place: the dialogue is lost, the message is not
    return {Verdict::Kind::kTemporary,
            wavepost::v1::SYNTAX,
            wavepost::v1::NETWORK_FAULT,
            Verdict::Scope::kSite,
            std::nullopt,
            false,
            false,
            true,
            "out-of-place"};
  }
  const std::string text = reply.Text();
  const ReplyWords words = ToWords(text);
  Facts facts{&reply, reply.enhanced, words.names_ip, book.index().Find(words), phase};
  if (!facts.enhanced.present()) facts.enhanced = EnhancedCode::Find(text, reply.code / 100);

  const std::span<const ClassifyRule> rules = book.rules();
  for (size_t i = 0; i < rules.size(); ++i) {
    const ClassifyRule& rule = rules[i];
    if (!Fires(rule, i, facts)) continue;
    verdict.reason = rule.reason;
    verdict.fault = rule.fault;
    verdict.scope = rule.scope;
    verdict.rule = rule.name;
    verdict.vague = (rule.flags & kVague) != 0;
    verdict.throttled = (rule.flags & kThrottled) != 0;
    verdict.too_many_connections = (rule.flags & kConnections) != 0;
    verdict.kind = reply.permanent() && (rule.flags & kTemporaryAnyway) == 0 ? Verdict::Kind::kPermanent
                                                                             : Verdict::Kind::kTemporary;
    break;
  }
  if (reply.code == 421 && facts.enhanced.subject == 7) verdict.throttled = true;  // closed on us for what we do
  if (verdict.kind == Verdict::Kind::kTemporary) verdict.retry_hint = ParseRetryHint(text);
  FitToPhase(phase, &verdict);
  return verdict;
}

wavepost::v1::BounceClass BounceClassOf(const Verdict& verdict) {
  if (verdict.kind != Verdict::Kind::kPermanent) return wavepost::v1::BOUNCE_CLASS_UNSPECIFIED;
  switch (verdict.reason) {
    case wavepost::v1::USER_UNKNOWN:
    case wavepost::v1::DOMAIN_UNKNOWN:
    case wavepost::v1::MAILBOX_DISABLED:
    case wavepost::v1::MOVED:
      return verdict.fault == wavepost::v1::RECIPIENT ? wavepost::v1::HARD : wavepost::v1::SOFT;
    case wavepost::v1::REJECTED_POLICY:
    case wavepost::v1::SPAM:
    case wavepost::v1::BLOCKED_IP:
    case wavepost::v1::AUTH_FAILED:
    case wavepost::v1::CONTENT:
    case wavepost::v1::VIRUS:
    case wavepost::v1::TOO_LARGE:
    case wavepost::v1::TLS_FAILURE:
      return wavepost::v1::POLICY;
    default:
      return wavepost::v1::SOFT;
  }
}

}  // namespace wavepost
