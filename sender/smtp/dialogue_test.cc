// Sessions with hosts that behave: what is said, with which extensions, and what ends a transaction.
#include "sender/smtp/testing/dialogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sender/smtp/session.h"

namespace wavepost {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Failure = AttemptResult::Failure;
using Then = Line::Then;

const Line kGreeting{"", "220 mx.test ESMTP\r\n"};
const Line kMail{"MAIL FROM:<b+t@bounce.test>\r\n", "250 ok\r\n"};
const Line kRcpt{"RCPT TO:<u@a.test>\r\n", "250 ok\r\n"};
const Line kData{"DATA\r\n", "354 go\r\n"};
const std::string kMessage = "Subject: x\r\n\r\nhello\r\n";
const Line kTaken{kMessage + ".\r\n", "250 2.0.0 queued as X\r\n"};
const std::string kGroup = "MAIL FROM:<b+t@bounce.test>\r\nRCPT TO:<u@a.test>\r\nDATA\r\n";

// A host that offers `extensions`.
Line Ehlo(const std::vector<std::string>& extensions) {
  std::string reply = extensions.empty() ? "250 mx.test\r\n" : "250-mx.test\r\n";
  for (size_t i = 0; i < extensions.size(); ++i)
    reply += (i + 1 < extensions.size() ? "250-" : "250 ") + extensions[i] + "\r\n";
  return {"EHLO out.test\r\n", reply};
}

struct Row {
  const char* name;
  std::vector<Line> script;
  Phase phase = Phase::kEndOfData;
  int code = 250;
  int marks = 1;
  bool usable = true;
  Dialogue with;  // all but the script
};

void CheckRow(const Row& row) {
  SCOPED_TRACE(row.name);
  Dialogue dialogue = row.with;
  dialogue.script = row.script;
  const Played played = Play(std::move(dialogue));
  EXPECT_THAT(played.wrong, IsEmpty());
  EXPECT_TRUE(played.peer_is_content);
  ASSERT_TRUE(played.open.has_value() || played.send.has_value());
  const AttemptResult& last = played.last();
  EXPECT_EQ(last.failure, Failure::kNone) << last.text;
  EXPECT_EQ(PhaseName(last.phase), PhaseName(row.phase));
  EXPECT_EQ(last.reply.has_value() ? last.reply->code : 0, row.code);
  EXPECT_FALSE(last.maybe_delivered);
  EXPECT_EQ(played.marks, row.marks);
  EXPECT_EQ(played.usable, row.usable);
}

TEST(SessionDialogue, Transactions) {
  const std::string piped = "MAIL FROM:<b+t@bounce.test> SIZE=21\r\nRCPT TO:<u@a.test>\r\nDATA\r\n";
  const Row rows[] = {
      {"OneCommandAtATime", {kGreeting, Ehlo({}), kMail, kRcpt, kData, kTaken}},
      {"MultilineReplies",
       {{"", "220-hello\r\n220-we are\r\n220 mx.test\r\n"},
        Ehlo({}),
        {kMail.expect, "250-2.1.0 fine\r\n250 2.1.0 go on\r\n"},
        {kRcpt.expect, "251 2.1.5 forwards\r\n"},
        {"DATA\r\n", "354-go\r\n354 on\r\n"},
        kTaken}},
      {"LoneLfInReplies", {{"", "220 mx.test\n"}, {"EHLO out.test\r\n", "250 mx.test\n"}, kMail, kRcpt, kData, kTaken}},
      {"ReplyInPieces",  // one write of the peer's each
       {{"", "220 mx"}, {"", ".test\r"}, {"", "\n"}, Ehlo({}), kMail, kRcpt, kData, kTaken}},
      {"Pipelining", {kGreeting, Ehlo({"PIPELINING"}), {kGroup, "250 ok\r\n250 ok\r\n354 go\r\n"}, kTaken}},
      {"PipeliningAnsweredOneByOne",
       {kGreeting, Ehlo({"PIPELINING"}), {kMail.expect, "250 ok\r\n"}, {kRcpt.expect, "250 ok\r\n"}, kData, kTaken}},
      {"Size", {kGreeting, Ehlo({"PIPELINING", "SIZE 1000"}), {piped, "250 ok\r\n250 ok\r\n354 go\r\n"}, kTaken}},
      {"SizeWithoutLimit",
       {kGreeting, Ehlo({"PIPELINING", "SIZE"}), {piped, "250 ok\r\n250 ok\r\n354 go\r\n"}, kTaken}},
      {"SizeObeyedUnasked", {kGreeting, Ehlo({"SIZE 10"})}, Phase::kMail, 552, 0},
      {"HeloFallback",
       {kGreeting,
        {"EHLO out.test\r\n", "502 what?\r\n"},
        {"HELO out.test\r\n", "250 hi\r\n"},
        kMail,
        kRcpt,
        kData,
        kTaken}},
      {"SecondMessageWithoutReset",
       {kGreeting, Ehlo({}), kMail, kRcpt, kData, kTaken, kMail, kRcpt, kData, kTaken},
       Phase::kEndOfData,
       250,
       2,
       true,
       {.transactions = 2}},
      {"MessageRefused",
       {kGreeting, Ehlo({}), kMail, kRcpt, kData, {kTaken.expect, "554 5.7.1 spam\r\n"}, kMail, kRcpt, kData, kTaken},
       Phase::kEndOfData,
       250,
       2,
       true,
       {.transactions = 2}},
      {"ResetAfterARefusal",
       {kGreeting,
        Ehlo({}),
        kMail,
        {kRcpt.expect, "550 5.1.1 no\r\n"},
        {"RSET\r\n", "250 ok\r\n"},
        kMail,
        kRcpt,
        kData,
        kTaken},
       Phase::kEndOfData,
       250,
       1,
       true,
       {.transactions = 2}},
      {"ResetIsPipelined",
       {kGreeting,
        Ehlo({"PIPELINING"}),
        {kGroup, "250 ok\r\n550 5.1.1 no such user\r\n503 no recipients\r\n"},
        {"RSET\r\n" + kGroup, "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"},
        kTaken},
       Phase::kEndOfData,
       250,
       1,
       true,
       {.transactions = 2}},
      {"DsnOffered",
       {kGreeting,
        Ehlo({"DSN"}),
        {"MAIL FROM:<b+t@bounce.test> RET=HDRS ENVID=a+2Bb+3D\r\n", "250 ok\r\n"},
        {"RCPT TO:<u+x@a.test> NOTIFY=FAILURE ORCPT=rfc822;u+2Bx@a.test\r\n", "250 ok\r\n"},
        kData,
        kTaken},
       Phase::kEndOfData,
       250,
       1,
       true,
       {.envelope = {.return_path = "b+t@bounce.test", .recipient = "u+x@a.test", .envelope_id = "a+b="}}},
      {"DsnWithoutEnvelopeId",
       {kGreeting,
        Ehlo({"DSN"}),
        {"MAIL FROM:<b+t@bounce.test> RET=HDRS\r\n", "250 ok\r\n"},
        {"RCPT TO:<u@a.test> NOTIFY=FAILURE ORCPT=rfc822;u@a.test\r\n", "250 ok\r\n"},
        kData,
        kTaken}},
      {"DotsAreStuffed",
       {kGreeting, Ehlo({}), kMail, kRcpt, kData, {"..a\r\n...\r\nb.\r\n..\r\n.\r\n", "250 ok\r\n"}},
       Phase::kEndOfData,
       250,
       1,
       true,
       {.message = ".a\r\n..\r\nb.\r\n.\r\n"}},
      {"EightBitOffered",
       {kGreeting,
        Ehlo({"8BITMIME"}),
        {"MAIL FROM:<b+t@bounce.test> BODY=8BITMIME\r\n", "250 ok\r\n"},
        kRcpt,
        kData,
        {"\xc3\xa4\r\n.\r\n", "250 ok\r\n"}},
       Phase::kEndOfData,
       250,
       1,
       true,
       {.message = "\xc3\xa4\r\n", .has_8bit = true}},
      {"EightBitNotNeeded", {kGreeting, Ehlo({"8BITMIME"}), kMail, kRcpt, kData, kTaken}},
      {"EightBitNotOffered",
       {kGreeting, Ehlo({})},
       Phase::kMail,
       554,
       0,
       true,
       {.message = "\xc3\xa4\r\n", .has_8bit = true}},
      {"SmtpUtf8",
       {kGreeting,
        Ehlo({"8BITMIME", "SMTPUTF8", "DSN"}),
        {"MAIL FROM:<b+t@bounce.test> BODY=8BITMIME SMTPUTF8 RET=HDRS\r\n", "250 ok\r\n"},
        {"RCPT TO:<\xc3\xbc@a.test> NOTIFY=FAILURE ORCPT=utf-8;\\x{FC}@a.test\r\n", "250 ok\r\n"},
        kData,
        kTaken},
       Phase::kEndOfData,
       250,
       1,
       true,
       {.envelope = {.return_path = "b+t@bounce.test", .recipient = "\xc3\xbc@a.test", .smtputf8 = true},
        .has_8bit = true}},
      {"SmtpUtf8NotOffered",
       {kGreeting, Ehlo({"8BITMIME"})},
       Phase::kMail,
       553,
       0,
       true,
       {.envelope = {.return_path = "b+t@bounce.test", .recipient = "\xc3\xbc@a.test", .smtputf8 = true}}},
      {"Bdat",
       {kGreeting,
        Ehlo({"CHUNKING"}),
        kMail,
        kRcpt,
        {"BDAT 21 LAST\r\n" + kMessage, "250 ok\r\n"},
        kMail,
        kRcpt,
        {"BDAT 21 LAST\r\n" + kMessage, "250 ok\r\n"}},
       Phase::kEndOfData,
       250,
       2,
       true,
       {.transactions = 2}},
      {"BdatAfterAPipelinedEnvelope",
       {kGreeting,
        Ehlo({"PIPELINING", "CHUNKING"}),
        {kMail.expect + kRcpt.expect, "250 ok\r\n250 ok\r\n"},
        {"BDAT 21 LAST\r\n" + kMessage, "250 ok\r\n"}}},
      {"BdatLeavesDotsAlone",
       {kGreeting, Ehlo({"CHUNKING"}), kMail, kRcpt, {"BDAT 3 LAST\r\n.\r\n", "250 ok\r\n"}},
       Phase::kEndOfData,
       250,
       1,
       true,
       {.message = ".\r\n"}},
      {"BdatNotWanted",
       {kGreeting, Ehlo({"CHUNKING"}), kMail, kRcpt, kData, kTaken},
       Phase::kEndOfData,
       250,
       1,
       true,
       {.options = {.chunking = false}}},
      {"BdatMessageRefusedThenReset",
       {kGreeting,
        Ehlo({"CHUNKING"}),
        kMail,
        kRcpt,
        {"BDAT 21 LAST\r\n" + kMessage, "554 5.7.1 spam\r\n"},
        {"RSET\r\n", "250 ok\r\n"},
        kMail,
        kRcpt,
        {"BDAT 21 LAST\r\n" + kMessage, "250 ok\r\n"}},
       Phase::kEndOfData,
       250,
       2,
       true,
       {.transactions = 2}},
  };
  for (const Row& row : rows) CheckRow(row);
}

TEST(SessionDialogue, Refusals) {
  const Row rows[] = {
      {"Greeting554", {{"", "554 go away\r\n"}}, Phase::kGreeting, 554, 0, false},
      {"Greeting421", {{"", "421 4.7.0 too many\r\n"}}, Phase::kGreeting, 421, 0, false},
      {"Ehlo421", {kGreeting, {"EHLO out.test\r\n", "421 bye\r\n"}}, Phase::kEhlo, 421, 0, false},
      {"Ehlo450", {kGreeting, {"EHLO out.test\r\n", "450 later\r\n"}}, Phase::kEhlo, 450, 0, false},
      {"EhloAndHelo550",
       {kGreeting, {"EHLO out.test\r\n", "550 bad name\r\n"}, {"HELO out.test\r\n", "550 5.7.1 bad name\r\n"}},
       Phase::kEhlo,
       550,
       0,
       false},
      {"Helo421",
       {kGreeting, {"EHLO out.test\r\n", "500 ?\r\n"}, {"HELO out.test\r\n", "421 bye\r\n"}},
       Phase::kEhlo,
       421,
       0,
       false},
      {"Mail421", {kGreeting, Ehlo({}), {kMail.expect, "421 4.3.2 shutting down\r\n"}}, Phase::kMail, 421, 0, false},
      {"Mail550", {kGreeting, Ehlo({}), {kMail.expect, "550 5.7.1 no\r\n"}}, Phase::kMail, 550, 0},
      {"Rcpt421", {kGreeting, Ehlo({}), kMail, {kRcpt.expect, "421 4.7.0 slow down\r\n"}}, Phase::kRcpt, 421, 0, false},
      {"Rcpt450", {kGreeting, Ehlo({}), kMail, {kRcpt.expect, "450 4.2.0 greylisted\r\n"}}, Phase::kRcpt, 450, 0},
      {"RcptThenClosed",
       {kGreeting, Ehlo({"PIPELINING"}), {kGroup, "250 ok\r\n550 5.1.1 no\r\n", Then::kClose}},
       Phase::kRcpt,
       550,
       0,
       false},
      {"Rcpt421InTheGroup",
       {kGreeting, Ehlo({"PIPELINING"}), {kGroup, "250 ok\r\n421 bye\r\n", Then::kClose}},
       Phase::kRcpt,
       421,
       0,
       false},
      {"Data451", {kGreeting, Ehlo({}), kMail, kRcpt, {"DATA\r\n", "451 4.3.0 no space\r\n"}}, Phase::kData, 451, 0},
      {"Data421", {kGreeting, Ehlo({}), kMail, kRcpt, {"DATA\r\n", "421 bye\r\n"}}, Phase::kData, 421, 0, false},
      {"Dot421",
       {kGreeting, Ehlo({}), kMail, kRcpt, kData, {kTaken.expect, "421 4.3.0 bye\r\n"}},
       Phase::kEndOfData,
       421,
       1,
       false},
      {"Dot452",
       {kGreeting, Ehlo({}), kMail, kRcpt, kData, {kTaken.expect, "452 4.3.1 full\r\n"}},
       Phase::kEndOfData,
       452,
       1},
      {"Reset421",
       {kGreeting, Ehlo({}), kMail, {kRcpt.expect, "550 no\r\n"}, {"RSET\r\n", "421 bye\r\n"}},
       Phase::kRset,
       421,
       0,
       false,
       {.transactions = 2}},
      {"Closing421BetweenMessages",
       {kGreeting, Ehlo({}), kMail, kRcpt, kData, kTaken, {"", "421 idle too long\r\n", Then::kClose}},
       Phase::kMail,
       421,
       1,
       false,
       {.transactions = 2}},
      // RFC 2920 would have us send a lone dot. Hanging up cannot go wrong.
      {"RcptRefusedButDataTaken",
       {kGreeting, Ehlo({"PIPELINING"}), {kGroup, "250 ok\r\n550 5.1.1 no\r\n354 go on\r\n"}},
       Phase::kRcpt,
       550,
       0,
       false},
      {"MailRefusedRestToo",
       {kGreeting, Ehlo({"PIPELINING"}), {kGroup, "550 5.7.1 no\r\n503 mail first\r\n503 mail first\r\n"}},
       Phase::kMail,
       550,
       0},
      {"RcptRefusedBeforeBdat",
       {kGreeting, Ehlo({"PIPELINING", "CHUNKING"}), {kMail.expect + kRcpt.expect, "250 ok\r\n550 5.1.1 no\r\n"}},
       Phase::kRcpt,
       550,
       0},
  };
  for (const Row& row : rows) CheckRow(row);
}

TEST(SessionDialogue, WithdrawnBeforeTheDotSendsNothing) {
  const Played played = Play({.script = {kGreeting, Ehlo({}), kMail, kRcpt, kData}, .mark = false});
  EXPECT_EQ(played.send->failure, Failure::kLost);
  EXPECT_FALSE(played.send->maybe_delivered);
  EXPECT_FALSE(played.usable);
  EXPECT_EQ(played.heard.find("hello"), std::string::npos);
}

// Neither leaves; nothing at all is said.
TEST(SessionDialogue, BadMessagesAndEnvelopesNeverLeave) {
  for (const char* message : {"", "a", "a\n", "a\r", "a\nb\r\n", "a\rb\r\n", "a\r\n.\n.\r\n", "a\r\n\n"}) {
    const Played played = Play({.script = {kGreeting, Ehlo({})}, .message = message});
    EXPECT_EQ(played.send->failure, Failure::kRender) << testing::PrintToString(message);
    EXPECT_EQ(played.heard, "EHLO out.test\r\n");
    EXPECT_TRUE(played.usable);
  }
  for (const char* recipient : {"", "u@a.test>\r\nRCPT TO:<v@a.test", "u@a.test\nDATA"}) {
    Dialogue dialogue{.script = {kGreeting, Ehlo({})}};
    dialogue.envelope.recipient = recipient;
    const Played played = Play(dialogue);
    EXPECT_EQ(played.send->failure, Failure::kRender);
    EXPECT_EQ(played.heard, "EHLO out.test\r\n");
  }
}

TEST(SessionDialogue, LargeMessageArrivesWhole) {
  std::string message, wire;
  while (message.size() < 8'000'000) {
    message += message.size() % 7 == 0 ? ".dot\r\n" : "a line of some text that is not very long\r\n";
  }
  for (size_t at = 0; at < message.size();) {
    const size_t end = message.find("\r\n", at) + 2;
    if (message[at] == '.') wire += '.';
    wire.append(message, at, end - at);
    at = end;
  }
  const Played played =
      Play({.script = {kGreeting, Ehlo({}), kMail, kRcpt, kData, {wire + ".\r\n", "250 ok\r\n"}}, .message = message});
  EXPECT_THAT(played.wrong, IsEmpty());
  EXPECT_EQ(played.send->reply->code, 250);
}

class Recorder : public SessionTrace {
 public:
  void OnLine(char direction, std::string_view text) override {
    lines.push_back(direction + (" " + std::string(text)));
  }
  std::vector<std::string> lines;
};

TEST(SessionDialogue, TraceShowsBothSidesWithoutTheMessage) {
  Recorder recorder;
  Play({.script = {kGreeting,
                   Ehlo({"PIPELINING", "SIZE"}),
                   {"MAIL FROM:<b+t@bounce.test> SIZE=21\r\nRCPT TO:<u@a.test>\r\nDATA\r\n",
                    "250 ok\r\n250 ok\r\n354 go\x07\r\n"},
                   kTaken},
        .options = {.trace = &recorder}});
  ASSERT_FALSE(recorder.lines.empty());
  EXPECT_EQ(recorder.lines[0].substr(0, 36), "* connected to mx.test [127.0.0.1]:" + recorder.lines[0].substr(35, 1));
  recorder.lines.erase(recorder.lines.begin());
  EXPECT_THAT(recorder.lines,
              ElementsAre("< 220 mx.test ESMTP", "> EHLO out.test", "< 250-mx.test", "< 250-PIPELINING", "< 250 SIZE",
                          "> MAIL FROM:<b+t@bounce.test> SIZE=21", "> RCPT TO:<u@a.test>", "> DATA", "< 250 ok",
                          "< 250 ok", "< 354 go ", "> (21 bytes)", "< 250 2.0.0 queued as X"));
}

}  // namespace
}  // namespace wavepost
