#include "bouncer/report/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "bouncer/report/mime_head.h"

namespace wavepost {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

std::string Sample(const std::string& name) {
  std::ifstream file(std::string(WAVEPOST_SOURCE_DIR) + "/bouncer/report/testdata/" + name + ".eml");
  EXPECT_TRUE(file.good()) << name;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string Crlf(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '\n' ? "\r\n" : std::string(1, c);
  return out;
}

// What the fields of each sample are stands in golden.txt (classify_test.cc); here is what a table does not show.

TEST(ParserTest, ReadsAPostfixReport) {
  const Report report = ParseReport(Crlf(Sample("postfix_user_unknown")));
  EXPECT_TRUE(report.is_delivery_report);
  EXPECT_FALSE(report.truncated);
  EXPECT_EQ(report.auto_submitted, "auto-replied");
  EXPECT_EQ(report.subject, "Undelivered Mail Returned to Sender");
  const ReportedRecipient want = {
      "anna@receiver.example",
      "anna@receiver.example",
      "failed",
      "5.1.1",
      "smtp; 550 5.1.1 <anna@receiver.example>: Recipient address rejected: User unknown in local recipient table",
      "mx1.receiver.example",
      "store.receiver.example"};
  EXPECT_THAT(report.recipients, ElementsAre(want));
}

TEST(ParserTest, LineEndsDoNotMatter) {
  for (const char* name :
       {"postfix_user_unknown", "exim_mailbox_full", "exchange_not_found", "utf8_global", "broken_border"}) {
    EXPECT_EQ(ParseReport(Sample(name)).recipients, ParseReport(Crlf(Sample(name))).recipients) << name;
    EXPECT_EQ(ParseReport(Sample(name)).recipients.size(), 1u) << name;
  }
}

TEST(ParserTest, ReturnedOriginalIsNotBelieved) {
  EXPECT_THAT(ParseReport(Sample("exim_mailbox_full")).recipients,
              ElementsAre(Field(&ReportedRecipient::final_recipient, "bernd@receiver.example")));
}

TEST(ParserTest, FieldsInAnOrdinaryMessageAreNoReport) {
  const Report report = ParseReport(Sample("vacation"));
  EXPECT_FALSE(report.is_delivery_report);
  EXPECT_THAT(report.recipients, IsEmpty());
  EXPECT_EQ(report.subject, "Abwesend bis M\xc3\xa4rz");
}

TEST(ParserTest, ReadReceiptIsNoDeliveryReport) {
  const Report report = ParseReport(Sample("read_receipt"));
  EXPECT_FALSE(report.is_delivery_report);
  EXPECT_THAT(report.recipients, IsEmpty());
}

TEST(ParserTest, EveryPrefixOfAReportIsHarmless) {
  const std::string message = Crlf(Sample("exchange_not_found"));
  for (size_t size = 0; size < message.size(); size += 7) {
    EXPECT_LE(ParseReport(std::string_view(message).substr(0, size)).recipients.size(), 1u);
  }
}

TEST(ParserTest, AnyThreads) {
  std::vector<std::thread> threads;
  const std::string message = Sample("postfix_user_unknown");
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&message] {
      for (int k = 0; k < 50; ++k) EXPECT_EQ(ParseReport(message).recipients.size(), 1u);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

constexpr char kReport[] =
    "Content-Type: message/delivery-status\n\nReporting-MTA: dns; m\n\nFinal-Recipient: rfc822; a@x\nAction: failed\n"
    "Status: 5.1.1\n\n";

// A report `depth` multiparts down.
std::string Nested(int depth) {
  std::string out = "Subject: deep\n";
  for (int i = 0; i < depth; ++i) {
    out += "Content-Type: multipart/mixed; boundary=b" + std::to_string(i) + "x\n\n--b" + std::to_string(i) + "x\n";
  }
  return out + kReport;
}

TEST(ParserLimits, LooksAsDeepAsTheLimitAndNoDeeper) {
  EXPECT_EQ(ParseReport(Nested(kMimeDepthMax - 1)).recipients.size(), 1u);
  const Report deep = ParseReport(Nested(kMimeDepthMax));
  EXPECT_EQ(deep.recipients.size(), 0u);
  EXPECT_TRUE(deep.truncated);
}

TEST(ParserLimits, DepthBombs) {
  EXPECT_TRUE(ParseReport(Nested(20'000)).truncated);
  std::string messages = "Subject: deep\n";
  for (int i = 0; i < 30'000; ++i) messages += "Content-Type: message/rfc822\n\n";
  EXPECT_TRUE(ParseReport(messages).truncated);
  std::string digests = "Subject: deep\n";
  for (int i = 0; i < 10'000; ++i) digests += "Content-Type: multipart/digest; boundary=a\n\n--a\n\n";
  EXPECT_TRUE(ParseReport(digests).truncated);
}

TEST(ParserLimits, PartsBombStopsAtTheLimit) {
  std::string message = "Content-Type: multipart/report; boundary=p; report-type=delivery-status\n\n";
  for (int i = 0; i < 100'000; ++i) message += "--p\n\n";
  EXPECT_TRUE(ParseReport(message).truncated);
  // A report behind too many parts is not found by walking, and the search finds it only within the head.
  message = "Content-Type: multipart/mixed; boundary=p\n\n";
  for (size_t i = 0; i < kMimePartsMax; ++i) message += "--p\n\nx\n";
  message += std::string("--p\n") + kReport + "--p--\n";
  const Report report = ParseReport(message);
  EXPECT_TRUE(report.truncated);
  EXPECT_THAT(report.recipients, IsEmpty());
}

TEST(ParserLimits, OversizedHeadersAndBodies) {
  std::string headers;
  for (int i = 0; i < 300'000; ++i) headers += "A: b\n";
  EXPECT_TRUE(ParseReport(headers).truncated);
  EXPECT_TRUE(ParseReport("Subject: " + std::string(3 << 20, 'x')).truncated);
  std::string parameters = "Content-Type: multipart/report";
  for (int i = 0; i < 100'000; ++i) parameters += "; a" + std::to_string(i) + "=b";
  EXPECT_TRUE(ParseReport(parameters + "\n\n").truncated);
  // Folded, so that no line is long.
  std::string folded = "Content-Type: multipart/report";
  for (int i = 0; i < 10'000; ++i) folded += ";\n a" + std::to_string(i) + "=b";
  EXPECT_TRUE(ParseReport(folded + "\n\n").truncated);
}

TEST(ParserLimits, DecodedTextIsCut) {
  std::string message = "Content-Type: multipart/report; boundary=p; report-type=delivery-status\n\n--p\n";
  message += "Content-Type: message/delivery-status\n\nReporting-MTA: dns; m\n\nX-Filler: a\n";
  while (message.size() < kDecodedBytesMax + 1000) message += "nonsense that is no field, line after line after line\n";
  message += "\nFinal-Recipient: rfc822; late@x\nAction: failed\nStatus: 5.1.1\n\n--p--\n";
  ASSERT_LT(message.size(), kHeadBytesMax);
  const Report report = ParseReport(message);
  EXPECT_TRUE(report.truncated);
  EXPECT_THAT(report.recipients, IsEmpty());
}

struct HostileRow {
  std::string name;
  std::string message;
};

class ParserSurvives : public ::testing::TestWithParam<HostileRow> {};

TEST_P(ParserSurvives, Hostile) {
  EXPECT_LE(ParseReport(GetParam().message).recipients.size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, ParserSurvives,
    ::testing::Values(
        HostileRow{"Empty", ""}, HostileRow{"Nul", std::string(1000, '\0')},
        HostileRow{"NulInHeaders", std::string("Subject: a\0b\nContent-Type: multipart/report\0; boundary=\0\n\n", 57)},
        HostileRow{"OnlyNewlines", "\n\n\n\n"}, HostileRow{"NoBoundary", "Content-Type: multipart/report\n\nx"},
        HostileRow{"EmptyBoundary", "Content-Type: multipart/report; boundary=\"\"\n\n--\n\n----\n"},
        HostileRow{"BadType", "Content-Type: ;;;/=\"\\\n\nFinal-Recipient: x"},
        HostileRow{"HighBytes", "Subject: \xff\xfe\xfd\nContent-Type: multipart/\xff\n\n\xff"},
        HostileRow{"BadEncodedWord", "Subject: =?utf-8?b?!!!?= =?nocharset?q?=ZZ?=\n\n"},
        HostileRow{"BadBase64",
                   "Content-Type: multipart/report; boundary=p\n\n--p\nContent-Type: message/delivery-status\n"
                   "Content-Transfer-Encoding: base64\n\n!!!!====\n--p--\n"},
        HostileRow{"UuencodeWithoutBegin",
                   "Content-Type: multipart/report; boundary=p\n\n--p\nContent-Type: message/delivery-status\n"
                   "Content-Transfer-Encoding: x-uuencode\n\nFinal-Recipient: x\n--p--\n"},
        HostileRow{"LoneCr", "Content-Type: multipart/report; boundary=p\r\r--p\rFinal-Recipient: x\r"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace wavepost
