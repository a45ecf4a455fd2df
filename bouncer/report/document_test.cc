#include "bouncer/report/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "bouncer/report/mime_head.h"
#include "common/base/strings.h"

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

// What the fields of each sample are stands in golden.txt (reading/golden_test.cc); here is what a table does not show.

TEST(DocumentTest, ReadsAPostfixReport) {
  const Document report = ReadDocument(Crlf(Sample("postfix_user_unknown")));
  EXPECT_TRUE(report.has_status_part);
  EXPECT_FALSE(report.truncated);
  EXPECT_EQ(report.content_type, "multipart/report");
  EXPECT_EQ(report.report_type, "delivery-status");
  EXPECT_EQ(report.headers.Get("auto-submitted"), "auto-replied");
  EXPECT_EQ(report.headers.Get("subject"), "Undelivered Mail Returned to Sender");
  EXPECT_EQ(report.original.Get("subject"), "Your opinion");
  ASSERT_EQ(report.texts.size(), 1u);
  EXPECT_NE(report.texts[0].text.find("User unknown in local"), std::string::npos);
  const ReportedRecipient want = {
      "anna@receiver.example",
      "anna@receiver.example",
      "failed",
      "5.1.1",
      "smtp; 550 5.1.1 <anna@receiver.example>: Recipient address rejected: User unknown in local recipient table",
      "mx1.receiver.example",
      "store.receiver.example"};
  EXPECT_THAT(report.groups, ElementsAre(want));
}

TEST(DocumentTest, LineEndsDoNotMatter) {
  for (const char* name :
       {"postfix_user_unknown", "exim_mailbox_full", "exchange_not_found", "utf8_global", "broken_border"}) {
    EXPECT_EQ(ReadDocument(Sample(name)).groups, ReadDocument(Crlf(Sample(name))).groups) << name;
    EXPECT_EQ(ReadDocument(Sample(name)).groups.size(), 1u) << name;
  }
}

TEST(DocumentTest, ReturnedOriginalIsNotBelieved) {
  EXPECT_THAT(ReadDocument(Sample("exim_mailbox_full")).groups,
              ElementsAre(Field(&ReportedRecipient::final_recipient, "bernd@receiver.example")));
}

TEST(DocumentTest, FieldsInAnOrdinaryMessageAreNoReport) {
  const Document report = ReadDocument(Sample("vacation"));
  EXPECT_FALSE(report.has_status_part);
  EXPECT_THAT(report.groups, IsEmpty());
  EXPECT_EQ(report.headers.Get("subject"), "Abwesend bis M\xc3\xa4rz");
}

TEST(DocumentTest, ReadReceiptIsNoDeliveryReport) {
  const Document report = ReadDocument(Sample("read_receipt"));
  EXPECT_FALSE(report.has_status_part);
  EXPECT_TRUE(report.has_disposition);
  EXPECT_THAT(report.groups, IsEmpty());
}

TEST(DocumentTest, EveryPrefixOfAReportIsHarmless) {
  const std::string message = Crlf(Sample("exchange_not_found"));
  for (size_t size = 0; size < message.size(); size += 7) {
    EXPECT_LE(ReadDocument(std::string_view(message).substr(0, size)).groups.size(), 1u);
  }
}

TEST(DocumentTest, AnyThreads) {
  std::vector<std::thread> threads;
  const std::string message = Sample("postfix_user_unknown");
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&message] {
      for (int k = 0; k < 50; ++k) EXPECT_EQ(ReadDocument(message).groups.size(), 1u);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

struct TextRow {
  std::string name;
  std::string message;
  std::vector<std::string> want;  // the texts
};

class DocumentTexts : public ::testing::TestWithParam<TextRow> {};

TEST_P(DocumentTexts, AsUtf8) {
  std::vector<std::string> got;
  for (const TextPart& part : ReadDocument(GetParam().message).texts) got.push_back(part.text);
  EXPECT_EQ(got, GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, DocumentTexts,
    ::testing::Values(
        TextRow{"NoType", "Subject: a\n\nHello\r\nyou\n", {"Hello\nyou\n"}},
        TextRow{"MboxLine", "From x Mon Feb 9\nSubject: a\n\nHello\n", {"Hello\n"}},
        TextRow{"Charset", "Content-Type: text/plain; charset=iso-8859-1\n\nf\xFCr\n", {"für\n"}},
        TextRow{
            "QuotedPrintable",
            "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nf=FC=\nr\n",
            {"für\n"}},
        TextRow{"Base64",
                "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\nZsO8cgo=\n",
                {"für\n"}},
        TextRow{"SaysBase64AndIsNot",
                "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\nThis is a text of a few words more.\n",
                {"This is a text of a few words more.\n"}},
        TextRow{"Html", "Content-Type: text/html\n\n<p>No such <b>user</b></p>\n", {"No such user\n"}},
        TextRow{"HtmlCalledPlain", "Content-Type: text/plain\n\n<html><p>No</p></html>\n", {"No\n"}},
        TextRow{"Alternative",
                "Content-Type: multipart/alternative; boundary=b\n\n--b\n\nplain\n--b\nContent-Type: text/html\n\n"
                "<p>html</p>\n--b--\n",
                {"plain"}},
        TextRow{"AlternativeWithoutPlain",
                "Content-Type: multipart/alternative; boundary=b\n\n--b\n\n \n--b\nContent-Type: text/html\n\n"
                "<p>html</p>\n--b--\n",
                {"html\n"}},
        TextRow{"MixedKeepsBoth",
                "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nplain\n--b\nContent-Type: text/html\n\n"
                "<p>html</p>\n--b--\n",
                {"plain", "html\n"}},
        TextRow{"BordersThatAreNotDeclared",
                "Content-Type: multipart/mixed; boundary=b\n\n--c\n\nplain\n--c--\n",
                {"--c\n\nplain\n--c--\n"}},
        TextRow{"OriginalIsNoText",
                "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nplain\n--b\nContent-Type: message/rfc822\n\n"
                "Subject: x\n\nsecret\n--b--\n",
                {"plain"}},
        TextRow{"ControlCharacters", "Subject: a\n\na\x1B[0mb\x07\n", {"a [0mb \n"}}),
    [](const auto& row) { return row.param.name; });

struct OriginalRow {
  std::string name;
  std::string message;
  std::string want;  // its Message-ID
};

class DocumentOriginal : public ::testing::TestWithParam<OriginalRow> {};

TEST_P(DocumentOriginal, IsFound) {
  EXPECT_EQ(ReadDocument(GetParam().message).original.Get("message-id"), GetParam().want);
}

std::string WithPart(const std::string& type_and_content) {
  return "From: MAILER-DAEMON@x\nContent-Type: multipart/report; boundary=b\n\n--b\n\ntext\n--b\n" + type_and_content +
         "\n--b--\n";
}

INSTANTIATE_TEST_SUITE_P(
    Rows, DocumentOriginal,
    ::testing::Values(
        OriginalRow{"Message", WithPart("Content-Type: message/rfc822\n\nMessage-ID: <1@x>\n\nbody"), "<1@x>"},
        OriginalRow{"Global", WithPart("Content-Type: message/global\n\nMessage-ID: <1@x>\n\nbody"), "<1@x>"},
        OriginalRow{"Headers", WithPart("Content-Type: text/rfc822-headers\n\nMessage-ID: <1@x>\nTo: a\n"), "<1@x>"},
        OriginalRow{"GlobalHeaders", WithPart("Content-Type: message/global-headers\n\nMessage-ID: <1@x>\n"), "<1@x>"},
        OriginalRow{"EncodedMessage",
                    WithPart("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
                             "TWVzc2FnZS1JRDogPDFAeD4KCmJvZHkK"),
                    "<1@x>"},
        OriginalRow{"MboxLineBeforeHeaders",
                    WithPart("Content-Type: text/rfc822-headers\n\nFrom a Mon\nMessage-ID: <1@x>\n"), "<1@x>"},
        OriginalRow{"InText",
                    "From: MAILER-DAEMON@x\n\nSorry.\n\n--- Below is a copy\n\nReceived: a\n by b\nFrom: a\n"
                    "Subject: b\nMessage-ID: <1@x>\n\nbody",
                    "<1@x>"},
        OriginalRow{"InTextQuoted",
                    "From: MAILER-DAEMON@x\n\nSorry.\n\n> From: a\n> Subject: b\n>  c\n> Message-ID: <1@x>\n", "<1@x>"},
        OriginalRow{"TwoFieldsAreNoMail", "From: MAILER-DAEMON@x\n\nSubject: a\nMessage-ID: <1@x>\n\n", ""},
        OriginalRow{"NotInOrdinaryMail", "From: a@x\n\nFrom: a\nSubject: b\nMessage-ID: <1@x>\n", ""}),
    [](const auto& row) { return row.param.name; });

TEST(DocumentTest, FeedbackFields) {
  const Document document = ReadDocument(
      "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n\ntext\n--b\n"
      "Content-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\n\nOriginal-Rcpt-To: <a@b>\n--b--\n");
  ASSERT_TRUE(document.feedback.has_value());
  EXPECT_EQ(document.feedback->Get("feedback-type"), "abuse");
  EXPECT_EQ(document.feedback->Get("original-rcpt-to"), "<a@b>");
}

TEST(DocumentTest, FieldsInATextOfAMailSystem) {
  const std::string body = "\n\nReporting-MTA: dns; m\n\nFinal-Recipient: rfc822; a@x\nAction: failed\nStatus: 5.1.1\n";
  EXPECT_EQ(ReadDocument("From: MAILER-DAEMON@x" + body).groups.size(), 1u);
  EXPECT_EQ(ReadDocument("From: hans@x" + body).groups.size(), 0u);
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

TEST(DocumentLimits, LooksAsDeepAsTheLimitAndNoDeeper) {
  EXPECT_EQ(ReadDocument(Nested(kMimeDepthMax - 1)).groups.size(), 1u);
  const Document deep = ReadDocument(Nested(kMimeDepthMax));
  EXPECT_EQ(deep.groups.size(), 0u);
  EXPECT_TRUE(deep.truncated);
}

TEST(DocumentLimits, DepthBombs) {
  EXPECT_TRUE(ReadDocument(Nested(20'000)).truncated);
  std::string messages = "Subject: deep\n";
  for (int i = 0; i < 30'000; ++i) messages += "Content-Type: message/rfc822\n\n";
  EXPECT_TRUE(ReadDocument(messages).truncated);
  std::string digests = "Subject: deep\n";
  for (int i = 0; i < 10'000; ++i) digests += "Content-Type: multipart/digest; boundary=a\n\n--a\n\n";
  EXPECT_TRUE(ReadDocument(digests).truncated);
}

TEST(DocumentLimits, PartsBombStopsAtTheLimit) {
  std::string message = "Content-Type: multipart/report; boundary=p; report-type=delivery-status\n\n";
  for (int i = 0; i < 100'000; ++i) message += "--p\n\n";
  EXPECT_TRUE(ReadDocument(message).truncated);
  // A report behind too many parts is not found by walking, and the search finds it only within the head.
  message = "Content-Type: multipart/mixed; boundary=p\n\n";
  for (size_t i = 0; i < kMimePartsMax; ++i) message += "--p\n\nx\n";
  message += std::string("--p\n") + kReport + "--p--\n";
  const Document report = ReadDocument(message);
  EXPECT_TRUE(report.truncated);
  EXPECT_THAT(report.groups, IsEmpty());
}

TEST(DocumentLimits, OversizedHeadersAndBodies) {
  std::string headers;
  for (int i = 0; i < 300'000; ++i) headers += "A: b\n";
  EXPECT_TRUE(ReadDocument(headers).truncated);
  EXPECT_TRUE(ReadDocument("Subject: " + std::string(3 << 20, 'x')).truncated);
  std::string parameters = "Content-Type: multipart/report";
  for (int i = 0; i < 100'000; ++i) parameters += "; a" + std::to_string(i) + "=b";
  EXPECT_TRUE(ReadDocument(parameters + "\n\n").truncated);
  // Folded, so that no line is long.
  std::string folded = "Content-Type: multipart/report";
  for (int i = 0; i < 10'000; ++i) folded += ";\n a" + std::to_string(i) + "=b";
  EXPECT_TRUE(ReadDocument(folded + "\n\n").truncated);
}

TEST(DocumentLimits, DecodedTextIsCut) {
  std::string message = "Content-Type: multipart/report; boundary=p; report-type=delivery-status\n\n--p\n";
  message += "Content-Type: message/delivery-status\n\nReporting-MTA: dns; m\n\nX-Filler: a\n";
  while (message.size() < kDecodedBytesMax + 1000) message += "nonsense that is no field, line after line after line\n";
  message += "\nFinal-Recipient: rfc822; late@x\nAction: failed\nStatus: 5.1.1\n\n--p--\n";
  ASSERT_LT(message.size(), kHeadBytesMax);
  const Document report = ReadDocument(message);
  EXPECT_TRUE(report.truncated);
  EXPECT_THAT(report.groups, IsEmpty());
}

struct HostileRow {
  std::string name;
  std::string message;
};

class DocumentSurvives : public ::testing::TestWithParam<HostileRow> {};

TEST_P(DocumentSurvives, Hostile) {
  EXPECT_LE(ReadDocument(GetParam().message).groups.size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, DocumentSurvives,
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

TEST(DocumentLimits, TextsTogether) {
  std::string message = "Content-Type: multipart/mixed; boundary=p\n\n";
  for (int i = 0; i < 5; ++i) message += "--p\n\n" + std::string(150'000, 'x') + "\n";
  const Document document = ReadDocument(message + "--p--\n");
  size_t size = 0;
  for (const TextPart& part : document.texts) size += part.text.size();
  EXPECT_LE(size, kTextBytesMax);
  EXPECT_TRUE(document.truncated);
}

}  // namespace
}  // namespace wavepost
