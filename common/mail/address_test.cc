#include "common/mail/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace wavepost {
namespace {

using ::testing::HasSubstr;

std::string Labels(int count, int size) {
  std::string out;
  for (int i = 0; i < count; ++i) out += std::string(static_cast<size_t>(size), 'd') + ".";
  return out;
}

struct GoodRow {
  const char* name;
  std::string text;
  std::string want;
  bool smtputf8 = false;
};

class GoodAddressTest : public ::testing::TestWithParam<GoodRow> {};

TEST_P(GoodAddressTest, IsNormalized) {
  const auto address = ParseAddress(GetParam().text);
  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_EQ(address->ToString(), GetParam().want);
  EXPECT_EQ(address->needs_smtputf8, GetParam().smtputf8);
  const auto again = ParseAddress(GetParam().want);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->ToString(), GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(
    Rfc5321, GoodAddressTest,
    ::testing::Values(
        GoodRow{"Plain", "jane@example.com", "jane@example.com"},
        GoodRow{"DomainFoldsLocalDoesNot", "Jane.Doe@Example.COM", "Jane.Doe@example.com"},
        GoodRow{"AllAtomCharacters", "!#$%&'*+-/=?^_`{|}~@example.com", "!#$%&'*+-/=?^_`{|}~@example.com"},
        GoodRow{"Plus", "a+b@example.com", "a+b@example.com"},
        GoodRow{"Quoted", "\"john doe\"@example.com", "\"john doe\"@example.com"},
        GoodRow{"QuotedAt", "\"a@b\"@example.com", "\"a@b\"@example.com"},
        GoodRow{"NeedlessQuotes", "\"jane.doe\"@example.com", "jane.doe@example.com"},
        GoodRow{"NeedlessBackslash", "\"j\\ane\"@example.com", "jane@example.com"},
        GoodRow{"QuotedQuote", "\"a\\\"b\\\\\"@example.com", "\"a\\\"b\\\\\"@example.com"},
        GoodRow{"QuotedDots", "\"a..b\"@example.com", "\"a..b\"@example.com"},
        GoodRow{"IdnDomain", "info@müller.example", "info@xn--mller-kva.example"},
        GoodRow{"IdnUpperCase", "info@MÜLLER.example", "info@xn--mller-kva.example"},
        GoodRow{"IdnSharpS", "a@straße.example", "a@xn--strae-oqa.example"},
        GoodRow{"IdnDecomposed", "a@mu\xCC\x88ller.example", "a@xn--mller-kva.example"},
        GoodRow{"IdeographicDot", "a@例え\xE3\x80\x82jp", "a@xn--r8jz45g.jp"},
        GoodRow{"ALabel", "a@XN--mller-KVA.example", "a@xn--mller-kva.example"},
        GoodRow{"Utf8Local", "jürgen@example.com", "jürgen@example.com", true},
        GoodRow{"Utf8QuotedLocal", "\"jürgen x\"@example.com", "\"jürgen x\"@example.com", true},
        GoodRow{"EmojiLocal", "\xF0\x9F\x93\xA7@example.com", "\xF0\x9F\x93\xA7@example.com", true},
        GoodRow{"LocalOf64", std::string(64, 'a') + "@example.com", std::string(64, 'a') + "@example.com"},
        GoodRow{"LabelOf63", "a@" + std::string(63, 'd') + ".com", "a@" + std::string(63, 'd') + ".com"},
        GoodRow{"Of254", "a@" + Labels(3, 63) + std::string(60, 'x'), "a@" + Labels(3, 63) + std::string(60, 'x')},
        GoodRow{"TwoHyphens", "a@ab--cd.example", "a@ab--cd.example"}, GoodRow{"DigitsInDomain", "a@1.2x", "a@1.2x"}),
    [](const auto& row) { return std::string(row.param.name); });

struct BadRow {
  const char* name;
  std::string text;
  std::string why;
};

class BadAddressTest : public ::testing::TestWithParam<BadRow> {};

TEST_P(BadAddressTest, SaysWhy) {
  const auto address = ParseAddress(GetParam().text);
  ASSERT_FALSE(address.ok()) << address->ToString();
  EXPECT_EQ(address.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(address.status().message()), HasSubstr(GetParam().why));
}

INSTANTIATE_TEST_SUITE_P(
    Rfc5321, BadAddressTest,
    ::testing::Values(
        BadRow{"Empty", "", "empty"}, BadRow{"NoAt", "jane.example.com", "there is no @"},
        BadRow{"NoLocal", "@example.com", "nothing before the @"}, BadRow{"NoDomain", "jane@", "nothing after the @"},
        BadRow{"TwoAts", "a@b@example.com", "more than one @"},
        BadRow{"AtAfterQuoted", "\"a\"@b@example.com", "more than one @"},
        BadRow{"SpaceBefore", " a@example.com", "white space before or after"},
        BadRow{"NewlineAfter", "a@example.com\n", "white space before or after"},
        BadRow{"SpaceInside", "a b@example.com", "contains a space"},
        BadRow{"SpaceInDomain", "a@exam ple.com", "the domain contains a space"},
        BadRow{"LeadingDot", ".a@example.com", "starts with a dot"},
        BadRow{"TrailingDot", "a.@example.com", "dot right before the @"},
        BadRow{"DoubleDot", "a..b@example.com", "two dots in a row before"},
        BadRow{"Comma", "a,b@example.com", "contains ','"}, BadRow{"Comment", "a(x)@example.com", "contains '('"},
        BadRow{"DisplayName", "Jane <jane@example.com>", "without name and brackets"},
        BadRow{"Brackets", "<jane@example.com>", "without name and brackets"},
        BadRow{"QuoteInside", "a\"b@example.com", "contains '\"'"},
        BadRow{"QuoteOpen", "\"a@example.com", "not closed"}, BadRow{"QuoteEndsInBackslash", "\"a\\", "not closed"},
        BadRow{"QuotedNothing", "\"\"@example.com", "nothing before the @"},
        BadRow{"QuoteThenText", "\"a\"b@example.com", "not followed by an @"},
        BadRow{"QuoteAlone", "\"a\"", "not followed by an @"}, BadRow{"ControlInLocal", "a\x01@example.com", "U+0001"},
        BadRow{"NulInLocal", std::string("a\0@example.com", 14), "U+0000"},
        BadRow{"NewlineInQuoted", "\"a\r\nb\"@example.com", "U+000D"},
        BadRow{"TabInQuotedPair", "\"a\\\tb\"@example.com", "U+0009"},
        BadRow{"NewlineInDomain", "a@example.com\r\nRCPT TO:<x", "U+000D"},
        BadRow{"NulInIdn", std::string("a@m\xC3\xBC\0.example", 14), "U+0000"},
        BadRow{"BrokenUtf8", "j\xFCrgen@example.com", "not valid UTF-8"},
        BadRow{"ZeroWidthSpace", "jane\xE2\x80\x8B@example.com", "U+200B"},
        BadRow{"NoBreakSpace", "jane@example.com\xC2\xA0", "U+00A0"},
        BadRow{"Bom", "\xEF\xBB\xBFjane@example.com", "U+FEFF"},
        BadRow{"RightToLeftOverride", "a\xE2\x80\xAE@example.com", "U+202E"},
        BadRow{"LocalOf65", std::string(65, 'a') + "@example.com", "longer than 64"},
        BadRow{"LabelOf64", "a@" + std::string(64, 'd') + ".com", "longer than 63"},
        BadRow{"Of255", "ab@" + Labels(3, 63) + std::string(60, 'x'), "longer than 254"},
        BadRow{"DomainOf254", "a@" + Labels(3, 63) + std::string(62, 'x'), "domain is longer than 253"},
        BadRow{"Huge", std::string(1'000'000, 'a') + "@example.com", "longer than 254"},
        BadRow{"OneLabel", "root@localhost", "has no dot"},
        BadRow{"DomainStartsWithDot", "a@.com", "starts with a dot"},
        BadRow{"DomainEndsWithDot", "a@example.com.", "ends with a dot"},
        BadRow{"DomainTwoDots", "a@example..com", "two dots in a row"}, BadRow{"Hyphen", "a@-example.com", "hyphen"},
        BadRow{"HyphenAtEnd", "a@example-.com", "hyphen"}, BadRow{"Underscore", "a@exa_mple.com", "contains '_'"},
        BadRow{"Literal", "a@[192.0.2.1]", "in brackets"}, BadRow{"BareIp", "a@192.0.2.1", "IP address"},
        BadRow{"IdnEmoji", "a@\xF0\x9F\x92\xA9.example", "is not valid"},
        BadRow{"BadALabel", "a@xn--mller-.example", "is not valid"},
        BadRow{"EmptyALabel", "a@xn--.example", "is not valid"},
        BadRow{"IdnTooLong",
               "a@" +
                   [] {
                     std::string s;
                     for (int i = 0; i < 60; ++i) s += "ü";
                     return s;
                   }() +
                   "müller.example",
               "is not valid"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(ParseDomainTest, GivesALabels) {
  EXPECT_EQ(*ParseDomain("Bounce.Müller.example"), "bounce.xn--mller-kva.example");
  EXPECT_FALSE(ParseDomain("").ok());
  EXPECT_FALSE(ParseDomain("a@b.example").ok());
}

TEST(SuppressionKeyTest, FoldsAscii) {
  EXPECT_EQ(SuppressionKey("Jane.Doe@example.com"), "jane.doe@example.com");
}

}  // namespace
}  // namespace wavepost
