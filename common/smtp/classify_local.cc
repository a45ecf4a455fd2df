// Failures without a reply: what our side, or a relay before us, wrote about a host that could not be spoken to.
#include <string_view>

#include "common/smtp/classify.h"
#include "common/smtp/classify_rules.h"
#include "common/smtp/classify_text.h"
#include "common/smtp/rule_book.h"
#include "wavepost/v1/outcomes.pb.h"

namespace wavepost {
Verdict ClassifyLocalError(std::string_view text) {
  return ClassifyLocalErrorWith(RuleBook::Active(), text);
}

Verdict ClassifyLocalErrorWith(const RuleBook& book, std::string_view text) {
  const ReplyWords words = ToWords(text);
  Verdict verdict{.kind = Verdict::Kind::kTemporary,
                  .fault = v1::NETWORK_FAULT,
                  .scope = Verdict::Scope::kRecipient,
                  .vague = true,
                  .rule = "local"};
  for (const ClassifyRule& rule : book.local()) {
    if (!MatchesWords(words, rule.words) || MatchesWords(words, rule.unless)) continue;
    verdict.kind = (rule.flags & kPermanent) != 0 ? Verdict::Kind::kPermanent : Verdict::Kind::kTemporary;
    verdict.reason = rule.reason;
    verdict.fault = rule.fault;
    verdict.scope = rule.scope;
    verdict.rule = rule.name;
    verdict.vague = (rule.flags & kVague) != 0;
    break;
  }
  if (verdict.kind == Verdict::Kind::kTemporary) verdict.retry_hint = ParseRetryHint(text);
  return verdict;
}

}  // namespace wavepost
