// The look-ups: which provider owns a host, which rule a reply fires.
#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

#include "common/base/strings.h"
#include "common/smtp/classify_text.h"
#include "sender/sites/provider_data.h"

namespace wavepost {
namespace {

bool EnhancedFits(std::string_view wanted, const EnhancedCode& code) {
  const size_t dot = wanted.find('.');
  int subject = -1;
  int detail = -1;
  std::from_chars(wanted.data(), wanted.data() + dot, subject);
  std::from_chars(wanted.data() + dot + 1, wanted.data() + wanted.size(), detail);
  return subject == code.subject && (wanted.substr(dot + 1) == "*" || detail == code.detail);
}

bool IsRegionByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

struct Facts {
  EnhancedCode enhanced;
  ReplyWords words;
};

bool Fires(const RuleEntry& rule, const Reply& reply, const Facts& facts, Phase phase) {
  if (!reply.transient() && !reply.permanent()) return false;
  if (rule.rule.verdict.kind == Verdict::Kind::kPermanent && !reply.permanent()) return false;
  if ((rule.phases >> static_cast<int>(phase) & 1) == 0) return false;
  if (!rule.codes.empty() && std::find(rule.codes.begin(), rule.codes.end(), reply.code) == rule.codes.end())
    return false;
  if (!rule.enhanced.empty()) {
    if (!facts.enhanced.present()) return false;
    const bool fits = std::any_of(rule.enhanced.begin(), rule.enhanced.end(),
                                  [&](const std::string& wanted) { return EnhancedFits(wanted, facts.enhanced); });
    if (!fits) return false;
  }
  if (!rule.text.empty() && !MatchesWords(facts.words, rule.text)) return false;
  return rule.unless.empty() || !MatchesWords(facts.words, rule.unless);
}

}  // namespace

const ProviderEntry* ProviderData::OwnerOf(std::string_view host) const {
  auto found = by_host.find(Av(host));
  for (size_t dot = host.find('.'); found == by_host.end() && dot != std::string_view::npos;
       dot = host.find('.', dot + 1)) {
    found = by_host.find(Av(host.substr(dot)));
  }
  return found == by_host.end() ? nullptr : &providers[found->second];
}

std::string ProviderData::SiteOfHost(const ProviderEntry& provider, std::string_view host) {
  const std::string& name = provider.provider.name;
  if (provider.region_before.empty()) return name;
  size_t start = 0;
  if (!provider.region_after.empty()) {
    start = host.find(provider.region_after);
    if (start == std::string_view::npos) return name;
    start += provider.region_after.size();
  }
  const size_t end = host.find(provider.region_before, start);
  if (end == std::string_view::npos) return name;
  const std::string_view region = host.substr(start, end - start);
  if (region.empty() || region.size() > kRegionBytesMax || !std::all_of(region.begin(), region.end(), IsRegionByte))
    return name;
  std::string site = name;
  site += '-';
  site += region;
  return site;
}

const RuleEntry* ProviderData::FirstThatFires(const ProviderEntry& provider, const Reply& reply, Phase phase) {
  if (provider.rules.empty()) return nullptr;
  const std::string text = reply.Text();
  Facts facts{reply.enhanced, ToWords(text)};
  if (!facts.enhanced.present()) facts.enhanced = EnhancedCode::Find(text, reply.code / 100);
  for (const RuleEntry& rule : provider.rules) {
    if (Fires(rule, reply, facts, phase)) return &rule;
  }
  return nullptr;
}

}  // namespace wavepost
