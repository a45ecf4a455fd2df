#include "common/smtp/rule_file.h"

#include <yaml-cpp/yaml.h>

#include <array>
#include <cstddef>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/smtp/classify_index.h"
#include "common/smtp/classify_text.h"

namespace wavepost {
namespace {

constexpr size_t kPatternBytesMax = 200;
constexpr size_t kPatternsBytesMax = 64 * 1024;  // of one rule or list, with the lists that it names

constexpr std::array<std::pair<std::string_view, uint8_t>, 6> kFlags = {{{"throttled", kThrottled},
                                                                         {"temporary_anyway", kTemporaryAnyway},
                                                                         {"names_ip", kNamesIp},
                                                                         {"connections", kConnections},
                                                                         {"permanent", kPermanent},
                                                                         {"vague", kVague}}};
constexpr std::array<std::pair<std::string_view, Verdict::Scope>, 4> kScopes = {
    {{"recipient", Verdict::Scope::kRecipient},
     {"message", Verdict::Scope::kMessage},
     {"site", Verdict::Scope::kSite},
     {"egress_ip", Verdict::Scope::kEgressIp}}};
constexpr std::array<std::pair<std::string_view, wavepost::v1::Fault>, 4> kFaults = {
    {{"recipient", wavepost::v1::RECIPIENT},
     {"sender", wavepost::v1::SENDER},
     {"content", wavepost::v1::CONTENT_FAULT},
     {"network", wavepost::v1::NETWORK_FAULT}}};
constexpr std::array<std::pair<std::string_view, On>, 2> kOns = {{{"4xx", On::k4}, {"5xx", On::k5}}};

template <class Table>
auto Lookup(const Table& table, std::string_view name) -> std::optional<decltype(table.front().second)> {
  for (const auto& [known, value] : table) {
    if (known == name) return value;
  }
  return std::nullopt;
}

std::optional<Phase> PhaseOf(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(Phase::kQuit); ++i) {
    if (PhaseName(static_cast<Phase>(i)) == name) return static_cast<Phase>(i);
  }
  return std::nullopt;
}

bool IsName(std::string_view name) {
  return !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

// What is wrong with one pattern, or nothing.
std::string PatternProblem(std::string_view pattern) {
  if (pattern.size() > kPatternBytesMax) return "is too long";
  if (!RuleIndex::CanHold(pattern)) return "must begin with two letters and have two after each '*'";
  for (std::string_view rest = pattern; !rest.empty();) {
    const size_t star = rest.find('*');
    std::string_view piece = rest.substr(0, star);
    if (piece.ends_with('_') || piece.ends_with('$')) piece.remove_suffix(1);
    if (ToWords(piece).text != absl::StrCat(" ", Av(piece), " ")) {
      return "is not written as texts are compared: lower case, no marks on Latin letters, words with a space between";
    }
    rest = star == std::string_view::npos ? std::string_view() : rest.substr(star + 1);
  }
  return {};
}

class Reader {
 public:
  Reader(std::string_view file, RuleSet* set) : file_(file), set_(set) {}

  absl::Status Read(const YAML::Node& root) {
    if (!root.IsMap()) return Problem(root, "a map with words, rules or local is wanted");
    for (const auto& item : root) {
      const std::string key = item.first.Scalar();
      if (key == "words") {
        RETURN_IF_ERROR(ReadLists(item.second));
      } else if (key == "rules" || key == "local") {
        RETURN_IF_ERROR(ReadRules(item.second, key == "rules" ? &set_->rules : &set_->local));
      } else {
        return Problem(item.first, absl::StrCat("unknown key '", key, "'; known here: words, rules, local"));
      }
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Problem(const YAML::Node& node, std::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat(file_, ":", node.Mark().line + 1, ": ",
                                                   rule_.empty() ? "" : absl::StrCat("rule ", rule_, ": "), Av(what)));
  }

  absl::Status ReadLists(const YAML::Node& node) {
    if (!node.IsMap()) return Problem(node, "words must be a map of lists");
    for (const auto& item : node) {
      const std::string name = item.first.Scalar();
      if (!IsName(name)) return Problem(item.first, absl::StrCat("'", name, "' is no name of a list"));
      if (set_->lists.contains(name)) return Problem(item.first, absl::StrCat("list ", name, " is there already"));
      std::string patterns;
      if (item.second.IsMap()) {
        for (const auto& part : item.second) RETURN_IF_ERROR(ReadPatterns(part.second, &patterns));
      } else {
        RETURN_IF_ERROR(ReadPatterns(item.second, &patterns));
      }
      set_->lists.emplace(name, std::move(patterns));
    }
    return absl::OkStatus();
  }

  absl::Status ReadPatterns(const YAML::Node& node, std::string* patterns) {
    if (!node.IsSequence()) return Problem(node, "a list of patterns is wanted");
    if (node.size() == 0) return Problem(node, "an empty list: leave the key out if any text will do");
    for (const YAML::Node& item : node) {
      if (!item.IsScalar()) return Problem(item, "a pattern is wanted");
      std::string pattern = item.Scalar();
      if (pattern.size() > 2 && pattern.front() == '<' && pattern.back() == '>') {
        const auto list = set_->lists.find(pattern.substr(1, pattern.size() - 2));
        if (list == set_->lists.end()) return Problem(item, absl::StrCat("there is no list ", pattern));
        pattern = list->second;
      } else if (const std::string problem = PatternProblem(pattern); !problem.empty()) {
        return Problem(item, absl::StrCat("pattern '", pattern, "' ", problem));
      }
      absl::StrAppend(patterns, patterns->empty() ? "" : "|", pattern);
      if (patterns->size() > kPatternsBytesMax) return Problem(item, "too many patterns");
    }
    return absl::OkStatus();
  }

  absl::Status ReadRules(const YAML::Node& node, std::vector<ClassifyRule>* rules) {
    if (!node.IsSequence()) return Problem(node, "a list of rules is wanted");
    for (const YAML::Node& item : node) {
      if (!item.IsMap()) return Problem(item, "a rule is a map");
      ClassifyRule rule;
      rule_ = item["name"] && item["name"].IsScalar() ? item["name"].Scalar() : "";
      if (!IsName(rule_)) return Problem(item, "name: lower case letters, digits and dashes are wanted");
      for (const std::vector<ClassifyRule>* known : {&set_->rules, &set_->local}) {
        for (const ClassifyRule& other : *known) {
          if (other.name == rule_) return Problem(item, absl::StrCat("the name stands at ", other.origin, " already"));
        }
      }
      rule.name = rule_;
      rule.origin = absl::StrCat(file_, ":", item.Mark().line + 1);
      for (const auto& field : item) {
        RETURN_IF_ERROR(ReadField(field.first.Scalar(), field.first, field.second, &rule));
      }
      if (rule.sample.empty()) return Problem(item, "sample: a reply that the rule takes is missing");
      if (rules->size() >= RuleIndex::kRulesMax) return Problem(item, "too many rules");
      rules->push_back(std::move(rule));
      rule_.clear();
    }
    return absl::OkStatus();
  }

  absl::Status ReadField(const std::string& key, const YAML::Node& at, const YAML::Node& value, ClassifyRule* rule) {
    if (key == "name") return absl::OkStatus();
    if (key == "words") return ReadPatterns(value, &rule->words);
    if (key == "unless") return ReadPatterns(value, &rule->unless);
    if (key == "on") return Assign(Lookup(kOns, value.Scalar()), value, "on: 4xx or 5xx", &rule->on);
    if (key == "scope") {
      return Assign(Lookup(kScopes, value.Scalar()), value, "scope: recipient, message, site or egress_ip",
                    &rule->scope);
    }
    if (key == "fault") {
      return Assign(Lookup(kFaults, value.Scalar()), value, "fault: recipient, sender, content or network",
                    &rule->fault);
    }
    if (key == "reason") {
      std::string name = value.Scalar();
      for (char& c : name) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
      if (value.IsScalar() && wavepost::v1::Reason_Parse(name, &rule->reason)) return absl::OkStatus();
      return Problem(value, absl::StrCat("reason: there is no '", value.Scalar(), "'"));
    }
    if (key == "sample") return ReadSample(value, rule);
    if (!value.IsSequence()) {
      if (key == "phases" || key == "codes" || key == "enhanced" || key == "flags") {
        return Problem(value, absl::StrCat(key, ": a list is wanted"));
      }
      return Problem(at, absl::StrCat("unknown key '", key, "'"));
    }
    if (value.size() == 0) return Problem(value, absl::StrCat(key, ": an empty list: leave the key out"));
    if (key == "phases") rule->phases = 0;
    for (const YAML::Node& item : value) {
      const std::string& text = item.Scalar();
      if (key == "phases") {
        const std::optional<Phase> phase = PhaseOf(text);
        if (!phase) return Problem(item, absl::StrCat("phases: there is no '", text, "'"));
        rule->phases = static_cast<uint16_t>(rule->phases | 1u << static_cast<int>(*phase));
      } else if (key == "codes") {
        int code = 0;
        if (!absl::SimpleAtoi(text, &code) || code < 400 || code > 599) return Problem(item, "codes: 400 to 599");
        rule->codes.push_back(code);
      } else if (key == "enhanced") {
        const size_t dot = text.find('.');
        EnhancedPattern pattern{0, -1};
        if (dot == std::string::npos || !absl::SimpleAtoi(text.substr(0, dot), &pattern.subject) ||
            (text.substr(dot) != ".*" && !absl::SimpleAtoi(text.substr(dot + 1), &pattern.detail))) {
          return Problem(item, absl::StrCat("enhanced: '", text, "' is not of the form \"1.1\" or \"7.*\""));
        }
        rule->enhanced.push_back(pattern);
      } else if (key == "flags") {
        const std::optional<uint8_t> flag = Lookup(kFlags, text);
        if (!flag) return Problem(item, absl::StrCat("flags: there is no '", text, "'"));
        rule->flags = static_cast<uint8_t>(rule->flags | *flag);
      } else {
        return Problem(at, absl::StrCat("unknown key '", key, "'"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status ReadSample(const YAML::Node& value, ClassifyRule* rule) {
    if (!value.IsMap() || !value["reply"] || !value["reply"].IsScalar()) {
      return Problem(value, "sample: {reply: \"...\"} is wanted");
    }
    rule->sample = value["reply"].Scalar();
    if (!value["phase"]) return absl::OkStatus();
    return Assign(PhaseOf(value["phase"].Scalar()), value, "sample: there is no such phase", &rule->sample_phase);
  }

  template <class T>
  absl::Status Assign(std::optional<T> found, const YAML::Node& node, std::string_view problem, T* out) const {
    if (!found) return Problem(node, problem);
    *out = *found;
    return absl::OkStatus();
  }

  const std::string file_;
  RuleSet* const set_;
  std::string rule_;  // the one that is being read
};

}  // namespace

absl::Status ParseRules(std::string_view yaml, std::string_view file, RuleSet* set) {
  if (yaml.size() > kRuleFileBytesMax) return absl::InvalidArgumentError(absl::StrCat(Av(file), ": is too large"));
  try {  // yaml-cpp reports by exceptions; none leaves this function
    return Reader(file, set).Read(YAML::Load(std::string(yaml)));
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat(Av(file), ":", error.mark.line + 1, ": not valid YAML: ", error.msg));
  }
}

}  // namespace wavepost
