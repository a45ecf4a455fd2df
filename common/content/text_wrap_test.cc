#include "common/content/text_wrap.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace wavepost {
namespace {

// Wraps, with line ends as \n on both sides.
std::string Wrapped(std::string text, size_t width) {
  for (size_t i = 0; (i = text.find('\n', i)) != std::string::npos; i += 2) text.insert(i, "\r");
  WrapText(&text, width);
  std::erase(text, '\r');
  return text;
}

struct WrapRow {
  const char* name;
  std::string text;
  std::string want;
};

class WrapTextTest : public ::testing::TestWithParam<WrapRow> {};

TEST_P(WrapTextTest, WrapsAtTwelve) {
  EXPECT_EQ(Wrapped(GetParam().text, 12), GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(
    Width12, WrapTextTest,
    ::testing::Values(
        WrapRow{"Empty", "", ""}, WrapRow{"Fits", "123456789 12\n\nab  \n", "123456789 12\n\nab  \n"},
        WrapRow{"BreaksAtSpace", "1234 6789 123\n", "1234 6789\n123\n"},
        WrapRow{"LastColumnIsUsed", "1234 6789 12 x\ny\n", "1234 6789 12\nx\ny\n"},
        WrapRow{"SpacesAtTheBreakVanish", "1234 67890    123", "1234 67890\n123"},
        WrapRow{"SpacesInsideStay", "12  45 78 0123456", "12  45 78\n0123456"},
        WrapRow{"TrailingSpaces", "123456789012   \nx", "123456789012\nx"},
        WrapRow{"SeveralLines", "aaaa bbbb cccc dddd eeee ffff", "aaaa bbbb\ncccc dddd\neeee ffff"},
        WrapRow{"LongWordStays", "12345678901234567890 x y", "12345678901234567890\nx y"},
        WrapRow{"LongWordInside", "ab 12345678901234567890 x", "ab\n12345678901234567890\nx"},
        WrapRow{"Url", "see https://x.example/a-b?c=d now", "see\nhttps://x.example/a-b?c=d\nnow"},
        WrapRow{"LinkWithSpaces", "Start <https://x.example/a b c> now", "Start\n<https://x.example/a b c>\nnow"},
        WrapRow{"MailLink", "Us <a b@x.example> now", "Us\n<a b@x.example>\nnow"},
        WrapRow{"LessThanIsNoLink", "aa < bb cc dd > ee", "aa < bb cc\ndd > ee"},
        WrapRow{"BracketsAreNoLink", "<aa bb cc dd ee>", "<aa bb cc dd\nee>"},
        WrapRow{"ListItem", "- one two three\n  - four five six", "- one two\n  three\n  - four\n    five six"},
        WrapRow{"NumberedItem", "12. one two three", "12. one two\n    three"},
        WrapRow{"YearIsNoNumber", "2024. one two three", "2024. one\ntwo three"},
        WrapRow{"Indented", "  one two three four", "  one two\n  three four"},
        WrapRow{"DeepIndent", "          one two three", "          one\n      two\n      three"},
        WrapRow{"BulletWithTwoSpaces", "-  one two three", "-  one two\n  three"},
        WrapRow{"UmlautsAreOneColumn", "äöüä öüäö üä xy", "äöüä öüäö üä\nxy"},
        WrapRow{"CombiningTakesNone", "a\u0308o\u0308u\u0308a o\u0308u\u0308a\u0308o u\u0308a x",
                "a\u0308o\u0308u\u0308a o\u0308u\u0308a\u0308o u\u0308a\nx"},
        WrapRow{"WideIsTwo", "今今今今今 今今今", "今今今今今\n今今今"},
        WrapRow{"WideBreaksAnywhere", "今日は良い天気ですね", "今日は良い天\n気ですね"},
        WrapRow{"NoLineBeginsWithAStop", "今日は良い天。気です", "今日は良い\n天。気です"},
        WrapRow{"NoLineEndsWithAnOpening", "今日は良い「天気」", "今日は良い\n「天気」"},
        WrapRow{"KoreanAtSpaces", "안녕하세요 여러분 반갑", "안녕하세요\n여러분 반갑"},
        WrapRow{"Emoji", "🎉🎉🎉🎉🎉 🎉🎉", "🎉🎉🎉🎉🎉\n🎉🎉"},
        WrapRow{"NoBreakSpaceHolds", "aaa bbbb\u00A0cccc dde", "aaa\nbbbb\u00A0cccc\ndde"},
        WrapRow{"NotUtf8", "aaaa\xff\xe4 bbbb\xf0 cccc", "aaaa\xff\xe4 bbbb\xf0\ncccc"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(WrapTextTest, LeavesLineEndsAlone) {
  std::string text = "aaaa bbbb\r\ncccc\r\n";
  WrapText(&text, 6);
  EXPECT_EQ(text, "aaaa\r\nbbbb\r\ncccc\r\n");
}

// Values are hostile: what looks like the start of many links must not be searched again for each.
TEST(WrapTextTest, IsLinear) {
  std::string text;
  for (int i = 0; i < 500'000; ++i) text += i % 2 == 0 ? "<:" : " <";
  const auto start = std::chrono::steady_clock::now();
  WrapText(&text);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

}  // namespace
}  // namespace wavepost
