#include "bouncer/report/header_block.h"

#include <gtest/gtest.h>

#include <string>

#include "common/base/strings.h"

namespace wavepost {
namespace {

struct ValueRow {
  std::string name;
  std::string raw;
  std::string want;
};

class DecodeHeaderValueTest : public ::testing::TestWithParam<ValueRow> {};

TEST_P(DecodeHeaderValueTest, Decodes) {
  EXPECT_EQ(DecodeHeaderValue(GetParam().raw, 1000), GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, DecodeHeaderValueTest,
    ::testing::Values(ValueRow{"Plain", " hello \r\n", "hello"}, ValueRow{"Folded", "a\r\n b\n\tc", "a b c"},
                      ValueRow{"Q", "=?iso-8859-1?Q?Abwesend_bis_M=E4rz?=", "Abwesend bis März"},
                      ValueRow{"B", "=?utf-8?B?TcOkcno=?= end", "März end"},
                      ValueRow{"NoPadding", "=?utf-8?B?TcOkcno?=", "März"},
                      ValueRow{"SpaceBetweenWordsGoes", "=?utf-8?Q?a?= =?utf-8?Q?b?= c", "ab c"},
                      ValueRow{"FoldBetweenWordsGoes", "=?utf-8?Q?a?=\r\n =?utf-8?Q?b?=", "ab"},
                      ValueRow{"CharacterCutBetweenWords", "=?utf-8?Q?=C3?= =?utf-8?Q?=A4?=", "ä"},
                      ValueRow{"TwoCharsets", "=?utf-8?Q?=C3=A4?= =?iso-8859-1?Q?=E4?=", "ää"},
                      ValueRow{"Language", "=?utf-8*de?Q?=C3=A4?=", "ä"},
                      ValueRow{"InTheMiddle", "[=?iso-8859-2?Q?odpowied=BC?=] test", "[odpowiedź] test"},
                      ValueRow{"Unfinished", "=?utf-8?Q?abc", "=?utf-8?Q?abc"},
                      ValueRow{"NotAWord", "a =? b", "a =? b"}, ValueRow{"RawLatin1", "M\xE4rz", "März"},
                      ValueRow{"Control", "a\x01\x1B[31mb", "a  [31mb"}, ValueRow{"Empty", "", ""}),
    [](const auto& row) { return row.param.name; });

TEST(HeaderBlockTest, ReadsToTheBlankLine) {
  HeaderFields fields;
  const std::string text = "From: a@b\r\nSubject: x\r\n y\r\nstray line\r\nTo: c@d\r\n\r\nBody: no\r\n";
  EXPECT_EQ(text.substr(ReadHeaderBlock(text, &fields, nullptr)), "Body: no\r\n");
  ASSERT_EQ(fields.fields.size(), 3u);
  EXPECT_EQ(fields.Get("subject"), "x y");
  EXPECT_EQ(fields.Get("to"), "c@d");
  EXPECT_TRUE(fields.Has("from"));
  EXPECT_FALSE(fields.Has("body"));
  EXPECT_EQ(fields.Get("body"), "");
}

TEST(HeaderBlockTest, NoFieldNoBlock) {
  HeaderFields fields;
  EXPECT_EQ(ReadHeaderBlock("Hello,\nFrom: a\n", &fields, nullptr), 0u);
  EXPECT_EQ(ReadHeaderBlock("http://example.com\n", &fields, nullptr), 0u);
  EXPECT_EQ(ReadHeaderBlock("", &fields, nullptr), 0u);
  EXPECT_TRUE(fields.empty());
}

TEST(HeaderBlockTest, Limits) {
  std::string text;
  for (size_t i = 0; i < 2 * kHeaderFieldsMax; ++i) text += "A: b\n";
  HeaderFields fields;
  bool complete = true;
  ReadHeaderBlock(text, &fields, &complete);
  EXPECT_EQ(fields.fields.size(), kHeaderFieldsMax);
  EXPECT_FALSE(complete);
  std::string words;
  for (int i = 0; i < 10'000; ++i) words += "=?utf-8?Q?=C3?= =?x?B?////?= ";
  EXPECT_TRUE(IsUtf8(DecodeHeaderValue(words, kHeaderValueBytesMax)));
  EXPECT_LE(DecodeHeaderValue(words, kHeaderValueBytesMax).size(), kHeaderValueBytesMax);
  EXPECT_LE(DecodeHeaderValue(std::string(1 << 20, '\xE4'), 100).size(), 100u);
}

}  // namespace
}  // namespace wavepost
