#include "cli/record_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "cli/format.h"
#include "cli/zone.h"

namespace wavepost::cli {
namespace {

using testing::HasSubstr;

v1::DnsRecord Txt(const std::string& data) {
  v1::DnsRecord record;
  record.set_owner("a.example");
  record.set_type("TXT");
  record.set_data(data);
  return record;
}

struct ZoneCase {
  const char* name;
  std::string owner, type, data, line;
};

class ZoneLineTest : public testing::TestWithParam<ZoneCase> {};

TEST_P(ZoneLineTest, Writes) {
  v1::DnsRecord record;
  record.set_owner(GetParam().owner);
  record.set_type(GetParam().type);
  record.set_data(GetParam().data);
  EXPECT_EQ(ZoneLine(record), GetParam().line + "\n");
}

INSTANTIATE_TEST_SUITE_P(
    Records, ZoneLineTest,
    testing::Values(
        ZoneCase{"Short", "a.example", "TXT", "v=spf1 ~all", "a.example. 3600 IN TXT \"v=spf1 ~all\""},
        ZoneCase{"Empty", "a.example", "TXT", "", "a.example. 3600 IN TXT \"\""},
        ZoneCase{"Exactly255", "a.example", "TXT", std::string(255, 'x'),
                 "a.example. 3600 IN TXT \"" + std::string(255, 'x') + "\""},
        ZoneCase{"OneMore", "a.example", "TXT", std::string(255, 'x') + "y",
                 "a.example. 3600 IN TXT \"" + std::string(255, 'x') + "\" \"y\""},
        ZoneCase{"Exactly510", "a.example", "TXT", std::string(510, 'x'),
                 "a.example. 3600 IN TXT \"" + std::string(255, 'x') + "\" \"" + std::string(255, 'x') + "\""},
        ZoneCase{"QuoteAndBackslash", "a.example", "TXT", "a\"b\\c", "a.example. 3600 IN TXT \"a\\\"b\\\\c\""},
        // Escapes count as the byte that they stand for.
        ZoneCase{"QuotesAt255", "a.example", "TXT", std::string(254, 'x') + "\"z",
                 "a.example. 3600 IN TXT \"" + std::string(254, 'x') + "\\\"\" \"z\""},
        ZoneCase{"Bytes", "a.example", "TXT", "\xC3\xBC\n", "a.example. 3600 IN TXT \"\\195\\188\\010\""},
        ZoneCase{"SemicolonStaysInQuotes", "a.example", "TXT", "v=DMARC1; p=none",
                 "a.example. 3600 IN TXT \"v=DMARC1; p=none\""},
        ZoneCase{"Mx", "b.a.example", "MX", "10 mx.example", "b.a.example. 3600 IN MX 10 mx.example."},
        ZoneCase{"Cname", "w1._domainkey.a.example", "CNAME", "k1.wp.example",
                 "w1._domainkey.a.example. 3600 IN CNAME k1.wp.example."},
        ZoneCase{"DotsAreNotDoubled", "a.example.", "CNAME", "b.example.", "a.example. 3600 IN CNAME b.example."},
        ZoneCase{"NoSecondLine", "a\nb", "CNAME", "c\nd;e", "a\\010b. 3600 IN CNAME c\\010d\\059e."}),
    [](const auto& row) { return row.param.name; });

TEST(RecordViewTest, ZoneCommentsStandAboveTheirRecord) {
  DnsRecords records;
  *records.Add() = Txt("v=spf1 ~all");
  records.Mutable(0)->set_purpose(v1::DnsRecord::SPF);
  records.Mutable(0)->set_required(true);
  EXPECT_EQ(RecordsZone(records),
            "; SPF, required: says that our addresses may send for the domain\n"
            "a.example. 3600 IN TXT \"v=spf1 ~all\"\n");
}

TEST(RecordViewTest, OkIsShortUnlessItHasACatch) {
  RecordChecks checks;
  v1::RecordCheck& check = *checks.Add();
  *check.mutable_record() = Txt("x");
  check.set_state(v1::RecordCheck::OK);
  check.add_found("x");
  EXPECT_EQ(ChecksText(checks, 80), "  OK         other (advised)  TXT  a.example\n");
  check.set_advice("Nine of ten lookups are used.");
  EXPECT_THAT(ChecksText(checks, 80), HasSubstr("             found x\n             Nine of ten lookups are used.\n"));
  EXPECT_EQ(RequiredNotOk(checks), 0);
  check.set_state(v1::RecordCheck::UNKNOWN);
  EXPECT_EQ(RequiredNotOk(checks), 0) << "advice only";
  check.mutable_record()->set_required(true);
  EXPECT_EQ(RequiredNotOk(checks), 1);
}

TEST(RecordViewTest, AtMostTenFindings) {
  RecordChecks checks;
  v1::RecordCheck& check = *checks.Add();
  check.set_state(v1::RecordCheck::WRONG);
  for (int i = 0; i < 1000; ++i) check.add_found("f");
  EXPECT_EQ(ChecksText(checks, 80).size(), ChecksText(RecordChecks(), 80).size() +
                                               std::string("  wrong      other (advised)\n").size() +
                                               10 * std::string("             found f\n").size());
}

TEST(WrapTest, BreaksAtSpacesOnly) {
  EXPECT_EQ(Wrap("aa bb cc", 5), "aa bb\ncc\n");
  EXPECT_EQ(Wrap("aa bb cc", 8), "aa bb cc\n");
  EXPECT_EQ(Wrap("aa bb", 5, "  "), "  aa\n  bb\n");
  EXPECT_EQ(Wrap("a verylongword b", 5), "a\nverylongword\nb\n");
  EXPECT_EQ(Wrap("  a \n b  ", 80), "a b\n");
  EXPECT_EQ(Wrap("", 80), "");
  EXPECT_EQ(Wrap("\xC3\xBC\xC3\xBC \xC3\xBC", 4), "\xC3\xBC\xC3\xBC \xC3\xBC\n");  // characters, not bytes
  EXPECT_EQ(Wrap("a b", 0), "a\nb\n");
}

TEST(PrintableLinesTest, KeepsLinesAndTabsOnly) {
  EXPECT_EQ(PrintableLines("a\r\nb\tc\n"), "a\nb\tc\n");
  EXPECT_EQ(PrintableLines("a\x1b[2J\x07"), "a [2J \n");
  EXPECT_EQ(PrintableLines("a\rb"), "a b\n");
  EXPECT_EQ(PrintableLines("\n\nx"), "\n\nx\n");
  EXPECT_EQ(PrintableLines(""), "");
}

}  // namespace
}  // namespace wavepost::cli
