#include "bouncer/report/status_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wavepost {

void PrintTo(const ReportedRecipient& r, std::ostream* os) {
  *os << "{" << r.final_recipient << "|" << r.original_recipient << "|" << r.action << "|" << r.status << "|"
      << r.diagnostic << "|" << r.reporting_mta << "|" << r.remote_mta << "}";
}

namespace {

struct Row {
  std::string name;
  std::string text;
  std::vector<ReportedRecipient> want;
};

class StatusFields : public ::testing::TestWithParam<Row> {};

TEST_P(StatusFields, Reads) {
  std::vector<ReportedRecipient> got;
  EXPECT_TRUE(ParseStatusFields(GetParam().text, &got));
  EXPECT_EQ(got, GetParam().want);
  // The line ends must not matter.
  std::string crlf;
  for (const char c : GetParam().text) crlf += c == '\n' ? "\r\n" : std::string(1, c);
  got.clear();
  EXPECT_TRUE(ParseStatusFields(crlf, &got));
  EXPECT_EQ(got, GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, StatusFields,
    ::testing::Values(
        Row{"Empty", "", {}}, Row{"OnlyPerMessage", "Reporting-MTA: dns; mx.example.com\nArrival-Date: now\n\n", {}},
        Row{"Full",
            "Reporting-MTA: dns; mx.example.com\n\nFinal-Recipient: rfc822; <a@example.com>\n"
            "Original-Recipient: rfc822;o@example.com\nAction: failed\nStatus: 5.1.1\nRemote-MTA: dns; r.example.com\n"
            "Diagnostic-Code: smtp; 550 5.1.1\n  no such user\n",
            {{"a@example.com", "o@example.com", "failed", "5.1.1", "smtp; 550 5.1.1 no such user", "mx.example.com",
              "r.example.com"}}},
        Row{"Two",
            "Reporting-MTA: dns; m\n\nFinal-Recipient: rfc822; a@x\nAction: failed\nStatus: 5.0.0\n\n"
            "Final-Recipient: rfc822; b@x\nAction: DELIVERED (fine)\nStatus: 2.0.0\n",
            {{"a@x", "", "failed", "5.0.0", "", "m", ""}, {"b@x", "", "delivered", "2.0.0", "", "m", ""}}},
        Row{"NoBlankLines",
            "Reporting-MTA: dns; m\nFinal-Recipient: rfc822; a@x\nAction: failed\nStatus: 5.1.1\n"
            "Final-Recipient: rfc822; b@x\nAction: failed\nStatus: 4.2.2\n",
            {{"a@x", "", "failed", "5.1.1", "", "m", ""}, {"b@x", "", "failed", "4.2.2", "", "m", ""}}},
        Row{"ReportingMtaInTheGroup",
            "Final-Recipient: rfc822; a@x\nReporting-MTA: dns; late\nAction: failed\n",
            {{"a@x", "", "failed", "", "", "late", ""}}},
        Row{"StatusWithComment",
            "Final-Recipient: rfc822; a@x\nAction: failed\nStatus: 5.1.1 (bad destination)\n",
            {{"a@x", "", "failed", "5.1.1", "", "", ""}}},
        Row{"StatusIsNone",
            "Final-Recipient: rfc822; a@x\nAction: failed\nStatus: RO\n",
            {{"a@x", "", "failed", "", "", "", ""}}},
        Row{"NoAddressType",
            "Final-Recipient: a@x\nAction: failed\nStatus: 5.1.1\n",
            {{"a@x", "", "failed", "5.1.1", "", "", ""}}},
        Row{"Utf8Escapes",
            "Final-Recipient: utf-8; \\x{E4}\\x{1F4E7}b\\x{zz}@x\nAction: failed\n",
            {{"\xc3\xa4\xf0\x9f\x93\xa7"
              "b\\x{zz}@x",
              "", "failed", "", "", "", ""}}},
        Row{"Utf8Plain",
            "Final-Recipient: utf-8; j\xc3\xbcrgen@x\nAction: failed\n",
            {{"j\xc3\xbcrgen@x", "", "failed", "", "", "", ""}}},
        Row{"PlusIsNoEscape",
            "Final-Recipient: rfc822; a+3Db@x\nAction: failed\n",
            {{"a+3Db@x", "", "failed", "", "", "", ""}}},
        Row{"ControlsBecomeSpaces",
            "Final-Recipient: rfc822; a\x1b[2Jb@x\nAction: failed\n",
            {{"a [2Jb@x", "", "failed", "", "", "", ""}}},
        Row{"OnlyOriginalRecipient",
            "Original-Recipient: rfc822; o@x\nAction: delayed\nStatus: 4.4.1\n",
            {{"", "o@x", "delayed", "4.4.1", "", "", ""}}},
        Row{"Route", "Final-Recipient: rfc822;@relay.x:a@x\nAction: failed\n", {{"a@x", "", "failed", "", "", "", ""}}},
        Row{"Command",
            "Final-Recipient: rfc822;|/usr/bin/filter a@x .f\nAction: failed\n",
            {{"a@x", "", "failed", "", "", "", ""}}},
        Row{"NameBehind",
            "Final-Recipient: rfc822;<a@x> (unrestricted)\nAction: failed\n",
            {{"a@x", "", "failed", "", "", "", ""}}},
        Row{"TypeTwice",
            "Final-Recipient: rfc822;rfc822;a@x\nAction: failed\n",
            {{"a@x", "", "failed", "", "", "", ""}}},
        Row{"QuotedLocalPart",
            "Final-Recipient: rfc822;\"a b/c\"@x\nAction: failed\n",
            {{"\"a b/c\"@x", "", "failed", "", "", "", ""}}},
        Row{"SlashInLocalPart",
            "Final-Recipient: rfc822;a/b@x\nAction: failed\n",
            {{"a/b@x", "", "failed", "", "", "", ""}}},
        Row{"ActionExpired", "Final-Recipient: rfc822;a@x\nAction: expired\n", {{"a@x", "", "failed", "", "", "", ""}}},
        Row{"OnlyARefusal",
            "Final-Recipient: rfc822;a@x\nDiagnostic-Code: smtp; 550 no\n",
            {{"a@x", "", "failed", "", "smtp; 550 no", "", ""}}},
        Row{"StrayFieldsAreNoRecipient", "Remote-MTA: dns; r\nDiagnostic-Code: smtp; 550 no\n\nnonsense\n: x\n", {}}),
    [](const auto& row) { return row.param.name; });

TEST(StatusFieldsLimits, StopsAtTheLimitOfRecipients) {
  std::string text;
  for (size_t i = 0; i < kReportRecipientsMax + 10; ++i) text += "Final-Recipient: rfc822; a@x\nAction: failed\n\n";
  std::vector<ReportedRecipient> got;
  EXPECT_FALSE(ParseStatusFields(text, &got));
  EXPECT_EQ(got.size(), kReportRecipientsMax);
}

TEST(StatusFieldsLimits, CutsLongValues) {
  std::vector<ReportedRecipient> got;
  std::string text = "Final-Recipient: rfc822; a@x\nDiagnostic-Code: smtp; 550 " + std::string(100'000, 'x') + "\n";
  for (int i = 0; i < 10'000; ++i) text += " more text on a folded line\n";
  EXPECT_TRUE(ParseStatusFields(text, &got));
  ASSERT_EQ(got.size(), 1u);
  EXPECT_LE(got[0].diagnostic.size(), kReportFieldBytesMax);
}

}  // namespace
}  // namespace wavepost
