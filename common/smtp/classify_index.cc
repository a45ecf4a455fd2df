#include "common/smtp/classify_index.h"

#include "common/base/check.h"

namespace wavepost {
namespace {

// The first four bytes as a number, fewer if there are not so many.
uint32_t Head(std::string_view text) {
  uint32_t head = 0;
  for (size_t i = 0; i < 4 && i < text.size(); ++i) head |= uint32_t{static_cast<unsigned char>(text[i])} << (8 * i);
  return head;
}

}  // namespace

RuleIndex::RuleIndex(std::span<const ClassifyRule> rules) {
  WP_CHECK(rules.size() <= kRulesMax);
  for (size_t i = 0; i < rules.size(); ++i) {
    Add(rules[i].words, i, /*unless=*/false);
    Add(rules[i].unless, i, /*unless=*/true);
  }
}

bool RuleIndex::CanHold(std::string_view alternative) {
  // A first piece of one letter would belong into many buckets.
  if (alternative.size() < 2 || std::string_view("*_$").find(alternative[1]) != std::string_view::npos) return false;
  const size_t star = alternative.find('*');
  return star == std::string_view::npos || (star > 0 && star + 2 < alternative.size());
}

void RuleIndex::Add(std::string_view pattern, size_t rule, bool unless) {
  while (!pattern.empty()) {
    const size_t bar = pattern.find('|');
    const std::string_view alternative = pattern.substr(0, bar);
    WP_CHECK(CanHold(alternative));
    const size_t star = alternative.find('*');
    const std::string_view first = alternative.substr(0, alternative.find_first_of("*_$"));
    Entry entry{
        Head(alternative), first.size() >= 4 ? 0xffffffff : 0x0000ffff, kBuckets, static_cast<uint16_t>(rule), unless,
        alternative};
    if (star != std::string_view::npos) {
      entry.next = static_cast<uint16_t>(Bucket(alternative[star + 1], alternative[star + 2]));
    }
    entry.head &= entry.head_mask;
    buckets_[Bucket(alternative[0], alternative[1])].push_back(entry);
    pattern = bar == std::string_view::npos ? std::string_view() : pattern.substr(bar + 1);
  }
}

size_t RuleIndex::Bucket(char first, char second) {
  return (static_cast<unsigned char>(first) * 67u + static_cast<unsigned char>(second)) % kBuckets;
}

RuleIndex::Hits RuleIndex::Find(const ReplyWords& words) const {
  Hits hits;
  const std::string_view text = words.text;
  // Which buckets the text can reach at all: most second pieces are ruled out by it.
  std::bitset<kBuckets> present;
  const auto starts = [text](size_t i) { return text[i - 1] == ' ' || StartsAnywhere(text[i]); };
  for (size_t i = 1; i + 1 < text.size(); ++i) {
    if (starts(i)) present.set(Bucket(text[i], text[i + 1]));
  }
  for (size_t i = 1; i + 1 < text.size(); ++i) {
    if (!starts(i)) continue;
    const uint32_t head = Head(text.substr(i));
    for (const Entry& entry : buckets_[Bucket(text[i], text[i + 1])]) {
      if ((head & entry.head_mask) != entry.head) continue;
      if (entry.next != kBuckets && !present[entry.next]) continue;
      std::bitset<kRulesMax>& bits = entry.unless ? hits.unless : hits.words;
      if (!bits[entry.rule] && MatchesAt(words, entry.alternative, i)) bits.set(entry.rule);
    }
  }
  return hits;
}

}  // namespace wavepost
