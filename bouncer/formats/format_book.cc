#include "bouncer/formats/format_book.h"

#include <atomic>
#include <initializer_list>

#include "bouncer/formats/formats_text.h"
#include "common/base/check.h"

namespace wavepost {
namespace {

std::atomic<const FormatBook*> active_book{nullptr};

RuleSet BuiltIn() {
  RuleSet set;
  WP_CHECK(ParseRules(kFormatsYaml, "formats.yaml", &set).ok());  // our own file; format_book_test.cc reads it
  return set;
}

std::vector<ClassifyRule> Lists(const RuleSet& set, std::initializer_list<std::string_view> names,
                                std::vector<ClassifyRule> before = {}) {
  for (const std::string_view name : names) {
    const auto list = set.lists.find(name);
    WP_CHECK(list != set.lists.end());
    ClassifyRule rule;
    rule.name = name;
    rule.words = list->second;
    before.push_back(rule);
  }
  return before;
}

}  // namespace

FormatBook::FormatBook(const RuleSet& set)
    : formats_(set.rules),
      text_lists_(Lists(set, {"daemon", "failure", "delay", "final", "answer"}, set.rules)),
      line_lists_(Lists(set, {"stop", "recipients-follow"})),
      lead_lists_(Lists(set, {"about", "label"})),
      text_index_(text_lists_),
      line_index_(line_lists_),
      lead_index_(lead_lists_) {}

const FormatBook& FormatBook::Active() {
  if (const FormatBook* book = active_book.load(std::memory_order_acquire); book != nullptr) return *book;
  static const FormatBook* const kBuiltIn = new FormatBook(BuiltIn());
  const FormatBook* none = nullptr;
  active_book.compare_exchange_strong(none, kBuiltIn, std::memory_order_acq_rel);
  return *active_book.load(std::memory_order_acquire);
}

FormatBook::Signs FormatBook::SignsOf(const ReplyWords& words) const {
  const RuleIndex::Hits hits = text_index_.Find(words);
  Signs signs;
  for (size_t i = 0; i < formats_.size() && signs.format == nullptr; ++i) {
    if (hits.words[i] && !hits.unless[i]) signs.format = &formats_[i];
  }
  const size_t lists = formats_.size();
  signs.daemon = hits.words[lists];
  signs.failure = hits.words[lists + 1];
  signs.delay = hits.words[lists + 2];
  signs.final = hits.words[lists + 3];
  signs.answer = hits.words[lists + 4];
  return signs;
}

FormatBook::LineSigns FormatBook::SignsOfLine(const ReplyWords& words) const {
  const RuleIndex::Hits hits = line_index_.Find(words);
  return {.stop = hits.words[0], .recipients_follow = hits.words[1]};
}

FormatBook::Lead FormatBook::LeadOf(const ReplyWords& words) const {
  const RuleIndex::Hits hits = lead_index_.Find(words);
  return hits.words[0] ? Lead::kAbout : hits.words[1] ? Lead::kLabel : Lead::kNothing;
}

void DisableFormats(const std::set<std::string, std::less<>>& names) {
  RuleSet set = BuiltIn();
  std::erase_if(set.rules, [&names](const ClassifyRule& rule) { return names.contains(rule.name); });
  active_book.store(new FormatBook(set),
                    std::memory_order_release);  // the old one stays: groups point at nothing of it
}

}  // namespace wavepost
