// The set of rules that Classify() uses: the built-in ones (rules/*.yaml), an operator's own in front of them.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/smtp/classify_index.h"
#include "common/smtp/rule_file.h"

namespace wavepost {

// Immutable; any thread may read it.
class RuleBook {
 public:
  explicit RuleBook(RuleSet set);
  RuleBook(const RuleBook&) = delete;
  RuleBook& operator=(const RuleBook&) = delete;

  // The one in use. Made of the built-in rules on first use, which takes a few milliseconds.
  static const RuleBook& Active();

  std::span<const ClassifyRule> rules() const { return set_.rules; }
  std::span<const ClassifyRule> local() const { return set_.local; }
  const RuleSet& set() const { return set_; }
  const RuleIndex& index() const { return index_; }

 private:
  const RuleSet set_;
  const RuleIndex index_;
};

// Puts the rules of a file (see rule_file.h) in front of those in use. Call it at start, before other threads classify:
// what they hold of the old set stays valid for ever, but they may judge by either.
//
// kNotFound, kInvalidArgument (also: a rule that does not take its own sample): with file, line and reason; the rules
// in use stay as they are.
absl::Status LoadRules(const std::string& path);

// Takes rules out of those in use, for cross-checks (tests/corpus/kfold.py). Names without a rule are ignored.
void DisableRules(const std::set<std::string, std::less<>>& names);

// Classify() and ClassifyLocalError() by the rules of `book`, which must live as long as the verdict.
Verdict ClassifyWith(const RuleBook& book, const Reply& reply, Phase phase);
Verdict ClassifyLocalErrorWith(const RuleBook& book, std::string_view text);

// What is wrong with a set, a line each: a rule whose sample another rule takes, or none. Empty: nothing.
std::vector<std::string> CheckSamples(const RuleBook& book);

}  // namespace wavepost
