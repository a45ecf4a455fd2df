// Finds all rules whose words a text has, in one pass over the text instead of one per pattern.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "common/smtp/classify_rules.h"
#include "common/smtp/classify_text.h"

namespace wavepost {

// Immutable; any thread may ask.
class RuleIndex {
 public:
  static constexpr size_t kRulesMax = 256;

  // The rules must outlive it and be patterns that it can hold; at most kRulesMax.
  explicit RuleIndex(std::span<const ClassifyRule> rules);
  RuleIndex(const RuleIndex&) = delete;
  RuleIndex& operator=(const RuleIndex&) = delete;

  // True if `alternative` has two bytes to look it up by, and two after its first '*'.
  static bool CanHold(std::string_view alternative);

  struct Hits {
    std::bitset<kRulesMax> words;   // bit i: the text matches rules[i].words
    std::bitset<kRulesMax> unless;  // the same for .unless
  };
  Hits Find(const ReplyWords& words) const;

 private:
  struct Entry {
    uint32_t head;  // the first bytes of the alternative, as many as `head_mask` covers
    uint32_t head_mask;
    uint16_t next;  // bucket of its second piece; kBuckets: it has none
    uint16_t rule;
    bool unless;
    std::string_view alternative;
  };
  static constexpr size_t kBuckets = 4096;

  void Add(std::string_view pattern, size_t rule, bool unless);
  static size_t Bucket(char first, char second);

  // Alternatives by the first two bytes of their first piece.
  std::array<std::vector<Entry>, kBuckets> buckets_;
};

}  // namespace wavepost
