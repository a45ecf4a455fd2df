#include "common/smtp/compose.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/smtp/command.h"
#include "common/smtp/server_input.h"

namespace wavepost {
namespace {

using std::string_literals::operator""s;

TEST(Compose, Commands) {
  EXPECT_EQ(EhloCommand("mail.example.com").value(), "EHLO mail.example.com\r\n");
  EXPECT_EQ(EhloCommand("[192.0.2.1]").value(), "EHLO [192.0.2.1]\r\n");
  EXPECT_EQ(HeloCommand("mail.example.com").value(), "HELO mail.example.com\r\n");
  EXPECT_EQ(MailCommand("", {}).value(), "MAIL FROM:<>\r\n");
  EXPECT_EQ(MailCommand("b+x@bounce.test", {.size = 1234}).value(), "MAIL FROM:<b+x@bounce.test> SIZE=1234\r\n");
  EXPECT_EQ(MailCommand("b@x.test", {.size = 1, .body_8bit = true, .smtputf8 = true}).value(),
            "MAIL FROM:<b@x.test> SIZE=1 BODY=8BITMIME SMTPUTF8\r\n");
  EXPECT_EQ(RcptCommand("\"a b>\"@x.test").value(), "RCPT TO:<\"a b>\"@x.test>\r\n");
  EXPECT_EQ(RcptCommand("\xc3\xa4@x.test").value(), "RCPT TO:<\xc3\xa4@x.test>\r\n");
  EXPECT_EQ(BdatCommand(10, false), "BDAT 10\r\n");
  EXPECT_EQ(BdatCommand(0, true), "BDAT 0 LAST\r\n");
}

TEST(Compose, NothingBreaksOutOfItsLine) {
  const std::string bad[] = {
      "a@x.test\r\nRCPT TO:<c@x.test>",
      "a@x.test\n",
      "a\r@x.test",
      "a\0@x.test"s,
      "a@x.test>",
      "a@x.test> SIZE=1",
      "<a@x.test",
      "a b@x.test",
      "\"a@x.test",
      "\"a\\",
      "\"a\r\n\"@x.test",
      "\"a\\\r\"@x.test",
      "a\x7f@x.test",
      "a\t@x.test",
      "\xff@x.test",
      std::string(600, 'a') + "@x.test",
  };
  for (const std::string& address : bad) {
    EXPECT_EQ(RcptCommand(address).status().code(), absl::StatusCode::kInvalidArgument) << address;
    EXPECT_EQ(MailCommand(address, {}).status().code(), absl::StatusCode::kInvalidArgument) << address;
  }
  EXPECT_FALSE(RcptCommand("").ok());
  EXPECT_FALSE(MailCommand("\xc3\xa4@x.test", {}).ok()) << "beyond ASCII needs SMTPUTF8";
  EXPECT_TRUE(MailCommand("\xc3\xa4@x.test", {.smtputf8 = true}).ok());
  for (const std::string& name : {"a\r\nQUIT"s, "a b"s, ""s, "a\0b"s, std::string(300, 'a'), "\xc3\xa4.test"s}) {
    EXPECT_FALSE(EhloCommand(name).ok()) << name;
    EXPECT_FALSE(HeloCommand(name).ok()) << name;
  }
}

TEST(DotStuffed, Table) {
  const struct {
    const char* name;
    std::string message;
    std::string wire;
  } rows[] = {
      {"Plain", "a\r\nb\r\n", "a\r\nb\r\n.\r\n"},
      {"NoLastLineEnd", "a", "a\r\n.\r\n"},
      {"Empty", "", "\r\n.\r\n"},
      {"LoneDot", ".", "..\r\n.\r\n"},
      {"FirstDot", ".a\r\n", "..a\r\n.\r\n"},
      {"DotLine", "a\r\n.\r\nb", "a\r\n..\r\nb\r\n.\r\n"},
      {"TwoDots", "a\r\n..\r\n", "a\r\n...\r\n.\r\n"},
      {"DotInside", "a.b\r\n", "a.b\r\n.\r\n"},
      {"BareLf", "a\nb\n", "a\r\nb\r\n.\r\n"},
      {"BareCr", "a\rb", "a\r\nb\r\n.\r\n"},
      {"LfDotLf", "a\n.\nb", "a\r\n..\r\nb\r\n.\r\n"},
      {"LfDotCrLf", "a\n.\r\nb", "a\r\n..\r\nb\r\n.\r\n"},
      {"CrDotCr", "a\r.\rb", "a\r\n..\r\nb\r\n.\r\n"},
      {"CrCrLf", "a\r\r\nb", "a\r\n\r\nb\r\n.\r\n"},
      {"LfCr", "a\n\rb", "a\r\n\r\nb\r\n.\r\n"},
      {"EndsWithCr", "a\r", "a\r\n.\r\n"},
      {"Nul", "a\0b"s, "a\0b\r\n.\r\n"s},
  };
  for (const auto& row : rows) EXPECT_EQ(DotStuffed(row.message), row.wire) << row.name;
  std::string out = "x";
  AppendCanonical(".a\nb", &out);
  EXPECT_EQ(out, "x.a\r\nb\r\n") << "no dots are doubled for BDAT";
}

// The way that messages really take (scan, then stuff if there is need) says the same as the plain one: every message
// over a small alphabet.
TEST(ScanForWire, AgreesWithDotStuffed) {
  const std::string alphabet = ".\r\na";
  for (int length = 0; length <= 7; ++length) {
    int total = 1;
    for (int i = 0; i < length; ++i) total *= 4;
    for (int n = 0; n < total; ++n) {
      std::string message;
      for (int i = 0, rest = n; i < length; ++i, rest /= 4) message += alphabet[rest % 4];
      std::string canonical;
      AppendCanonical(message, &canonical);
      ASSERT_EQ(Canonical(message), canonical);
      ASSERT_EQ(ScanForWire(message).canonical, message == canonical) << testing::PrintToString(message);
      const WireScan scan = ScanForWire(canonical);
      ASSERT_TRUE(scan.canonical);
      std::string wire;
      AppendStuffed(canonical, scan.first_dot, &wire);
      ASSERT_EQ(wire + ".\r\n", DotStuffed(message)) << testing::PrintToString(message);
      ASSERT_EQ(scan.first_dot == std::string_view::npos, wire == canonical);
    }
  }
}

TEST(Dsn, Parameters) {
  const struct {
    const char* name;
    std::string envelope_id;
    const char* line;
  } mails[] = {
      {"Plain", "abc-123", "MAIL FROM:<a@b> RET=HDRS ENVID=abc-123\r\n"},
      {"None", "", "MAIL FROM:<a@b> RET=HDRS\r\n"},
      {"Encoded", "a b+c=d", "MAIL FROM:<a@b> RET=HDRS ENVID=a+20b+2Bc+3Dd\r\n"},
      {"LineEnd", "a\r\nRCPT TO:<x>", "MAIL FROM:<a@b> RET=HDRS\r\n"},
      {"BeyondAscii", "\xc3\xa4", "MAIL FROM:<a@b> RET=HDRS\r\n"},
      {"TooLong", std::string(101, 'a'), "MAIL FROM:<a@b> RET=HDRS\r\n"},
  };
  for (const auto& row : mails) {
    MailOptions options;
    options.dsn = true;
    options.envelope_id = row.envelope_id;
    EXPECT_EQ(MailCommand("a@b", options).value(), row.line) << row.name;
  }
  const struct {
    const char* address;
    const char* line;
  } recipients[] = {
      {"u@b", "RCPT TO:<u@b> NOTIFY=FAILURE ORCPT=rfc822;u@b\r\n"},
      {"\"a b\"@c", "RCPT TO:<\"a b\"@c> NOTIFY=FAILURE ORCPT=rfc822;\"a+20b\"@c\r\n"},
      {"\xc3\xa4+x@b", "RCPT TO:<\xc3\xa4+x@b> NOTIFY=FAILURE ORCPT=utf-8;\\x{E4}\\x{2B}x@b\r\n"},
      {"\xe6\x97\xa5@b", "RCPT TO:<\xe6\x97\xa5@b> NOTIFY=FAILURE ORCPT=utf-8;\\x{65E5}@b\r\n"},
      {"\xf0\x9f\x98\x80@b", "RCPT TO:<\xf0\x9f\x98\x80@b> NOTIFY=FAILURE ORCPT=utf-8;\\x{1F600}@b\r\n"},
  };
  for (const auto& row : recipients) EXPECT_EQ(RcptCommand(row.address, /*dsn=*/true).value(), row.line);
}

// What we send, a strict server reads back: every message over a small alphabet.
TEST(DotStuffed, RoundTripsThroughServerInput) {
  const std::string alphabet = ".\r\na";
  for (int length = 0; length <= 6; ++length) {
    int total = 1;
    for (int i = 0; i < length; ++i) total *= 4;
    for (int n = 0; n < total; ++n) {
      std::string message;
      for (int i = 0, rest = n; i < length; ++i, rest /= 4) message += alphabet[rest % 4];
      std::string want;
      AppendCanonical(message, &want);
      const std::string wire = DotStuffed(message);
      EXPECT_EQ(wire.find("\r\n.\r\n"), wire.size() - 5);
      ServerInput input;
      input.BeginData();
      input.Feed(wire + "QUIT\r\n");
      std::string got;
      ServerInput::Event event;
      while ((event = input.Next()).kind == ServerInput::Kind::kData) got += event.text;
      ASSERT_EQ(event.kind, ServerInput::Kind::kDataEnd) << testing::PrintToString(message);
      ASSERT_EQ(got, want) << testing::PrintToString(message);
      ASSERT_EQ(input.Next().text, "QUIT");
    }
  }
}

TEST(Compose, OurCommandsParse) {
  for (const std::string& address : {"a@x.test"s, "\"a b\\\"c>\"@x.test"s, "b+tok@y.test"s}) {
    const std::string line = RcptCommand(address).value();
    const Command command = ParseCommand(std::string_view(line).substr(0, line.size() - 2));
    EXPECT_EQ(command.error, "");
    EXPECT_EQ(command.path, address);
  }
}

}  // namespace
}  // namespace wavepost
