#include "sender/tls/mta_sts.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace wavepost {
namespace {

using std::string_literals::operator""s;

TEST(MtaStsRecord, Table) {
  const struct {
    const char* name;
    std::vector<std::string> texts;
    std::optional<std::string> id;
  } rows[] = {
      {"Plain", {"v=STSv1; id=20160831085700Z;"}, "20160831085700Z"},
      {"NoFinalSemicolon", {"v=STSv1; id=1"}, "1"},
      {"NoSpaces", {"v=STSv1;id=1;"}, "1"},
      {"SpaceBeforeSemicolon", {"v=STSv1 ;\tid=1 ; "}, "1"},
      {"UnknownField", {"v=STSv1; color=red; id=1;"}, "1"},
      {"FirstIdCounts", {"v=STSv1; id=1; id=2;"}, "1"},
      {"OthersAreDiscarded", {"v=spf1 -all", "v=STSv1; id=1;", "v=STSv2; id=2;", ""}, "1"},
      {"Id32", {"v=STSv1; id=abcdefghijklmnopqrstuvwxyz012345;"}, "abcdefghijklmnopqrstuvwxyz012345"},
      {"Nothing", {}, {}},
      {"Two", {"v=STSv1; id=1;", "v=STSv1; id=1;"}, {}},
      {"TwoOneBad", {"v=STSv1; id=1;", "v=STSv1; id=;"}, {}},
      {"NoId", {"v=STSv1;"}, {}},
      {"NoSemicolon", {"v=STSv1"}, {}},
      {"EmptyId", {"v=STSv1; id=;"}, {}},
      {"Id33", {"v=STSv1; id=abcdefghijklmnopqrstuvwxyz0123456;"}, {}},
      {"IdWithHyphen", {"v=STSv1; id=2016-08-31;"}, {}},
      {"IdWithSpace", {"v=STSv1; id=1 2;"}, {}},
      {"IdWithNul", {"v=STSv1; id=1\0;"s}, {}},
      {"BadIdIsNotSkipped", {"v=STSv1; id=-; id=1;"}, {}},
      {"LowerCaseVersion", {"v=stsv1; id=1;"}, {}},
      {"SpaceBefore", {" v=STSv1; id=1;"}, {}},
      {"VersionNotFirst", {"id=1; v=STSv1;"}, {}},
      {"LongerVersion", {"v=STSv10; id=1;"}, {}},
      {"SpaceInVersion", {"v = STSv1; id=1;"}, {}},
  };
  for (const auto& row : rows) EXPECT_EQ(ParseMtaStsRecord(row.texts), row.id) << row.name;
}

constexpr char kGood[] =
    "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n";

TEST(MtaStsPolicy, Good) {
  const MtaStsPolicy want{MtaStsMode::kEnforce, {"mail.example.com", "*.example.net"}, absl::Seconds(604800)};
  const std::pair<const char*, std::string> rows[] = {
      {"AsPublished", kGood},
      {"LfOnly", "version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\nmax_age: 604800\n"},
      {"NoFinalNewline", "version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\nmax_age: 604800"},
      {"AnyOrder", "max_age: 604800\nmx: mail.example.com\nmode: enforce\nmx: *.example.net\nversion: STSv1\n"},
      {"NoSpaces", "version:STSv1\nmode:enforce\nmx:mail.example.com\nmx:*.example.net\nmax_age:604800\n"},
      {"ManySpaces",
       " version :\t STSv1 \nmode: enforce\t\nmx:  mail.example.com\nmx: *.example.net\nmax_age: 604800 "},
      {"BlankLines",
       "\nversion: STSv1\n\r\nmode: enforce\nmx: mail.example.com\n \nmx: *.example.net\nmax_age: 604800\n\n"},
      {"UnknownFields", absl::StrCat("x: y\nfuture:\nutf8: \xc3\xa4\n", kGood, "url: https://a:b\n")},
      {"FirstCounts", absl::StrCat(kGood, "version: STSv2\nmode: none\nmax_age: 1\n")},
      {"Case", "version: STSv1\nmode: enforce\nmx: MAIL.example.COM.\nmx: *.Example.net\nmax_age: 0000604800\n"},
  };
  for (const auto& [name, text] : rows) {
    const absl::StatusOr<MtaStsPolicy> policy = ParseMtaStsPolicy(text);
    ASSERT_TRUE(policy.ok()) << name << ": " << policy.status();
    EXPECT_EQ(*policy, want) << name;
  }
  const absl::StatusOr<MtaStsPolicy> none = ParseMtaStsPolicy("version: STSv1\nmode: none\nmax_age: 0\n");
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_EQ(*none, (MtaStsPolicy{MtaStsMode::kNone, {}, absl::ZeroDuration()}));
  EXPECT_EQ(ParseMtaStsPolicy("version: STSv1\nmode: testing\nmx: a.b\nmax_age: 31557600\n")->max_age,
            kMtaStsMaxAgeMax);
}

std::string Mx(int count) {
  std::string out;
  for (int i = 0; i < count; ++i) absl::StrAppend(&out, "mx: mx", i, ".example.com\n");
  return out;
}

TEST(MtaStsPolicy, Bad) {
  const std::string rest = "mx: a.b\nmax_age: 1\n";
  const std::string head = "version: STSv1\nmode: enforce\n";
  const std::tuple<const char*, std::string, const char*> rows[] = {
      {"Empty", "", "no version"},
      {"Html", "<!DOCTYPE html>\n<title>a: b</title>\n", "line 1: no colon"},
      {"NoVersion", "mode: enforce\n" + rest, "no version"},
      {"WrongVersion", "version: STSv2\nmode: enforce\n" + rest, "line 1: version"},
      {"VersionCase", "version: stsv1\nmode: enforce\n" + rest, "line 1: version"},
      {"KeyCase", "Version: STSv1\nmode: enforce\n" + rest, "no version"},
      {"NoMode", "version: STSv1\n" + rest, "no mode"},
      {"WrongMode", "version: STSv1\nmode: enforced\n" + rest, "line 2: unknown mode"},
      {"ModeCase", "version: STSv1\nmode: Enforce\n" + rest, "line 2: unknown mode"},
      {"EmptyMode", "version: STSv1\nmode:\n" + rest, "line 2: unknown mode"},
      {"NoMaxAge", head + "mx: a.b\n", "no max_age"},
      {"EmptyMaxAge", head + "mx: a.b\nmax_age:\n", "line 4: max_age"},
      {"NegativeMaxAge", head + "mx: a.b\nmax_age: -1\n", "line 4: max_age"},
      {"SignedMaxAge", head + "mx: a.b\nmax_age: +1\n", "line 4: max_age"},
      {"FractionMaxAge", head + "mx: a.b\nmax_age: 1.5\n", "line 4: max_age"},
      {"MaxAgeTooBig", head + "mx: a.b\nmax_age: 31557601\n", "more than a year"},
      {"MaxAgeTooLong", head + "mx: a.b\nmax_age: 00000000001\n", "line 4: max_age"},
      {"MaxAgeOverflows", head + "mx: a.b\nmax_age: 99999999999999999999\n", "line 4: max_age"},
      {"NoMx", head + "max_age: 1\n", "no mx"},
      {"NoMxTesting", "version: STSv1\nmode: testing\nmax_age: 1\n", "no mx"},
      {"EmptyMx", head + "mx:\nmax_age: 1\n", "line 3: mx"},
      {"MxStarAlone", head + "mx: *\nmax_age: 1\n", "line 3: mx"},
      {"MxStarDot", head + "mx: *.\nmax_age: 1\n", "line 3: mx"},
      {"MxStarInside", head + "mx: a.*.b\nmax_age: 1\n", "line 3: mx"},
      {"MxStarPart", head + "mx: *a.b\nmax_age: 1\n", "line 3: mx"},
      {"MxTwoStars", head + "mx: *.*.b\nmax_age: 1\n", "line 3: mx"},
      {"MxAddress", head + "mx: [192.0.2.1]\nmax_age: 1\n", "line 3: mx"},
      {"MxUnicode", head + "mx: m\xc3\xa4il.example\nmax_age: 1\n", "line 3: mx"},
      {"MxList", head + "mx: a.b, c.d\nmax_age: 1\n", "line 3: mx"},
      {"MxTooMany", head + Mx(101) + "max_age: 1\n", "line 103: too many"},
      {"NoColon", head + "hello\n" + rest, "line 3: no colon"},
      {"CrInside", head + "a: b\rc: d\n" + rest, "line 3: a control"},
      {"CrOnly", "version: STSv1\rmode: enforce\rmx: a.b\rmax_age: 1\r", "line 1: a control"},
      {"Nul", head + "a: \0\n"s + rest, "line 3: a control"},
      {"TooLong", head + rest + "x: " + std::string(64 * 1024, 'x'), "64 KiB"},
  };
  for (const auto& [name, text, message] : rows) {
    const absl::StatusOr<MtaStsPolicy> policy = ParseMtaStsPolicy(text);
    EXPECT_EQ(policy.status().code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_NE(policy.status().message().find(message), absl::string_view::npos) << name << ": " << policy.status();
  }
  EXPECT_EQ(ParseMtaStsPolicy(head + Mx(100) + "max_age: 1\n")->mx.size(), kMtaStsMxMax);
  const std::string full = head + rest + "x: ";
  EXPECT_TRUE(ParseMtaStsPolicy(full + std::string(kMtaStsPolicyBytesMax - full.size(), 'x')).ok());
}

TEST(MtaStsPolicy, HostMatching) {
  const struct {
    const char* pattern;
    const char* host;
    bool want;
  } rows[] = {
      {"mail.example.com", "mail.example.com", true},
      {"mail.example.com", "mail2.example.com", false},
      {"mail.example.com", "a.mail.example.com", false},
      {"mail.example.com", "example.com", false},
      {"mail.example.com", "xmail.example.com", false},
      {"*.example.com", "mail.example.com", true},
      {"*.example.com", "xn--4ca.example.com", true},
      {"*.example.com", "a.b.example.com", false},
      {"*.example.com", "example.com", false},
      {"*.example.com", ".example.com", false},
      {"*.example.com", "mail.notexample.com", false},
      {"*.example.com", "mailexample.com", false},
      {"*.example.com", "*.example.com", true},
      {"*.com", "com", false},
      {"localhost", "localhost", true},
      {"*.localhost", "localhost", false},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(MtaStsAllows({MtaStsMode::kEnforce, {"other.test", row.pattern}, absl::Hours(1)}, row.host), row.want)
        << row.pattern << " " << row.host;
  }
  EXPECT_FALSE(MtaStsAllows({}, "mail.example.com"));
}

TEST(MtaStsPolicy, LinesReadBack) {
  const MtaStsPolicy policy = *ParseMtaStsPolicy(kGood);
  const std::vector<std::string> lines = MtaStsPolicyLines(policy);
  EXPECT_EQ(lines, (std::vector<std::string>{"version: STSv1", "mode: enforce", "mx: mail.example.com",
                                             "mx: *.example.net", "max_age: 604800"}));
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  EXPECT_EQ(*ParseMtaStsPolicy(text), policy);
}

}  // namespace
}  // namespace wavepost
