#include "bouncer/formats/format_book.h"

#include <gtest/gtest.h>

#include <string>

#include "bouncer/formats/formats_text.h"

namespace wavepost {
namespace {

TEST(FormatsYaml, IsRead) {
  RuleSet set;
  const absl::Status status = ParseRules(kFormatsYaml, "formats.yaml", &set);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_GE(set.rules.size(), 30u);
}

// No format is dead or shadowed by an earlier one.
TEST(FormatsYaml, EverySampleIsTakenByItsOwnFormat) {
  const FormatBook& book = FormatBook::Active();
  for (const ClassifyRule& format : book.formats()) {
    const ClassifyRule* taken = book.SignsOf(ToWords(format.sample)).format;
    ASSERT_NE(taken, nullptr) << format.name;
    EXPECT_EQ(taken->name, format.name);
  }
}

}  // namespace
}  // namespace wavepost
