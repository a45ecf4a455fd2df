// The files of rules/, in the order in which they count. For rule_book.cc and its tests.
#pragma once

#include <array>
#include <string_view>

namespace wavepost {

struct RuleText {
  std::string_view file;
  std::string_view yaml;
};

extern const std::array<RuleText, 7> kRuleTexts;

}  // namespace wavepost
