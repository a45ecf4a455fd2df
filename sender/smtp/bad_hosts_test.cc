// Hosts that lie, stall, flood and fall silent: each costs one connection with a deadline, and never a wrong outcome.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sender/smtp/session.h"
#include "sender/smtp/testing/dialogue.h"

namespace wavepost {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using Failure = AttemptResult::Failure;
using Then = Line::Then;
using std::string_literals::operator""s;

const Line kGreeting{"", "220 mx.test ESMTP\r\n"};
const Line kEhlo{"EHLO out.test\r\n", "250 mx.test\r\n"};
const Line kEhloPiped{"EHLO out.test\r\n", "250-mx.test\r\n250 PIPELINING\r\n"};
const Line kEhloBdat{"EHLO out.test\r\n", "250-mx.test\r\n250 CHUNKING\r\n"};
const Line kMail{"MAIL FROM:<b+t@bounce.test>\r\n", "250 ok\r\n"};
const Line kRcpt{"RCPT TO:<u@a.test>\r\n", "250 ok\r\n"};
const Line kData{"DATA\r\n", "354 go\r\n"};
const std::string kWire = "Subject: x\r\n\r\nhello\r\n.\r\n";
const std::string kBdat = "BDAT 21 LAST\r\nSubject: x\r\n\r\nhello\r\n";
const std::string kGroup = "MAIL FROM:<b+t@bounce.test>\r\nRCPT TO:<u@a.test>\r\nDATA\r\n";

struct Row {
  const char* name;
  std::vector<Line> script;
  Phase phase;
  bool maybe_delivered = false;
  int marks = 0;
  int code = 0;  // 0: kLost
  Dialogue with;
};

void CheckRow(const Row& row) {
  SCOPED_TRACE(row.name);
  Dialogue dialogue = row.with;
  dialogue.script = row.script;
  const Played played = Play(std::move(dialogue));
  EXPECT_THAT(played.wrong, IsEmpty());
  ASSERT_TRUE(played.open.has_value() || played.send.has_value());
  const AttemptResult& last = played.last();
  EXPECT_EQ(last.failure, row.code == 0 ? Failure::kLost : Failure::kNone) << last.text;
  EXPECT_EQ(last.reply.has_value() ? last.reply->code : 0, row.code);
  EXPECT_EQ(PhaseName(last.phase), PhaseName(row.phase)) << last.text;
  EXPECT_EQ(last.maybe_delivered, row.maybe_delivered);
  EXPECT_EQ(played.marks, row.marks);
  EXPECT_FALSE(played.usable);
  EXPECT_FALSE(last.reply.has_value() && last.reply->positive()) << "never delivered";
  EXPECT_LE(last.text.size(), 4096u);
}

TEST(BadHosts, Nonsense) {
  const std::string megabyte(1 << 20, 'x');
  const Row rows[] = {
      {"ClosesAtOnce", {{"", "", Then::kClose}}, Phase::kGreeting},
      {"ResetsAtOnce", {{"", "", Then::kReset}}, Phase::kGreeting},
      {"NotSmtp", {{"", "HTTP/1.1 400 Bad Request\r\n"}}, Phase::kGreeting},
      {"Farewell", {{"", "221 bye\r\n"}}, Phase::kGreeting},
      {"Greeting354", {{"", "354 go\r\n"}}, Phase::kGreeting},
      {"EndlessGreeting", {{"", "220-and on\r\n", Then::kFlood}}, Phase::kGreeting},
      {"EndlessReply", {kGreeting, {kEhlo.expect, "250-and on\r\n", Then::kFlood}}, Phase::kEhlo},
      {"EndlessReplies", {kGreeting, {kEhlo.expect, "250 ok\r\n", Then::kFlood}}, Phase::kEhlo},
      {"MegabyteLine", {kGreeting, {kEhlo.expect, "250 " + megabyte + "\r\n"}}, Phase::kEhlo},
      {"EndlessLine", {kGreeting, {kEhlo.expect, megabyte, Then::kFlood}}, Phase::kEhlo},
      {"NulInReply", {kGreeting, kEhlo, {kMail.expect, "250 o\0k\r\n"s}}, Phase::kMail},
      {"LoneCr", {kGreeting, kEhlo, {kMail.expect, "250 ok\r250 ok\r\n"}}, Phase::kMail},
      {"TwoCodesInAReply", {kGreeting, kEhlo, {kMail.expect, "250-ok\r\n550 no\r\n"}}, Phase::kMail},
      {"CodeOutOfRange", {kGreeting, kEhlo, {kMail.expect, "650 ok\r\n"}}, Phase::kMail},
      {"NoCode", {kGreeting, kEhlo, kMail, {kRcpt.expect, "ok\r\n"}}, Phase::kRcpt},
      {"HalfAReply", {kGreeting, kEhlo, {kMail.expect, "250-ok\r\n", Then::kClose}}, Phase::kMail},
      {"HalfALine", {kGreeting, kEhlo, {kMail.expect, "250", Then::kClose}}, Phase::kMail},
  };
  for (const Row& row : rows) CheckRow(row);
}

TEST(BadHosts, OutOfStep) {
  const Row rows[] = {
      {"TwoGreetings", {{"", "220 mx.test\r\n220 mx.test\r\n"}}, Phase::kEhlo},
      {"TwoRepliesToEhlo", {kGreeting, {kEhlo.expect, "250 mx.test\r\n250 ok\r\n"}}, Phase::kEhlo},
      {"SpeaksBeforeMail", {kGreeting, kEhlo, {"", "250 ok\r\n"}}, Phase::kMail},
      {"HalfALineBeforeMail", {kGreeting, kEhlo, {"", "250 o"}}, Phase::kMail},
      {"TwoRepliesToMail", {kGreeting, kEhlo, {kMail.expect, "250 ok\r\n250 ok\r\n"}}, Phase::kRcpt},
      {"TwoRepliesToRcpt", {kGreeting, kEhlo, kMail, {kRcpt.expect, "250 ok\r\n354 go\r\n"}}, Phase::kData},
      {"OneReplyTooManyInTheGroup",
       {kGreeting, kEhloPiped, {kGroup, "250 a\r\n250 b\r\n250 c\r\n354 go\r\n"}},
       Phase::kData},
      {"GroupAnsweredTooWell",
       {kGreeting, kEhloPiped, {kGroup, "250 a\r\n250 b\r\n354 go\r\n250 queued\r\n"}},
       Phase::kData,
       false,
       1},
      {"Go354ToMail", {kGreeting, kEhlo, {kMail.expect, "354 go\r\n"}}, Phase::kMail},
      {"Go354ToRcpt", {kGreeting, kEhlo, kMail, {kRcpt.expect, "354 go\r\n"}}, Phase::kRcpt},
      {"GreetingAgainToMail", {kGreeting, kEhlo, {kMail.expect, "220 mx.test\r\n"}}, Phase::kMail},
      {"FarewellToRcpt", {kGreeting, kEhlo, kMail, {kRcpt.expect, "221 bye\r\n"}}, Phase::kRcpt},
      {"Ok250ToData", {kGreeting, kEhlo, kMail, kRcpt, {"DATA\r\n", "250 queued\r\n"}}, Phase::kData},
      {"Ok250BeforeTheDot",
       {kGreeting, kEhlo, kMail, kRcpt, {"DATA\r\n", "354 go\r\n250 queued\r\n"}},
       Phase::kData,
       false,
       1},
      {"Ok250AMomentBeforeTheDot",
       {kGreeting, kEhlo, kMail, kRcpt, kData, {"", "250 queued\r\n"}},
       Phase::kData,
       false,
       1},
      {"No550BeforeTheDot", {kGreeting, kEhlo, kMail, kRcpt, kData, {"", "550 no\r\n"}}, Phase::kData, false, 1},
      {"Go354ToTheDot", {kGreeting, kEhlo, kMail, kRcpt, kData, {kWire, "354 go\r\n"}}, Phase::kEndOfData, true, 1},
      {"FarewellToTheDot", {kGreeting, kEhlo, kMail, kRcpt, kData, {kWire, "221 bye\r\n"}}, Phase::kEndOfData, true, 1},
      // The surplus 250 must not become the answer to the next message's envelope.
      {"TwoRepliesToTheDot",
       {kGreeting, kEhlo, kMail, kRcpt, kData, {kWire, "250 ok\r\n250 ok\r\n"}},
       Phase::kMail,
       false,
       1,
       0,
       {.transactions = 2}},
      {"NonsenseBehindTheReply",
       {kGreeting, kEhlo, kMail, kRcpt, kData, {kWire, "250 ok\r\nfoo\r\n"}},
       Phase::kMail,
       false,
       1,
       0,
       {.transactions = 2}},
      {"ClosedBetweenMessages",
       {kGreeting, kEhlo, kMail, kRcpt, kData, {kWire, "250 ok\r\n", Then::kClose}},
       Phase::kMail,
       false,
       1,
       0,
       {.transactions = 2}},
      {"Ok250BeforeBdat", {kGreeting, kEhloBdat, kMail, kRcpt, {"", "250 queued\r\n"}}, Phase::kData, false, 1},
      {"BdatUnknown",
       {kGreeting, kEhloBdat, kMail, kRcpt, {kBdat, "502 what?\r\n500 Subject?\r\n"}},
       Phase::kEndOfData,
       false,
       1},
  };
  for (const Row& row : rows) CheckRow(row);
}

// A reply too many that comes with the next group's answers: the recipient is not delivered to, at least.
TEST(BadHosts, RepliesShiftedByOneNeverDeliver) {
  const Played played =
      Play({.script = {kGreeting, kEhloPiped, {kGroup, "250 too late\r\n250 mail\r\n550 5.1.1 rcpt\r\n503 data\r\n"}}});
  EXPECT_EQ(played.marks, 0);
  EXPECT_EQ(played.send->reply->code, 550);
}

TEST(BadHosts, Disconnects) {
  const Row rows[] = {
      {"AfterEhlo", {kGreeting, {kEhlo.expect, "", Then::kClose}}, Phase::kEhlo},
      {"AfterMail", {kGreeting, kEhlo, {kMail.expect, "", Then::kReset}}, Phase::kMail},
      {"AfterRcpt", {kGreeting, kEhlo, kMail, {kRcpt.expect, "", Then::kClose}}, Phase::kRcpt},
      {"AfterData", {kGreeting, kEhlo, kMail, kRcpt, {"DATA\r\n", "", Then::kClose}}, Phase::kData},
      {"After354", {kGreeting, kEhlo, kMail, kRcpt, {"DATA\r\n", "354 go\r\n", Then::kClose}}, Phase::kData, false, 1},
      {"AfterTheDot", {kGreeting, kEhlo, kMail, kRcpt, kData, {kWire, "", Then::kClose}}, Phase::kEndOfData, true, 1},
      {"ResetAfterTheDot",
       {kGreeting, kEhlo, kMail, kRcpt, kData, {kWire, "", Then::kReset}},
       Phase::kEndOfData,
       true,
       1},
      {"HalfAReplyToTheDot",
       {kGreeting, kEhlo, kMail, kRcpt, kData, {kWire, "250-queued\r\n", Then::kClose}},
       Phase::kEndOfData,
       true,
       1},
      {"NonsenseToTheDot", {kGreeting, kEhlo, kMail, kRcpt, kData, {kWire, "queued\r\n"}}, Phase::kEndOfData, true, 1},
      {"AfterBdat", {kGreeting, kEhloBdat, kMail, kRcpt, {kBdat, "", Then::kClose}}, Phase::kEndOfData, true, 1},
  };
  for (const Row& row : rows) CheckRow(row);
}

// RFC 5321 section 4.5.3.2. The peer checks both sides of each limit, and that drops do not move it.
TEST(BadHosts, Stalls) {
  const SmtpTimeouts t;
  const Row rows[] = {
      {"Greeting", {{"", "", Then::kStall, t.greeting}}, Phase::kGreeting},
      {"DrippingGreeting", {{"", "220-slowly, very slow", Then::kDrip, t.greeting}}, Phase::kGreeting},
      {"Ehlo", {kGreeting, {kEhlo.expect, "", Then::kStall, t.command}}, Phase::kEhlo},
      {"HalfEhlo", {kGreeting, {kEhlo.expect, "250-mx.test\r\n", Then::kStall, t.command}}, Phase::kEhlo},
      {"DrippingEhlo",
       {kGreeting, {kEhlo.expect, "250-a\r\n250-b\r\n250-c\r\n", Then::kDrip, t.command}},
       Phase::kEhlo},
      {"Mail", {kGreeting, kEhlo, {kMail.expect, "", Then::kStall, t.command}}, Phase::kMail},
      {"Rcpt", {kGreeting, kEhlo, kMail, {kRcpt.expect, "", Then::kStall, t.command}}, Phase::kRcpt},
      {"RcptOfAGroup", {kGreeting, kEhloPiped, {kGroup, "250 ok\r\n", Then::kStall, t.command}}, Phase::kRcpt},
      {"Data", {kGreeting, kEhlo, kMail, kRcpt, {"DATA\r\n", "", Then::kStall, t.data}}, Phase::kData},
      {"Dot",
       {kGreeting, kEhlo, kMail, kRcpt, kData, {kWire, "", Then::kStall, t.end_of_data}},
       Phase::kEndOfData,
       true,
       1},
      {"DrippingDot",
       {kGreeting, kEhlo, kMail, kRcpt, kData, {kWire, "250-a\r\n250-b", Then::kDrip, t.end_of_data}},
       Phase::kEndOfData,
       true,
       1},
      {"Reset",
       {kGreeting, kEhlo, kMail, {kRcpt.expect, "550 no\r\n"}, {"RSET\r\n", "", Then::kStall, t.command}},
       Phase::kRset,
       false,
       0,
       0,
       {.transactions = 2}},
  };
  for (const Row& row : rows) CheckRow(row);
}

// Hosts that do not take the whole message. It is larger than what the system holds for a host that reads nothing.
TEST(BadHosts, MessageStuckMidway) {
  std::string message;
  while (message.size() < 32'000'000) message += std::string(998, 'a') + "\r\n";
  const Dialogue large{.message = message};
  const SmtpTimeouts t;
  const absl::Duration limit = t.block + absl::Seconds(message.size() / Session::kSlowestBytesPerSecond);
  const std::string bdat = "BDAT " + std::to_string(message.size()) + " LAST\r\n";
  const Row rows[] = {
      {"ReadsNothing",
       {kGreeting, kEhlo, kMail, kRcpt, kData, {"", "", Then::kDeaf, limit}},
       Phase::kData,
       false,
       1,
       0,
       large},
      {"RefusedMidway",
       {kGreeting, kEhlo, kMail, kRcpt, kData, {"aaa", "552 5.3.4 too big\r\n", Then::kDeaf}},
       Phase::kEndOfData,
       false,
       1,
       552,
       large},
      {"AcceptedMidway",
       {kGreeting, kEhlo, kMail, kRcpt, kData, {"aaa", "250 queued\r\n", Then::kDeaf}},
       Phase::kData,
       false,
       1,
       0,
       large},
      {"ClosedMidway",
       {kGreeting, kEhlo, kMail, kRcpt, kData, {"aaa", "", Then::kReset}},
       Phase::kData,
       false,
       1,
       0,
       large},
      {"BdatRefusedMidway",
       {kGreeting, kEhloBdat, kMail, kRcpt, {bdat, "452 4.3.1 full\r\n", Then::kDeaf}},
       Phase::kEndOfData,
       false,
       1,
       452,
       large},
      {"BdatAcceptedMidway",
       {kGreeting, kEhloBdat, kMail, kRcpt, {bdat, "250 queued\r\n", Then::kDeaf}},
       Phase::kData,
       false,
       1,
       0,
       large},
  };
  for (const Row& row : rows) CheckRow(row);
}

TEST(BadHosts, BdatUnknownIsRemembered) {
  const Played played = Play({.script = {kGreeting, kEhloBdat, kMail, kRcpt, {kBdat, "500 what?\r\n"}}});
  EXPECT_TRUE(played.bdat_refused);
  EXPECT_THAT(played.send->text, HasSubstr("CHUNKING"));
}

}  // namespace
}  // namespace wavepost
