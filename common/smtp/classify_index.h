// Finds all rules whose words a text has, in one pass over the text instead of one per pattern. For classify.cc only.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "common/smtp/classify_text.h"

namespace wavepost {

// Immutable; any thread may ask. Get() makes it from ClassifyRules() once.
class RuleIndex {
 public:
  static constexpr size_t kRulesMax = 256;

  static const RuleIndex& Get();

  struct Hits {
    std::bitset<kRulesMax> words;   // bit i: the text matches ClassifyRules()[i].words
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

  RuleIndex();
  void Add(std::string_view pattern, size_t rule, bool unless);
  static size_t Bucket(char first, char second);

  // Alternatives by the first two bytes of their first piece.
  std::array<std::vector<Entry>, kBuckets> buckets_;
};

}  // namespace wavepost
