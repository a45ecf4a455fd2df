#include "bouncer/report/charset.h"

#include <gtest/gtest.h>

#include <string>

#include "common/base/strings.h"

namespace wavepost {
namespace {

struct CharsetRow {
  std::string name;
  std::string bytes;
  std::string charset;
  std::string want;
};

class ToUtf8Test : public ::testing::TestWithParam<CharsetRow> {};

TEST_P(ToUtf8Test, Reads) {
  EXPECT_EQ(ToUtf8(GetParam().bytes, GetParam().charset, 1000), GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, ToUtf8Test,
    ::testing::Values(
        CharsetRow{"Ascii", "plain", "", "plain"}, CharsetRow{"Utf8", "für", "utf-8", "für"},
        CharsetRow{"Latin1", "f\xFCr", "ISO-8859-1", "für"}, CharsetRow{"Windows", "\x80 5", "windows-1252", "€ 5"},
        CharsetRow{"Latin1WithWindowsQuotes", "\x93no\x94", "iso-8859-1", "“no”"},
        CharsetRow{"Polish", "odpowied\xBC", "iso-8859-2", "odpowiedź"},
        CharsetRow{"Cyrillic", "\xED\xE5\xF2", "windows-1251", "нет"},
        CharsetRow{"Koi", "\xCE\xC5\xD4", "koi8-r", "нет"}, CharsetRow{"Greek", "\xFC\xF7\xE9", "iso-8859-7", "όχι"},
        CharsetRow{"Iso2022Jp", "\x1B$B$\"\x1B(B!", "iso-2022-jp", "あ!"},
        CharsetRow{"Iso2022JpUnlabelled", "\x1B$B$\"\x1B(B", "us-ascii", "あ"},
        CharsetRow{"ShiftJis", "\x82\xA0", "Shift_JIS", "あ"}, CharsetRow{"EucJp", "\xA4\xA2", "EUC-JP", "あ"},
        CharsetRow{"Gb2312", "\xD6\xD0", "gb2312", "中"}, CharsetRow{"Gbk", "\xD6\xD0", "x-gbk", "中"},
        CharsetRow{"Gb18030", "\xD6\xD0", "GB18030", "中"}, CharsetRow{"Big5", "\xA4\xA4", "big5", "中"},
        CharsetRow{"Korean", "\xC7\xD1", "ks_c_5601-1987", "한"}, CharsetRow{"EucKr", "\xC7\xD1", "euc-kr", "한"},
        CharsetRow{"LabelLiesUtf8", "für", "iso-8859-1", "für"},
        CharsetRow{"LabelLiesAscii", "f\xFCr", "us-ascii", "für"},
        CharsetRow{"LabelLiesUtf8Not", "f\xFCr", "utf-8", "für"},
        CharsetRow{"Unknown", "f\xFCr", "x-user-defined", "für"},
        CharsetRow{"PathIsNoCharset", "f\xFCr", "../../tmp/evil.so", "für"},
        CharsetRow{"SuffixIsNoCharset", "f\xFCr", "utf-8//TRANSLIT", "für"},
        CharsetRow{"BadBytes", "\xD6", "gb2312", "\xEF\xBF\xBD"}, CharsetRow{"Empty", "", "utf-7", ""}),
    [](const auto& row) { return row.param.name; });

TEST(ToUtf8Limits, CutsBetweenCharacters) {
  EXPECT_EQ(ToUtf8("aä", "utf-8", 2), "a");
  EXPECT_EQ(ToUtf8("a\xE4", "iso-8859-1", 2), "a");
  std::string high(100'000, '\xE4');
  EXPECT_LE(ToUtf8(high, "iso-8859-1", 1001).size(), 1001u);
  EXPECT_TRUE(IsUtf8(ToUtf8(high, "iso-8859-1", 1001)));
}

TEST(ToUtf8Limits, EveryCharsetSurvivesEveryByte) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  for (const char* charset : {"iso-2022-jp", "iso-2022-kr", "hz-gb-2312", "utf-7", "utf-16", "utf-16le", "big5",
                              "gb18030", "euc-jp", "shift_jis", "euc-kr", "euc-tw", "koi8-u", "cp437", ""}) {
    EXPECT_TRUE(IsUtf8(ToUtf8(all + all, charset, 4000))) << charset;
  }
}

TEST(AppendUtf8Test, NoSurrogates) {
  std::string out;
  for (const char32_t c : {U'a', U'ä', U'中', U'😀', char32_t{0xD800}, char32_t{0x110000}}) AppendUtf8(c, &out);
  EXPECT_EQ(out, "aä中😀\xEF\xBF\xBD\xEF\xBF\xBD");
}

}  // namespace
}  // namespace wavepost
