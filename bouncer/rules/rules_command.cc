#include "bouncer/rules/rules_command.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <span>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "bouncer/formats/format_book.h"
#include "bouncer/parse/files.h"
#include "bouncer/reading/reading.h"
#include "common/base/status_macros.h"
#include "common/smtp/rule_book.h"

namespace wavepost {
namespace {

constexpr int kNameColumns = 26;
constexpr int kOriginColumns = 20;

struct Named {
  std::string name;
  std::string origin;
  std::string sample;
};

void Append(std::span<const ClassifyRule> rules, std::vector<Named>* all) {
  for (const ClassifyRule& rule : rules) all->push_back({rule.name, rule.origin, rule.sample});
}

std::vector<Named> All() {
  std::vector<Named> all;
  Append(RuleBook::Active().rules(), &all);
  Append(RuleBook::Active().local(), &all);
  Append(FormatBook::Active().formats(), &all);
  return all;
}

absl::Status Check(std::FILE* out) {
  std::vector<std::string> problems = CheckSamples(RuleBook::Active());
  for (const ClassifyRule& format : FormatBook::Active().formats()) {
    const ClassifyRule* taken = FormatBook::Active().SignsOf(ToWords(format.sample)).format;
    if (taken != nullptr && taken->name == format.name) continue;
    problems.push_back(absl::StrCat(format.origin, ": format ", format.name, ": its sample is taken by ",
                                    taken == nullptr ? "no format" : taken->name));
  }
  for (const std::string& problem : problems) std::fprintf(out, "%s\n", problem.c_str());
  if (problems.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(problems.size(), " samples are not taken by their own rule"));
}

absl::Status CountOver(const std::string& folder, std::FILE* out) {
  ASSIGN_OR_RETURN(const std::vector<MailFile> files, FindMailFiles(folder));
  std::map<std::string, size_t, std::less<>> fired;
  size_t read = 0;
  for (const MailFile& file : files) {
    const absl::StatusOr<std::string> mail = ReadMailFile(file);
    if (!mail.ok()) continue;
    ++read;
    for (const Finding& finding : ReadMail(*mail).findings) {
      if (!finding.rule.empty()) ++fired[finding.rule];
      if (!finding.format.empty()) ++fired[finding.format];
    }
  }
  std::vector<Named> all = All();
  std::stable_sort(all.begin(), all.end(), [&fired](const Named& a, const Named& b) {
    return fired[a.name] > fired[b.name];  // makes a zero for those that never fired
  });
  size_t never = 0;
  for (const Named& named : all) {
    never += fired[named.name] == 0 ? 1 : 0;
    std::fprintf(out, "%7zu  %-*s %s\n", fired[named.name], kNameColumns, named.name.c_str(), named.origin.c_str());
  }
  std::fprintf(out, "%zu mails; %zu of %zu rules and formats never fired\n", read, never, all.size());
  return absl::OkStatus();
}

}  // namespace

absl::Status RunRulesCommand(const RulesOptions& options, std::FILE* out) {
  if (!options.check.empty()) {
    RETURN_IF_ERROR(LoadRules(options.check));
    RETURN_IF_ERROR(Check(out));
    std::fprintf(out, "%s: OK\n", options.check.c_str());
  }
  if (!options.corpus.empty()) return CountOver(options.corpus, out);
  if (!options.check.empty()) return absl::OkStatus();
  for (const Named& named : All()) {
    std::fprintf(out, "%-*s %-*s %s\n", kNameColumns, named.name.c_str(), kOriginColumns, named.origin.c_str(),
                 named.sample.c_str());
  }
  return Check(out);
}

void SwitchOff(const std::vector<std::string>& names) {
  const std::set<std::string, std::less<>> set(names.begin(), names.end());
  DisableRules(set);
  DisableFormats(set);
}

}  // namespace wavepost
