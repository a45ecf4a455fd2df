// Failures without a reply: what our side, or a relay before us, wrote about a host that could not be spoken to.
#include <array>
#include <string_view>

#include "common/smtp/classify.h"
#include "common/smtp/classify_text.h"
#include "wavepost/v1/outcomes.pb.h"

namespace wavepost {
namespace {

using Kind = Verdict::Kind;
using Scope = Verdict::Scope;

struct LocalRule {
  std::string_view name;
  std::string_view words;
  std::string_view unless;
  Kind kind;
  v1::Reason reason;
  v1::Fault fault;
  Scope scope;
};

// First match decides. A name that DNS says does not exist is permanent; a name that nobody could answer for is not.
constexpr std::array<LocalRule, 9> kRules = {{
    {"local-null-mx", "null mx|nullmx|does not accept mail|does not accept email|domain*accepts no mail", "",
     Kind::kPermanent, v1::DOMAIN_UNKNOWN, v1::RECIPIENT, Scope::kRecipient},
    {"local-dns-try-again",
     "try again|temporary failure in name resolution|servfail|server failure|name server*timeout|dns*timeout|"
     "dns*timed out|lookup*timed out|lookup*timeout|query timed out|could not contact dns|temporary dns|"
     "temporary*resolution|resolver*fail|dns*tempor",
     "", Kind::kTemporary, v1::DNS_FAILURE, v1::NETWORK_FAULT, Scope::kRecipient},
    {"local-no-such-domain",
     "host not found|name or service not known|nxdomain|non existent domain|nonexistent domain|domain*not found|"
     "domain*not exist|domain*doesn t exist|host unknown|unknown host|no such domain|no such host|no mx or|no mx "
     "record|"
     "no address associated|unrouteable mail domain|unrouteable address|couldn t find any host|"
     "cannot find any host|all relevant mx records point to non existent|"
     "unable to find*mx|no valid mx|no valid hosts|invalid domain|domain*invalid|domain name not found|unknown domain",
     "", Kind::kPermanent, v1::DOMAIN_UNKNOWN, v1::RECIPIENT, Scope::kRecipient},
    {"local-dns", "name service error|dns error|dns lookup|name server|cannot resolve|unable to resolve|not resolve",
     "", Kind::kTemporary, v1::DNS_FAILURE, v1::NETWORK_FAULT, Scope::kRecipient},
    {"local-loop", "loops back|mail loop|too many hops", "", Kind::kPermanent, v1::LOOP, v1::NETWORK_FAULT,
     Scope::kSite},
    {"local-tls", "tls|ssl|certificate", "", Kind::kTemporary, v1::TLS_FAILURE, v1::NETWORK_FAULT, Scope::kSite},
    {"local-expired", "delivery time*expired|message*expired|retry*time*exceeded|too old|retry timeout exceeded", "",
     Kind::kPermanent, v1::EXPIRED_RETRIES, v1::NETWORK_FAULT, Scope::kRecipient},
    {"local-full", "disk|no space|out of memory|insufficient", "", Kind::kTemporary, v1::SYSTEM_FULL, v1::NETWORK_FAULT,
     Scope::kSite},
    {"local-network",
     "connect|conversation|lost|refused|timed out|timeout|time out|no route|unreachable|reset|broken pipe|closed|"
     "greeting|handshaking",
     "", Kind::kTemporary, v1::NETWORK, v1::NETWORK_FAULT, Scope::kSite},
}};

}  // namespace

Verdict ClassifyLocalError(std::string_view text) {
  const ReplyWords words = ToWords(text);
  Verdict verdict{.kind = Kind::kTemporary, .fault = v1::NETWORK_FAULT, .scope = Scope::kRecipient, .rule = "local"};
  for (const LocalRule& rule : kRules) {
    if (!MatchesWords(words, rule.words) || MatchesWords(words, rule.unless)) continue;
    verdict.kind = rule.kind;
    verdict.reason = rule.reason;
    verdict.fault = rule.fault;
    verdict.scope = rule.scope;
    verdict.rule = rule.name;
    break;
  }
  if (verdict.kind == Kind::kTemporary) verdict.retry_hint = ParseRetryHint(text);
  return verdict;
}

}  // namespace wavepost
