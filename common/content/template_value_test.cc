#include "common/content/template_value.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace wavepost {
namespace {

using ::testing::HasSubstr;
using Kind = TemplateValue::Kind;

std::string Repeat(const std::string& what, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += what;
  return out;
}

TEST(TemplateValueTest, ReadsAllKinds) {
  const auto value = ParseTemplateJson(
      R"({"s": "a\u00e4\n", "n": -7, "big": 18446744073709551615, "huge": 123456789012345678901, "d": 1.10,
          "t": true, "f": false, "z": null, "l": [1, "x"], "o": {}})");
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_EQ(value->kind(), Kind::kObject);
  EXPECT_EQ(value->Find("s")->text(), "aä\n");
  EXPECT_EQ(value->Find("n")->text(), "-7");
  EXPECT_EQ(value->Find("big")->text(), "18446744073709551615");
  EXPECT_EQ(value->Find("huge")->text(), "123456789012345678901");
  EXPECT_EQ(value->Find("d")->text(), "1.10");  // as it was written
  EXPECT_EQ(value->Find("t")->kind(), Kind::kTrue);
  EXPECT_EQ(value->Find("f")->kind(), Kind::kFalse);
  EXPECT_EQ(value->Find("z")->kind(), Kind::kNull);
  ASSERT_EQ(value->Find("l")->items().size(), 2u);
  EXPECT_EQ(value->Find("l")->items()[1].text(), "x");
  EXPECT_EQ(value->Find("o")->kind(), Kind::kObject);
  EXPECT_EQ(value->Find("x"), nullptr);
  EXPECT_EQ(value->Find("s")->Find("s"), nullptr);
}

struct TruthRow {
  const char* json;
  bool want;
};

TEST(TemplateValueTest, KnowsWhatShowsASection) {
  const TruthRow kRows[] = {{"", false},         {" \n", false},  {"null", false}, {"false", false}, {"true", true},
                            {"[]", false},       {"[0]", true},   {"{}", true},    {"0", true},      {"\"\"", false},
                            {"\" \\t\"", false}, {"\"x\"", true}, {"[null]", true}};
  for (const TruthRow& row : kRows) {
    const auto value = ParseTemplateJson(row.json);
    ASSERT_TRUE(value.ok()) << row.json;
    EXPECT_EQ(value->IsTrue(), row.want) << row.json;
  }
}

struct BadRow {
  const char* name;
  std::string json;
  std::string want;
};

class BadTemplateJsonTest : public ::testing::TestWithParam<BadRow> {};

TEST_P(BadTemplateJsonTest, IsRefused) {
  const auto value = ParseTemplateJson(GetParam().json);
  ASSERT_EQ(value.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(value.status().message()), HasSubstr(GetParam().want));
}

INSTANTIATE_TEST_SUITE_P(
    Json, BadTemplateJsonTest,
    ::testing::Values(
        BadRow{"PlainText", "Berlin", "is not JSON, at character 1"},
        BadRow{"Unclosed", "{\"ä\": [1", "at character 9"}, BadRow{"TwoValues", "{} {}", "is not JSON, at character 4"},
        BadRow{"TrailingComma", "[1,]", "is not JSON"},
        BadRow{"SingleQuotes", "{'a': 1}", "is not JSON, at character 2"}, BadRow{"NaN", "[NaN]", "is not JSON"},
        BadRow{"Infinity", "-Infinity", "is not JSON"}, BadRow{"NumberTooLarge", "[1e999]", "a number is too large"},
        BadRow{"Comment", "[1 /* x */]", "is not JSON"}, BadRow{"HalfSurrogate", "\"\\ud800\"", "is not JSON"},
        BadRow{"InvalidUtf8", "\"\xff\"", "is not valid UTF-8"}, BadRow{"Control", "\"a\nb\"", "is not JSON"},
        BadRow{"Nul", std::string("[1]\0", 4), "is not JSON"},
        BadRow{"NameTwice", R"({"a": {"b": 1, "c": 2, "b": 3}})", "\"b\" is there twice in one object"},
        BadRow{"Deep", Repeat("[", 17) + Repeat("]", 17), "nests lists and objects more than 16 deep"},
        BadRow{"DeepObjects", Repeat("{\"a\":", 17) + "1" + Repeat("}", 17), "more than 16 deep"},
        BadRow{"DeepUnclosed", Repeat("[", 60'000), "more than 16 deep"},
        BadRow{"ManyValues", "[" + Repeat("0,", 4000) + "0]", "has more than 4000 values in it"},
        BadRow{"Large", "\"" + std::string(64 << 10, 'x') + "\"", "has 65538 bytes of JSON; at most 65536"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(TemplateValueTest, AcceptsWhatIsJustWithinTheLimits) {
  EXPECT_TRUE(ParseTemplateJson(Repeat("[", 16) + Repeat("]", 16)).ok());
  EXPECT_TRUE(ParseTemplateJson("[" + Repeat("0,", 3998) + "0]").ok());
  EXPECT_TRUE(ParseTemplateJson("\"" + std::string((64 << 10) - 2, 'x') + "\"").ok());
  EXPECT_TRUE(ParseTemplateJson("[[1]]", {.bytes_max = 5, .depth_max = 2, .values_max = 3}).ok());
}

TEST(TemplateValueTest, ErrorsDoNotQuoteTheValue) {
  EXPECT_THAT(std::string(ParseTemplateJson("{\"salary\": secret}").status().message()),
              ::testing::Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace wavepost
