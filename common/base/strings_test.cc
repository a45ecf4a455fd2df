#include "common/base/strings.h"

#include <gtest/gtest.h>

namespace wavepost {
namespace {

TEST(StringsTest, PrintableReplacesControlsAndBrokenUtf8) {
  EXPECT_EQ(Printable("a\r\nb\x1b[31m"), "a  b [31m");
  EXPECT_EQ(Printable("\xC2\x9B"
                      "31m"),
            " 31m");
  EXPECT_EQ(Printable("\xFFz"), "?z");
  EXPECT_EQ(Printable("Müller"), "Müller");
}

TEST(StringsTest, PrintableNeverCutsACharacter) {
  EXPECT_EQ(Printable("aü", 2), "a");
  EXPECT_EQ(Printable("aü", 3), "aü");
}

TEST(StringsTest, IsUtf8RefusesOverlongAndSurrogates) {
  EXPECT_TRUE(IsUtf8("grün \xF0\x9F\x92\xA1"));
  EXPECT_FALSE(IsUtf8("\xC0\xAF"));
  EXPECT_FALSE(IsUtf8("\xE0\x80\xAF"));
  EXPECT_FALSE(IsUtf8("\xED\xA0\x80"));
  EXPECT_FALSE(IsUtf8("\xF4\x90\x80\x80"));
  EXPECT_FALSE(IsUtf8("\xC3"));
}

TEST(StringsTest, RedactKeepsDomainOnly) {
  EXPECT_EQ(Redact("jane.doe@example.com"), "j***@example.com");
  EXPECT_EQ(Redact("nonsense"), "***");
}

TEST(StringsTest, ContainsIgnoreCase) {
  EXPECT_TRUE(ContainsIgnoreCase("Recipient GREYLISTED, wait", "greylisted"));
  EXPECT_FALSE(ContainsIgnoreCase("grey", "greylisted"));
}

}  // namespace
}  // namespace wavepost
