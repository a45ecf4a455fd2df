#include "common/smtp/classify_index.h"

#include <span>

#include "common/base/check.h"
#include "common/smtp/classify_rules.h"

namespace wavepost {

const RuleIndex& RuleIndex::Get() {
  static const RuleIndex kIndex;
  return kIndex;
}

RuleIndex::RuleIndex() {
  const std::span<const ClassifyRule> rules = ClassifyRules();
  WP_CHECK(rules.size() <= kRulesMax);
  for (size_t i = 0; i < rules.size(); ++i) {
    Add(rules[i].words, i, /*unless=*/false);
    Add(rules[i].unless, i, /*unless=*/true);
  }
}

void RuleIndex::Add(std::string_view pattern, size_t rule, bool unless) {
  while (!pattern.empty()) {
    const size_t bar = pattern.find('|');
    const std::string_view alternative = pattern.substr(0, bar);
    // A first piece of one letter would belong into many buckets; no row has one.
    WP_CHECK(alternative.size() >= 2 && alternative[1] != '*' && alternative[1] != '_' && alternative[1] != '$');
    buckets_[Bucket(alternative[0], alternative[1])].push_back({static_cast<uint16_t>(rule), unless, alternative});
    pattern = bar == std::string_view::npos ? std::string_view() : pattern.substr(bar + 1);
  }
}

size_t RuleIndex::Bucket(char first, char second) {
  return (static_cast<unsigned char>(first) * 67u + static_cast<unsigned char>(second)) % kBuckets;
}

RuleIndex::Hits RuleIndex::Find(const ReplyWords& words) const {
  Hits hits;
  const std::string_view text = words.text;
  for (size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i - 1] != ' ' && !StartsAnywhere(text[i])) continue;
    for (const Entry& entry : buckets_[Bucket(text[i], text[i + 1])]) {
      std::bitset<kRulesMax>& bits = entry.unless ? hits.unless : hits.words;
      if (!bits[entry.rule] && MatchesAt(words, entry.alternative, i)) bits.set(entry.rule);
    }
  }
  return hits;
}

}  // namespace wavepost
