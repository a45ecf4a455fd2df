// The validator: proves that every provider can match and that every rule fires.
#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "common/smtp/classify_text.h"
#include "sender/sites/provider_data.h"

namespace wavepost {
namespace {

constexpr size_t kNameBytesMax = 32;
constexpr size_t kLabelBytesMax = 63;  // RFC 1035 section 2.3.4
constexpr size_t kHostBytesMax = 253;

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

// Why a host name or suffix can never equal what DNS gives us (lower case, no final dot); empty: it can.
std::string WhyNever(std::string_view host) {
  if (host.empty()) return "is empty";
  if (host.ends_with('.')) return "ends in a dot: MX names are compared without it";
  if (const std::string lower = AsciiLower(host); lower != host) return absl::StrCat("must be written '", lower, "'");
  size_t label = 0;
  for (const char c : host) {
    if (c == '.' && label == 0) return "has an empty label";
    label = c == '.' ? 0 : label + 1;
    const bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    if (!good || label > kLabelBytesMax) return "is no host name";
  }
  return host.size() > kHostBytesMax ? "is too long for a host name" : "";
}

void CheckMx(const ProviderData& data, const ProviderEntry& entry) {
  for (const std::string& mx : entry.mx) {
    const bool suffix = mx.starts_with('.');
    const std::string_view name = suffix ? std::string_view(mx).substr(1) : std::string_view(mx);
    if (const std::string why = WhyNever(name); !why.empty()) {
      entry.node->Problem("mx", absl::StrCat("'", mx, "' can never match: it ", why));
      continue;
    }
    if (name.find('.') == std::string_view::npos) {
      entry.node->Problem("mx", absl::StrCat("'", mx, "' takes a whole top-level domain"));
      continue;
    }
    // What a wider entry of the same provider takes already is a mistake, or will be one when that is changed.
    for (size_t dot = mx.find('.', 1); dot != std::string::npos; dot = mx.find('.', dot + 1)) {
      const auto wider = data.by_host.find(mx.substr(dot));
      if (wider != data.by_host.end() && &data.providers[wider->second] == &entry) {
        entry.node->Problem("mx", absl::StrCat("'", mx, "' is hidden behind '", wider->first, "'"));
      }
    }
    const bool reached = std::any_of(entry.samples.begin(), entry.samples.end(), [&](const SampleHost& sample) {
      return suffix ? sample.host.ends_with(mx) : sample.host == mx;
    });
    if (!reached) entry.node->Problem("mx", absl::StrCat("'", mx, "': none of sample_hosts matches it"));
  }
}

void CheckSampleHosts(const ProviderData& data, const ProviderEntry& entry) {
  if (entry.samples.empty()) entry.node->Problem("sample_hosts", "needs at least one real MX name");
  for (const SampleHost& sample : entry.samples) {
    if (const std::string why = WhyNever(sample.host); !why.empty()) {
      sample.node->Problem("", absl::StrCat("'", sample.host, "' ", why));
      continue;
    }
    const ProviderEntry* owner = data.OwnerOf(sample.host);
    if (owner != &entry) {
      sample.node->Problem(
          "", absl::StrCat("'", sample.host, "' does not match this provider", owner == nullptr ? "" : ", it goes to ",
                           owner == nullptr ? "" : owner->provider.name));
      continue;
    }
    if (const std::string site = ProviderData::SiteOfHost(entry, sample.host); site != sample.site) {
      sample.node->Problem("", absl::StrCat("'", sample.host, "' is of site '", site, "', not '", sample.site, "'"));
    }
  }
  if (entry.region_before.empty()) return;
  const bool has_region = std::any_of(entry.samples.begin(), entry.samples.end(),
                                      [&](const SampleHost& sample) { return sample.site != entry.provider.name; });
  if (!has_region) entry.node->Problem("region", "none of sample_hosts has a region");
}

// One piece of a MatchesWords pattern against what ToWords makes of texts: the same must come out of it.
bool PieceCanMatch(std::string_view piece) {
  if (piece.ends_with('_') || piece.ends_with('$')) piece.remove_suffix(1);
  return !piece.empty() && ToWords(piece).text == absl::StrCat(" ", Av(piece), " ");
}

// Calls `each` for every part of `text` between `separator`s.
template <class Each>
void Split(std::string_view text, char separator, Each each) {
  while (true) {
    const size_t at = text.find(separator);
    each(text.substr(0, at));
    if (at == std::string_view::npos) return;
    text.remove_prefix(at + 1);
  }
}

void CheckPattern(const RuleEntry& rule, std::string_view key, std::string_view pattern) {
  if (pattern.empty()) return;
  Split(pattern, '|', [&](std::string_view alternative) {
    Split(alternative, '*', [&](std::string_view piece) {
      if (PieceCanMatch(piece)) return;
      rule.node->Problem(key, absl::StrCat("'", Av(piece),
                                           "' can never match: texts are compared as lower-case words, one space "
                                           "apart, without punctuation and marks"));
    });
  });
}

void CheckMeaning(const RuleEntry& rule) {
  const Verdict& verdict = rule.rule.verdict;
  constexpr uint16_t kToRecipient = 1u << static_cast<int>(Phase::kRcpt) | 1u << static_cast<int>(Phase::kData) |
                                    1u << static_cast<int>(Phase::kEndOfData);
  if (verdict.fault == v1::RECIPIENT && (rule.phases & ~kToRecipient) != 0) {
    rule.node->Problem("fault", "a recipient can only be blamed in the phases rcpt, data, end_of_data");
  }
  constexpr uint16_t kFromMail = kToRecipient | 1u << static_cast<int>(Phase::kMail);
  if (verdict.scope == Verdict::Scope::kRecipient && (rule.phases & ~kToRecipient) != 0) {
    rule.node->Problem("scope", "before rcpt there is no recipient: name the phases, or a wider scope");
  } else if (verdict.scope == Verdict::Scope::kMessage && (rule.phases & ~kFromMail) != 0) {
    rule.node->Problem("scope", "before mail there is no message: name the phases, or a wider scope");
  }
  const bool waits = rule.rule.action == ReplyAction::kPauseSite || rule.rule.action == ReplyAction::kSuspendIp;
  if (waits && rule.rule.recovery == absl::ZeroDuration()) {
    rule.node->Problem("recovery", absl::StrCat("is required with ", Av(ReplyActionName(rule.rule.action))));
  }
  if (!waits && rule.rule.recovery != absl::ZeroDuration() && rule.rule.action == ReplyAction::kNone) {
    rule.node->Problem("recovery", "means nothing without an action");
  }
  if (rule.codes.empty() && rule.enhanced.empty() && rule.text.empty()) {
    rule.node->Problem("text", "a rule needs at least one of codes, enhanced and text");
  }
}

void CheckRules(const ProviderEntry& entry) {
  std::set<std::string_view> names;
  for (const RuleEntry& rule : entry.rules) {
    if (!IsName(rule.rule.name)) rule.node->Problem("name", "must be 1 to 32 of a-z, 0-9 and '-'");
    if (!names.insert(rule.rule.name).second) {
      rule.node->Problem("name", absl::StrCat("'", rule.rule.name, "' stands here twice"));
    }
    CheckPattern(rule, "text", rule.text);
    CheckPattern(rule, "unless", rule.unless);
    CheckMeaning(rule);
    const std::optional<Reply> sample = ReplyFromText(rule.sample);
    if (!sample) {
      rule.node->Problem("sample", "does not start with a reply code");
      continue;
    }
    const RuleEntry* first = ProviderData::FirstThatFires(entry, *sample, rule.sample_phase);
    if (first == &rule) continue;
    rule.node->Problem("sample", first == nullptr
                                     ? "the rule does not fire on it"
                                     : absl::StrCat("the rule '", first->rule.name, "' before this one takes it"));
  }
}

}  // namespace

void CheckProviders(const ProviderData& data, const ConfigNode& root) {
  if (data.providers.empty()) root.Problem("providers", "is required, with at least one provider");
  for (const ProviderEntry& entry : data.providers) {
    if (!IsName(entry.provider.name)) entry.node->Problem("name", "must be 1 to 32 of a-z, 0-9 and '-'");
    if (entry.mx.empty()) entry.node->Problem("mx", "needs at least one suffix or host name");
    if (entry.mx.size() > kHostsPerProviderMax || entry.samples.size() > kHostsPerProviderMax) {
      entry.node->Problem("mx", absl::StrCat("more than ", kHostsPerProviderMax));
      continue;
    }
    CheckMx(data, entry);
    CheckSampleHosts(data, entry);
    CheckRules(entry);
  }
}

}  // namespace wavepost
