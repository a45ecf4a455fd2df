#include "common/smtp/rule_book.h"

#include <atomic>
#include <fstream>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/smtp/classify.h"
#include "common/smtp/rule_texts.h"

namespace wavepost {
namespace {

std::atomic<const RuleBook*> active_book{nullptr};

const RuleBook* MakeBuiltIn() {
  RuleSet set;
  for (const RuleText& text : kRuleTexts) {
    const absl::Status status = ParseRules(text.yaml, text.file, &set);
    WP_CHECK(status.ok());  // our own files; rule_book_test.cc reads each of them
  }
  return new RuleBook(std::move(set));
}

// Old books are kept: verdicts point at their names.
void Activate(RuleSet set) {
  active_book.store(new RuleBook(std::move(set)), std::memory_order_release);
}

void CheckOne(const ClassifyRule& rule, std::string_view taken_by, std::vector<std::string>* problems) {
  if (taken_by == rule.name) return;
  problems->push_back(absl::StrCat(rule.origin, ": rule ", rule.name, ": its sample is taken by ",
                                   taken_by.empty() ? "no rule" : Av(taken_by)));
}

}  // namespace

RuleBook::RuleBook(RuleSet set) : set_(std::move(set)), index_(set_.rules) {}

const RuleBook& RuleBook::Active() {
  if (const RuleBook* book = active_book.load(std::memory_order_acquire); book != nullptr) return *book;
  static const RuleBook* const kBuiltIn = MakeBuiltIn();
  const RuleBook* none = nullptr;
  active_book.compare_exchange_strong(none, kBuiltIn, std::memory_order_acq_rel);
  return *active_book.load(std::memory_order_acquire);
}

absl::Status LoadRules(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": cannot be opened"));
  std::string yaml(kRuleFileBytesMax + 1, '\0');
  file.read(yaml.data(), static_cast<std::streamsize>(yaml.size()));
  yaml.resize(static_cast<size_t>(file.gcount()));
  const RuleSet& old = RuleBook::Active().set();
  RuleSet set{.lists = old.lists, .rules = {}, .local = {}};
  RETURN_IF_ERROR(ParseRules(yaml, path, &set));
  set.rules.insert(set.rules.end(), old.rules.begin(), old.rules.end());
  set.local.insert(set.local.end(), old.local.begin(), old.local.end());
  if (set.rules.size() > RuleIndex::kRulesMax)
    return absl::InvalidArgumentError(absl::StrCat(path, ": too many rules"));
  std::set<std::string_view> names;
  for (const std::vector<ClassifyRule>* rules : {&set.rules, &set.local}) {
    for (const ClassifyRule& rule : *rules) {
      if (!names.insert(rule.name).second) {
        return absl::InvalidArgumentError(
            absl::StrCat(path, ": rule ", rule.name, ": stands at ", rule.origin, " too"));
      }
    }
  }
  // A rule that does not take its own sample is not what its writer meant. Ours may be hidden by theirs on purpose.
  for (const std::string& problem : CheckSamples(RuleBook(set))) {
    if (problem.starts_with(path + ":")) return absl::InvalidArgumentError(problem);
  }
  Activate(std::move(set));
  return absl::OkStatus();
}

void DisableRules(const std::set<std::string, std::less<>>& names) {
  RuleSet set = RuleBook::Active().set();
  const auto named = [&names](const ClassifyRule& rule) { return names.contains(rule.name); };
  std::erase_if(set.rules, named);
  std::erase_if(set.local, named);
  Activate(std::move(set));
}

std::vector<std::string> CheckSamples(const RuleBook& book) {
  std::vector<std::string> problems;
  for (const ClassifyRule& rule : book.rules()) {
    const std::optional<Reply> reply = ReplyFromText(rule.sample);
    if (!reply) {
      problems.push_back(absl::StrCat(rule.origin, ": rule ", rule.name, ": its sample is no reply"));
      continue;
    }
    CheckOne(rule, ClassifyWith(book, *reply, rule.sample_phase).rule, &problems);
  }
  for (const ClassifyRule& rule : book.local()) {
    CheckOne(rule, ClassifyLocalErrorWith(book, rule.sample).rule, &problems);
  }
  return problems;
}

}  // namespace wavepost
