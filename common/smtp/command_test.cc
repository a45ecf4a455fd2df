#include "common/smtp/command.h"

#include <gtest/gtest.h>

#include <string>

namespace wavepost {
namespace {

using Verb = Command::Verb;

TEST(ParseCommand, Verbs) {
  const struct {
    const char* line;
    Verb verb;
    const char* argument;
    bool ok;
  } rows[] = {
      {"HELO x.test", Verb::kHelo, "x.test", true},
      {"ehlo [192.0.2.1]", Verb::kEhlo, "[192.0.2.1]", true},
      {"LhLo x", Verb::kLhlo, "x", true},
      {"EHLO", Verb::kEhlo, "", false},
      {"EHLO   ", Verb::kEhlo, "", false},
      {"DATA", Verb::kData, "", true},
      {"DATA ", Verb::kData, "", true},
      {"DATA x", Verb::kData, "", false},
      {"RSET", Verb::kRset, "", true},
      {"NOOP", Verb::kNoop, "", true},
      {"NOOP hello", Verb::kNoop, "hello", true},
      {"QUIT", Verb::kQuit, "", true},
      {"QUIT now", Verb::kQuit, "", false},
      {"VRFY a", Verb::kVrfy, "a", true},
      {"STARTTLS", Verb::kStartTls, "", true},
      {"STARTTLS x", Verb::kStartTls, "", false},
      {"BDAT 100", Verb::kBdat, "100", true},
      {"BDAT 100 last", Verb::kBdat, "100 last", true},
      {"BDAT", Verb::kBdat, "", false},
      {"BDAT -1", Verb::kBdat, "-1", false},
      {"BDAT +1", Verb::kBdat, "+1", false},
      {"BDAT 1 LASTX", Verb::kBdat, "1 LASTX", false},
      {"BDAT 99999999999999999999999", Verb::kBdat, "99999999999999999999999", false},
      {"", Verb::kUnknown, "", false},
      {" EHLO x", Verb::kUnknown, "", false},
      {"XYZZY", Verb::kUnknown, "", false},
      {"MAILFROM:<a@x.test>", Verb::kUnknown, "", false},
      {"GET / HTTP/1.1", Verb::kUnknown, "", false},
  };
  for (const auto& row : rows) {
    const Command command = ParseCommand(row.line);
    EXPECT_EQ(command.verb, row.verb) << row.line;
    EXPECT_EQ(command.error.empty(), row.ok) << row.line << ": " << command.error;
    if (row.ok || row.verb == Verb::kBdat) {
      EXPECT_EQ(command.argument, row.argument) << row.line;
    }
  }
  EXPECT_EQ(ParseCommand("BDAT 100 LAST").bdat_bytes, 100u);
  EXPECT_TRUE(ParseCommand("BDAT 100 LAST").bdat_last);
  EXPECT_FALSE(ParseCommand("BDAT 100").bdat_last);
}

TEST(ParseCommand, Paths) {
  const struct {
    const char* line;
    bool ok;
    const char* path;
  } rows[] = {
      {"MAIL FROM:<a@x.test>", true, "a@x.test"},
      {"mail from:<A@X.test>", true, "A@X.test"},
      {"MAIL FROM: <a@x.test>", true, "a@x.test"},
      {"MAIL   FROM:<a@x.test>  ", true, "a@x.test"},
      {"MAIL FROM:<>", true, ""},
      {"MAIL FROM:<a>", true, "a"},
      {"MAIL FROM:<b+tok=x@bounce.test>", true, "b+tok=x@bounce.test"},
      {"MAIL FROM:<\"a b\"@x.test>", true, "\"a b\"@x.test"},
      {"MAIL FROM:<\"a>b\\\"c\"@x.test>", true, "\"a>b\\\"c\"@x.test"},
      {"MAIL FROM:<a@[192.0.2.1]>", true, "a@[192.0.2.1]"},
      {"MAIL FROM:<@r1.test,@r2.test:a@x.test>", true, "a@x.test"},
      {"MAIL FROM:<\xc3\xa4@x.test> SMTPUTF8", true, "\xc3\xa4@x.test"},
      {"RCPT TO:<a@x.test>", true, "a@x.test"},
      {"RCPT TO:<Postmaster>", true, "Postmaster"},
      {"RCPT TO:<>", false, ""},
      {"MAIL FROM:a@x.test", false, ""},
      {"MAIL FROM:", false, ""},
      {"MAIL", false, ""},
      {"MAIL TO:<a@x.test>", false, ""},
      {"RCPT FROM:<a@x.test>", false, ""},
      {"RCPT TO:<a@x.test", false, ""},
      {"RCPT TO:<\"a@x.test>", false, ""},
      {"RCPT TO:<\"a\"b@x.test>", false, ""},
      {"RCPT TO:<@x.test>", false, ""},
      {"RCPT TO:<a@>", false, ""},
      {"RCPT TO:<a b@x.test>", false, ""},
      {"RCPT TO:<a@x.test>junk", false, ""},
      {"RCPT TO:<a@b@c>", false, ""},
      {"RCPT TO:<<a@x.test>>", false, ""},
      {"RCPT TO:<@r1.test>", false, ""},
      {"RCPT TO:<a\xff@x.test>", false, ""},
  };
  for (const auto& row : rows) {
    const Command command = ParseCommand(row.line);
    EXPECT_EQ(command.error.empty(), row.ok) << row.line << ": " << command.error;
    if (row.ok) {
      EXPECT_EQ(command.path, row.path) << row.line;
    }
  }
}

TEST(ParseCommand, Parameters) {
  const Command command = ParseCommand("MAIL FROM:<a@x.test> size=1000 BODY=8BITMIME SMTPUTF8  RET=HDRS");
  ASSERT_EQ(command.error, "");
  ASSERT_EQ(command.params.size(), 4u);
  EXPECT_EQ(command.params[0], (std::pair<std::string, std::string>("SIZE", "1000")));
  EXPECT_EQ(*command.Param("BODY"), "8BITMIME");
  EXPECT_EQ(*command.Param("SMTPUTF8"), "");
  EXPECT_EQ(command.Param("AUTH"), nullptr);
  for (const char* bad : {"MAIL FROM:<a@x.test> =1", "MAIL FROM:<a@x.test> SIZE=", "MAIL FROM:<a@x.test> S!ZE=1",
                          "MAIL FROM:<a@x.test> SIZE=1 size=2", "MAIL FROM:<a@x.test> -A=1"}) {
    EXPECT_NE(ParseCommand(bad).error, "") << bad;
  }
}

TEST(ParseCommand, Hostile) {
  std::string many = "MAIL FROM:<a@x.test>";
  for (int i = 0; i < 1000; ++i) many += " A" + std::to_string(i);
  EXPECT_NE(ParseCommand(many).error, "");
  EXPECT_NE(ParseCommand("RCPT TO:<" + std::string(1 << 20, 'a') + "@x.test>").error, "");
  EXPECT_NE(ParseCommand(std::string("NOOP\0", 5)).error, "");
  EXPECT_NE(ParseCommand("NOOP\rQUIT").error, "");
  EXPECT_NE(ParseCommand("RCPT TO:<a\x01@x.test>").error, "");
  EXPECT_EQ(ParseCommand("NOOP\tx").error, "");
  // The verb is known all the same.
  for (const char* line : {"BDAT 60 LAST\x01", "bdat\x01 60 LAST",
                           "BDAT\x01"
                           "60",
                           "BDAT \x7f"}) {
    EXPECT_EQ(ParseCommand(line).verb, Verb::kBdat) << line;
    EXPECT_NE(ParseCommand(line).error, "") << line;
  }
  EXPECT_EQ(ParseCommand("\x01"
                         "BDAT 60")
                .verb,
            Verb::kUnknown);
}

}  // namespace
}  // namespace wavepost
