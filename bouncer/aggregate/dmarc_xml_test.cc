#include "bouncer/aggregate/dmarc_xml.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_replace.h"
#include "bouncer/aggregate/aggregate_test_util.h"
#include "bouncer/aggregate/dmarc_rows.h"
#include "common/base/status_macros.h"

namespace wavepost {
namespace {

absl::StatusOr<v1::DmarcReport> Read(std::string_view text) {
  ASSIGN_OR_RETURN(Unpacker in, Unpacker::Open(text));
  return ReadDmarcXml(in);
}

std::string With(std::string_view from, std::string_view to) {
  return absl::StrReplaceAll(DmarcXml(DmarcRecord("192.0.2.1", 3)), {{Av(from), Av(to)}});
}

std::string OneLine(const v1::DmarcReport& report) {
  std::string out =
      absl::StrCat(report.org_name(), " ", report.report_id().substr(0, 1) == "-" ? "-" : report.report_id(), " ",
                   report.begin_time().seconds(), "-", report.end_time().seconds(), " ", report.domain(), " ",
                   report.policy(), report.incomplete() ? " incomplete" : "");
  for (const v1::DmarcRow& row : report.rows()) {
    absl::StrAppend(&out, " | ", row.source_ip(), " ", row.count(), " ", row.disposition(),
                    row.dkim_aligned() ? " dkim" : "", row.spf_aligned() ? " spf" : "", " ", row.header_from(), " ",
                    row.envelope_from());
  }
  return out;
}

TEST(DmarcXmlTest, ReadsVariants) {
  const std::string usual = "receiver.example 77 1700000000-1700086399 example.com reject";
  const std::string row = " | 192.0.2.1 3 none dkim example.com example.com";
  const std::vector<std::tuple<std::string, std::string, std::string>> rows = {
      {"Usual", With("", ""), usual + row},
      {"NoRows", DmarcXml(""), usual},
      {"WithoutDeclaration", With("<?xml version=\"1.0\" encoding=\"UTF-8\" ?>", " "), usual + row},
      {"DefaultNamespace", With("<feedback>", "<feedback xmlns=\"http://dmarc.org/dmarc-xml/0.1\">"), usual + row},
      {"UnknownCharset", With("UTF-8", "windows-1252"), usual + row},
      {"OddCharsetName", With("UTF-8", "UTF8"), usual + row},
      {"HighLetterInUnknownCharset", absl::StrReplaceAll(With("UTF-8", "windows-1252"), {{"receiver", "r\xE9z"}}),
       "r\xEF\xBF\xBDz.example 77 1700000000-1700086399 example.com reject" + row},
      {"UpperCase", absl::StrReplaceAll(With(">pass<", ">PASS<"), {{">reject<", ">Reject<"}}), usual + row},
      {"WhiteSpace", absl::StrReplaceAll(With("192.0.2.1", "\n\t192.0.2.1 "), {{">pass<", "> pass\n<"}}), usual + row},
      {"JunkBehind", DmarcXml(DmarcRecord("192.0.2.1", 3)) + std::string("\0\0 junk <", 10), usual + row},
      {"CommentsAndCdata", With(">192.0.2.1<", "><!-- here -->192.0.<![CDATA[2.1]]><"), usual + row},
      {"NoReportId", With("<report_id>77</report_id>", ""),
       "receiver.example - 1700000000-1700086399 example.com reject" + row},
      {"NoOrgName", With("<org_name>receiver.example</org_name>", ""), usual + row},
      {"NobodyNamed",
       absl::StrReplaceAll(With("<org_name>receiver.example</org_name>", "<org_name> </org_name>"),
                           {{"noreply@receiver.example", ""}}),
       "unknown 77 1700000000-1700086399 example.com reject" + row},
      {"NoEnd", With("<end>1700086399</end>", ""),
       "receiver.example 77 1700000000-1700086400 example.com reject" + row},
      {"NoPolicy", With("<p>reject</p>", ""), "receiver.example 77 1700000000-1700086399 example.com " + row},
      {"DomainInCapitals", With("<domain>example.com</domain>", "<domain> EXAMPLE.com. </domain>"), usual + row},
      {"SecondDispositionWord", With("<disposition>none", "<disposition>Quarantine"),
       usual + " | 192.0.2.1 3 quarantine dkim example.com example.com"},
      {"NoHeaderFrom", With("<header_from>example.com</header_from>", ""),
       usual + " | 192.0.2.1 3 none dkim  example.com"},
      {"BrokenAddress", With("192.0.2.1", "192.0.2.999"), usual + " incomplete"},
      {"BrokenCount", With("<count>3", "<count>-3"), usual + " incomplete"},
      {"NoCount", With("<count>3</count>", ""), usual + " incomplete"},
      {"CountOfZero", With("<count>3", "<count>0"), usual},
      {"OldNameOfIdentifiers", With("identifiers", "identities"), usual + row},
      {"EqualRows", DmarcXml(DmarcRecord("192.0.2.1", 1) + DmarcRecord("192.0.2.1", 2)), usual + row},
  };
  for (const auto& [name, text, want] : rows) {
    SCOPED_TRACE(name);
    const auto got = Read(text);
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_EQ(OneLine(*got), want);
  }
}

TEST(DmarcXmlTest, WithoutEvaluationTheResultsCount) {
  const auto read = [](std::string_view results) {
    return Read(absl::StrReplaceAll(
        With("<policy_evaluated><disposition>none</disposition><dkim>pass</dkim><spf>fail</spf></policy_evaluated>",
             ""),
        {{"</record>", absl::StrCat("<auth_results>", Av(results), "</auth_results></record>")}}));
  };
  const std::vector<std::tuple<std::string, bool, bool>> rows = {
      {"<dkim><domain>example.com</domain><result>Pass</result></dkim>", true, false},
      {"<dkim><result>pass</result><domain>mail.example.com</domain></dkim>", true, false},
      {"<dkim><domain>other.example</domain><result>pass</result></dkim>", false, false},
      {"<dkim><domain>anexample.com</domain><result>pass</result></dkim>", false, false},
      {"<dkim><domain>example.com</domain><result>hardfail</result></dkim>", false, false},
      {"<dkim><domain>other.example</domain><result>pass</result></dkim>"
       "<dkim><domain>example.com</domain><result>pass</result></dkim>",
       true, false},
      {"<spf><domain>b.example.com</domain><scope>mfrom</scope><result>pass</result></spf>", false, true},
      {"<spf><domain>b.example.com</domain><result>softfail</result></spf>", false, false},
      {"", false, false},
  };
  for (const auto& [results, dkim, spf] : rows) {
    SCOPED_TRACE(results);
    const auto got = read(results);
    ASSERT_TRUE(got.ok()) << got.status();
    ASSERT_EQ(got->rows_size(), 1);
    EXPECT_EQ(got->rows(0).dkim_aligned(), dkim);
    EXPECT_EQ(got->rows(0).spf_aligned(), spf);
  }
}

TEST(DmarcXmlTest, Refuses) {
  const std::string deep = [] {
    std::string out = "<feedback>";
    for (int i = 0; i < kXmlDepthMax; ++i) out += "<a>";
    return out;
  }();
  const std::string usual = DmarcXml(DmarcRecord("192.0.2.1", 3));
  const std::vector<std::tuple<std::string, std::string, absl::StatusCode, std::string>> rows = {
      {"OtherXml", "<html><body/></html>", absl::StatusCode::kInvalidArgument, "<html>"},
      {"Cut", usual.substr(0, usual.size() / 2), absl::StatusCode::kInvalidArgument, "broken"},
      {"WrongNesting", With("</row>", "</wor>"), absl::StatusCode::kInvalidArgument, "broken at line"},
      {"Doctype", "<!DOCTYPE feedback [<!ENTITY a \"b\">]>" + usual.substr(usual.find("<feedback")),
       absl::StatusCode::kInvalidArgument, "DOCTYPE"},
      {"DoctypeWithFile", "<!DOCTYPE feedback SYSTEM \"file:///etc/hostname\"><feedback/>",
       absl::StatusCode::kInvalidArgument, "DOCTYPE"},
      {"UndefinedEntity", With("receiver.example<", "&who;<"), absl::StatusCode::kInvalidArgument, "broken"},
      {"Deep", deep, absl::StatusCode::kResourceExhausted, "deep"},
      {"NoDomain", With("<domain>example.com</domain>", ""), absl::StatusCode::kInvalidArgument, "domain"},
      {"BadDomain", With("<domain>example.com", "<domain>-"), absl::StatusCode::kInvalidArgument, "domain"},
      {"NoDates", With("<begin>1700000000</begin>", ""), absl::StatusCode::kInvalidArgument, "date"},
      {"EndsFirst", With("1700086399", "1690000000"), absl::StatusCode::kInvalidArgument, "dates"},
      {"TenYears", With("1700000000", "1400000000"), absl::StatusCode::kInvalidArgument, "dates"},
      {"Empty", "<feedback/>", absl::StatusCode::kInvalidArgument, "domain"},
      {"LongTag", "<feedback><" + std::string(300'000, 'a'), absl::StatusCode::kResourceExhausted, "tag"},
      {"LongAttribute", "<feedback a=\"" + std::string(300'000, 'a'), absl::StatusCode::kResourceExhausted, "tag"},
      {"LongComment", "<feedback><!--" + std::string(300'000, 'a'), absl::StatusCode::kResourceExhausted, "tag"},
  };
  for (const auto& [name, text, code, words] : rows) {
    SCOPED_TRACE(name);
    const auto got = Read(text);
    ASSERT_FALSE(got.ok()) << OneLine(*got);
    EXPECT_EQ(got.status().code(), code) << got.status();
    EXPECT_NE(got.status().message().find(words), std::string::npos) << got.status();
  }
}

// expat keeps each name that it has seen.
TEST(DmarcXmlTest, MillionsOfNamesAreRefused) {
  const std::string report = DmarcXml(DmarcRecord("192.0.2.1", 3));
  for (const bool attributes : {false, true}) {
    std::string names;
    for (int i = 0; i < 500'000; ++i) {
      absl::StrAppend(&names, attributes ? "<a n" : "<n", i, attributes ? "=\"\"/>" : "/>");
    }
    const auto read = Read(absl::StrReplaceAll(report, {{"</feedback>", names + "</feedback>"}}));
    EXPECT_EQ(read.status().code(), absl::StatusCode::kResourceExhausted) << read.status();
  }
  // What one report used is free for the next.
  EXPECT_TRUE(Read(report).ok());
}

TEST(DmarcXmlTest, LongTextsAreCut) {
  const auto got = Read(With("<org_name>receiver.example", "<org_name>" + std::string(1 << 20, 'a')));
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->org_name(), std::string(255, 'a'));
}

TEST(DmarcXmlTest, MadeUpNumberIsTheReports) {
  const std::string text = With("<report_id>77</report_id>", "");
  const auto first = Read(text);
  const auto again = Read(text);
  const auto other = Read(absl::StrReplaceAll(text, {{"<count>3", "<count>4"}}));
  ASSERT_TRUE(first.ok() && again.ok() && other.ok());
  EXPECT_EQ(first->report_id(), again->report_id());
  EXPECT_NE(first->report_id(), other->report_id());
}

TEST(DmarcXmlTest, ManyRowsFitTheFeed) {
  std::string rows;
  for (int i = 0; i < 12'000; ++i) rows += DmarcRecord(absl::StrCat("10.0.", i / 256, ".", i % 256), 2);
  const auto got = Read(DmarcXml(rows));
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_TRUE(got->incomplete());
  EXPECT_EQ(got->rows_size(), 10'000);
  EXPECT_LE(got->ByteSizeLong(), kAggregateBytesMax);
}

}  // namespace
}  // namespace wavepost
