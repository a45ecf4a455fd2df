#include "sender/sites/provider_data.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "wavepost/v1/outcomes.pb.h"

namespace wavepost {
namespace {

using Scope = Verdict::Scope;

constexpr std::array kPhases = {Phase::kConnect, Phase::kGreeting, Phase::kEhlo,      Phase::kStartTls, Phase::kMail,
                                Phase::kRcpt,    Phase::kData,     Phase::kEndOfData, Phase::kRset,     Phase::kQuit};

std::optional<Phase> PhaseOf(std::string_view name) {
  for (Phase phase : kPhases) {
    if (PhaseName(phase) == name) return phase;
  }
  return std::nullopt;
}

// A word out of a list; what is not in it is a problem and yields the first one.
template <class T>
T Choice(const ConfigNode& node, std::string_view key, std::string_view fallback,
         std::initializer_list<std::pair<std::string_view, T>> choices) {
  const std::string value = node.String(key, fallback);
  std::string known;
  for (const auto& [name, choice] : choices) {
    if (name == value) return choice;
    absl::StrAppend(&known, known.empty() ? "" : ", ", Av(name));
  }
  node.Problem(key, absl::StrCat("must be one of ", known, ", is '", value, "'"));
  return choices.begin()->second;
}

v1::Reason ReasonOf(const ConfigNode& node) {
  const std::string value = node.RequiredString("reason");
  std::string upper = value;
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  v1::Reason reason = v1::REASON_UNSPECIFIED;
  if (!value.empty() && (upper == value || !v1::Reason_Parse(upper, &reason))) {
    node.Problem("reason", absl::StrCat("no such reason: '", value, "'"));
  }
  return reason;
}

double RateOr(const ConfigNode& node, std::string_view key, double fallback) {
  if (!node.Has(key)) return fallback;
  if (node.String(key, "") == "unlimited") return SiteLimits::kUnlimited;
  return node.Double(key, fallback, 1e-6, 1e9);
}

SiteLimits ReadLimits(const ConfigNode& node, const SiteLimits& base) {
  SiteLimits limits;
  limits.connections = static_cast<int>(node.Int("connections", base.connections, 1, 10000));
  limits.messages_per_connection =
      static_cast<int>(node.Int("messages_per_connection", base.messages_per_connection, 1, 1000000));
  limits.connections_per_minute = RateOr(node, "connections_per_minute", base.connections_per_minute);
  limits.messages_per_second = RateOr(node, "messages_per_second", base.messages_per_second);
  limits.tls = base.tls;
  if (node.Has("tls")) {
    limits.tls = Choice<TlsWish>(node, "tls", "opportunistic",
                                 {{"opportunistic", TlsWish::kOpportunistic}, {"required", TlsWish::kRequired}});
  }
  return limits;
}

// "4.7.28" is not what we want: the class is the code's, so "7.28" or "7.*".
bool IsEnhancedPattern(std::string_view text) {
  const size_t dot = text.find('.');
  if (dot == std::string_view::npos || dot == 0 || dot > 3) return false;
  const std::string_view detail = text.substr(dot + 1);
  const auto digits = [](std::string_view s) {
    return !s.empty() && s.size() <= 3 && std::all_of(s.begin(), s.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  return digits(text.substr(0, dot)) && (detail == "*" || digits(detail));
}

uint16_t ReadPhases(const ConfigNode& node, Phase* first) {
  uint16_t bits = 0;
  for (const std::string& name : node.StringList("phases")) {
    const std::optional<Phase> phase = PhaseOf(name);
    if (!phase) {
      node.Problem("phases", absl::StrCat("no such phase: '", name, "'"));
      continue;
    }
    if (bits == 0) *first = *phase;
    bits |= static_cast<uint16_t>(1u << static_cast<int>(*phase));
  }
  return bits == 0 ? 0xffff : bits;
}

RuleEntry ReadRule(const ConfigNode& node) {
  RuleEntry entry{.node = node};
  entry.rule.name = node.RequiredString("name");
  for (const std::string& text : node.StringList("codes")) {
    int code = 0;
    if (!absl::SimpleAtoi(text, &code) || code < 400 || code > 599) {
      node.Problem("codes", absl::StrCat("must be reply codes from 400 to 599, is '", text, "'"));
    }
    entry.codes.push_back(code);
  }
  for (const std::string& text : node.StringList("enhanced")) {
    if (IsEnhancedPattern(text)) {
      entry.enhanced.push_back(text);
    } else {
      node.Problem("enhanced", absl::StrCat("must be subject.detail such as \"7.28\" or \"7.*\", is '", text, "'"));
    }
  }
  entry.sample_phase = Phase::kRcpt;
  entry.phases = ReadPhases(node, &entry.sample_phase);
  entry.text = node.String("text", "");
  entry.unless = node.String("unless", "");
  entry.sample = node.RequiredString("sample");
  if (node.Has("sample_phase")) {
    const std::optional<Phase> phase = PhaseOf(node.String("sample_phase", ""));
    if (!phase) node.Problem("sample_phase", "no such phase");
    entry.sample_phase = phase.value_or(Phase::kRcpt);
  }

  Verdict& verdict = entry.rule.verdict;
  verdict.kind =
      Choice<Verdict::Kind>(node, "outcome", "temporary",
                            {{"temporary", Verdict::Kind::kTemporary}, {"permanent", Verdict::Kind::kPermanent}});
  verdict.reason = ReasonOf(node);
  verdict.fault = Choice<v1::Fault>(node, "fault", "none",
                                    {{"none", v1::FAULT_UNSPECIFIED},
                                     {"recipient", v1::RECIPIENT},
                                     {"sender", v1::SENDER},
                                     {"content", v1::CONTENT_FAULT},
                                     {"network", v1::NETWORK_FAULT}});
  verdict.scope = Choice<Scope>(node, "scope", "recipient",
                                {{"recipient", Scope::kRecipient},
                                 {"message", Scope::kMessage},
                                 {"site", Scope::kSite},
                                 {"egress_ip", Scope::kEgressIp}});
  entry.rule.action = Choice<ReplyAction>(node, "action", "none",
                                          {{"none", ReplyAction::kNone},
                                           {"slow_down", ReplyAction::kSlowDown},
                                           {"fewer_connections", ReplyAction::kFewerConnections},
                                           {"pause_site", ReplyAction::kPauseSite},
                                           {"suspend_ip", ReplyAction::kSuspendIp}});
  verdict.throttled =
      entry.rule.action == ReplyAction::kSlowDown || entry.rule.action == ReplyAction::kFewerConnections;
  verdict.too_many_connections = entry.rule.action == ReplyAction::kFewerConnections;
  entry.rule.recovery = node.DurationOf("recovery", absl::ZeroDuration(), absl::ZeroDuration(), absl::Hours(24 * 14));
  return entry;
}

ProviderEntry ReadProvider(const ConfigNode& node, const SiteLimits& defaults) {
  ProviderEntry entry{.node = node};
  entry.provider.name = node.RequiredString("name");
  entry.mx = node.StringList("mx");
  entry.provider.limits = ReadLimits(node, defaults);
  if (node.Has("region")) {
    const ConfigNode region = node.Child("region");
    entry.region_after = region.String("after", "");
    entry.region_before = region.RequiredString("before");
  }
  for (const ConfigNode& item : node.List("sample_hosts")) {
    SampleHost sample{item.Scalar(), entry.provider.name, item};
    if (sample.host.empty()) {
      sample.host = item.RequiredString("host");
      sample.site = item.RequiredString("site");
    }
    entry.samples.push_back(std::move(sample));
  }
  for (const ConfigNode& item : node.List("rules")) {
    entry.rules.push_back(ReadRule(item));
    if (entry.rules.size() > kRulesPerProviderMax) {
      node.Problem("rules", absl::StrCat("more than ", kRulesPerProviderMax));
      break;
    }
  }
  return entry;
}

}  // namespace

ProviderData ReadProviders(const ConfigNode& root) {
  ProviderData data;
  data.defaults = ReadLimits(root.Child("default"), SiteLimits());
  for (const ConfigNode& item : root.List("providers")) {
    if (data.providers.size() == kProvidersMax) {
      root.Problem("providers", absl::StrCat("more than ", kProvidersMax));
      break;
    }
    data.providers.push_back(ReadProvider(item, data.defaults));
  }
  for (size_t i = 0; i < data.providers.size(); ++i) {
    ProviderEntry& entry = data.providers[i];
    if (!data.by_name.emplace(entry.provider.name, i).second) {
      entry.node->Problem("name", absl::StrCat("'", entry.provider.name, "' stands here twice"));
    }
    for (const std::string& host : entry.mx) {
      const auto [found, inserted] = data.by_host.emplace(host, i);
      if (!inserted) {
        entry.node->Problem(
            "mx", absl::StrCat("'", host, "' already belongs to '", data.providers[found->second].provider.name, "'"));
      }
    }
    // The verdicts point to the names: set when nothing moves any more.
    for (RuleEntry& rule : entry.rules) rule.rule.verdict.rule = rule.rule.name;
  }
  return data;
}

void DropNodes(ProviderData* data) {
  for (ProviderEntry& entry : data->providers) {
    entry.node.reset();
    for (RuleEntry& rule : entry.rules) rule.node.reset();
    for (SampleHost& sample : entry.samples) sample.node.reset();
  }
}

}  // namespace wavepost
