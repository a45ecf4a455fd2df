#include "bouncer/inbound/dialogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_replace.h"
#include "bouncer/inbound/testing/dialogue_fixture.h"

namespace wavepost {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DialogueTest : public DialogueFixture {};

TEST_F(DialogueTest, TakesAReport) {
  EXPECT_EQ(Talk(""), "220");
  EXPECT_EQ(Talk("EHLO client.example\n"), "250");
  EXPECT_THAT(all_output_,
              HasSubstr("250-PIPELINING\r\n250-SIZE 10485760\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n250 "
                        "ENHANCEDSTATUSCODES"));
  EXPECT_EQ(Talk("MAIL FROM:<>\n"), "250");
  EXPECT_EQ(Talk("RCPT TO:<$1>\n"), "250");
  EXPECT_EQ(Talk("DATA\n"), "354");
  EXPECT_TRUE(dialogue().in_message());
  EXPECT_EQ(Talk("Subject: x\n\n..dot\n"), "");
  EXPECT_EQ(Talk(".\n"), " STORE 250");
  ASSERT_EQ(messages_.size(), 1u);
  EXPECT_EQ(messages_[0].head, "Subject: x\r\n\r\n.dot\r\n");
  EXPECT_THAT(messages_[0].envelope.recipients, ElementsAre(kId));
  EXPECT_EQ(Talk("QUIT\n"), "221 CLOSE");
}

TEST_F(DialogueTest, SeveralMessagesPipelined) {
  EXPECT_EQ(Talk("EHLO c\nMAIL FROM:<> BODY=8BITMIME SIZE=100\nRCPT TO:<$1>\nRCPT TO:<$2>\nRCPT TO:<$1>\nDATA\na\n.\n"
                 "MAIL FROM:<x@y.example> SMTPUTF8\nRCPT TO:<$2>\nDATA\nb\n.\nQUIT\n"),
            "220 250 250 250 250 250 354 STORE 250 250 250 354 STORE 250 221 CLOSE");
  ASSERT_EQ(messages_.size(), 2u);
  EXPECT_THAT(messages_[0].envelope.recipients, ElementsAre(kId, kOther));
  EXPECT_THAT(messages_[1].envelope.recipients, ElementsAre(kOther));
  EXPECT_EQ(messages_[1].head, "b\r\n");
}

TEST_F(DialogueTest, RefusesForgedAndUnknownAddresses) {
  EXPECT_EQ(Talk("EHLO c\nMAIL FROM:<>\n"), "220 250 250");
  EXPECT_EQ(Talk("RCPT TO:<info@bounce.example>\nRCPT TO:<b+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@bounce.example>\n"
                 "RCPT TO:<b+aeaaaaamaaaacwj5mkmw5bwaympab2a@evil.example>\nDATA\n"),
            "550 550 550 554");
  EXPECT_THAT(all_output_, HasSubstr("550 5.1.1 no such address"));
  EXPECT_EQ(dialogue().refused_recipients(), 3);
}

TEST_F(DialogueTest, PostmasterIsKept) {
  EXPECT_EQ(Talk("EHLO c\nMAIL FROM:<a@b.example>\nRCPT TO:<postmaster>\nDATA\nhelp\n.\n"),
            "220 250 250 250 354 STORE 250");
  EXPECT_TRUE(messages_.at(0).envelope.keep);
  EXPECT_THAT(messages_.at(0).envelope.recipients, IsEmpty());
}

TEST_F(DialogueTest, AddressesOfPeopleAndSystems) {
  struct Row {
    const char* to;
    bool keep, feedback, aggregate;
  };
  for (const Row& row : {Row{"postmaster", true, false, false}, Row{"Abuse@bounce.example", true, false, false},
                         Row{"fbl@bounce.example", false, true, false}, Row{"dmarc@bounce.example", false, false, true},
                         Row{"TLSRPT@BOUNCE.EXAMPLE", false, false, true}}) {
    dialogue_.reset();
    messages_.clear();
    EXPECT_EQ(Talk(std::string("EHLO c\nMAIL FROM:<a@b>\nRCPT TO:<") + row.to + ">\nDATA\nx\n.\n"),
              "220 250 250 250 354 STORE 250")
        << row.to;
    const Envelope& got = messages_.at(0).envelope;
    EXPECT_TRUE(got.keep == row.keep && got.feedback == row.feedback && got.aggregate == row.aggregate) << row.to;
  }
}

// Reports in aggregate are read whole, and people want the whole mail.
TEST_F(DialogueTest, KeepsTheWholeOfWhatIsReadWhole) {
  limits_.head_bytes_max = 10;
  for (const char* to : {"postmaster", "dmarc@bounce.example"}) {
    dialogue_.reset();
    messages_.clear();
    Talk(std::string("EHLO c\nMAIL FROM:<a@b>\nRCPT TO:<") + to + ">\nDATA\n" + std::string(30'000, 'x') + "\n.\n");
    EXPECT_EQ(messages_.at(0).head.size(), 30'002u) << to;
  }
}

TEST_F(DialogueTest, ALoopIsBroken) {
  limits_.hops_max = 3;
  std::string hops;
  for (int i = 0; i < 3; ++i) hops += "Received: from a\n by b\n";
  EXPECT_EQ(Talk("EHLO c\nMAIL FROM:<>\nRCPT TO:<$1>\nDATA\n" + hops + "\nReceived: body\n.\n"),
            "220 250 250 250 354 STORE 250");
  EXPECT_EQ(Talk("MAIL FROM:<>\nRCPT TO:<$1>\nDATA\n" + hops + "RECEIVED : x\n\nx\n.\n"), "250 250 354 554");
  EXPECT_THAT(all_output_, HasSubstr("554 5.4.6"));
}

struct FailRow {
  absl::Status status;
  std::string want;
};

TEST_F(DialogueTest, AnswersAsItWasStored) {
  for (const FailRow& row :
       {FailRow{absl::UnavailableError("disk"), "451"}, FailRow{absl::ResourceExhaustedError("full"), "452"},
        FailRow{absl::CancelledError("stop"), "451"}, FailRow{absl::OkStatus(), "250"}}) {
    stored_ = row.status;
    dialogue_.reset();
    EXPECT_EQ(Talk("EHLO c\nMAIL FROM:<>\nRCPT TO:<$1>\nDATA\nx\n.\n"), "220 250 250 250 354 STORE " + row.want);
    EXPECT_EQ(Talk("MAIL FROM:<>\n"), "250");  // the transaction is over either way
  }
}

TEST_F(DialogueTest, OrderOfCommands) {
  EXPECT_EQ(Talk("MAIL FROM:<>\n"), "220 503");
  EXPECT_EQ(Talk("RCPT TO:<$1>\n"), "503");
  EXPECT_EQ(Talk("DATA\n"), "503");
  EXPECT_EQ(Talk("HELO c\nDATA\n"), "250 503");
  EXPECT_EQ(Talk("MAIL FROM:<>\nMAIL FROM:<>\n"), "250 503");
  EXPECT_EQ(Talk("DATA\n"), "554");
  EXPECT_EQ(Talk("RCPT TO:<$1>\nRSET\nDATA\n"), "250 250 503");
  EXPECT_EQ(Talk("MAIL FROM:<>\nRCPT TO:<$1>\nEHLO again\nDATA\n"), "250 250 250 503");
}

TEST_F(DialogueTest, SyntaxAndParameters) {
  EXPECT_EQ(Talk("EHLO\n"), "220 501");
  EXPECT_EQ(Talk("EHLO c\nNOSUCH\nVRFY root\nSTARTTLS\n"), "250 500 252 502");
  EXPECT_EQ(Talk("MAIL FROM:a@b\n"), "501");
  EXPECT_EQ(Talk("MAIL FROM:<> SIZE=x\nMAIL FROM:<> BODY=BINARYMIME\nMAIL FROM:<> RET=HDRS\n"), "501 501 555");
  EXPECT_EQ(Talk("MAIL FROM:<> SIZE=10485761\n"), "552");
}

TEST_F(DialogueTest, TooManyErrorsEndIt) {
  std::string lines;
  for (int i = 0; i < 20; ++i) lines += "RCPT TO:<x@y>\n";
  const std::string codes = Talk("EHLO c\n" + lines);
  EXPECT_EQ(codes, "220 250 503 503 503 503 503 503 503 503 503 503 421 CLOSE");
}

TEST_F(DialogueTest, TooManyIdleCommandsEndIt) {
  limits_.idle_commands_max = 5;
  EXPECT_EQ(Talk("EHLO c\nNOOP\nNOOP\nNOOP\nNOOP\nNOOP\nNOOP\n"), "220 250 250 250 250 250 421 CLOSE");
}

TEST_F(DialogueTest, RecipientLimit) {
  limits_.recipients_max = 2;
  EXPECT_EQ(Talk("EHLO c\nMAIL FROM:<>\nRCPT TO:<$1>\nRCPT TO:<$2>\nRCPT TO:<$1>\nDATA\nx\n.\n"),
            "220 250 250 250 250 452 354 STORE 250");
}

TEST_F(DialogueTest, LineTooLong) {
  EXPECT_EQ(Talk("EHLO c\n" + std::string(20'000, 'x') + "\nNOOP\n"), "220 250 500 CLOSE");
}

TEST_F(DialogueTest, KeepsAHeadOfALargeMessage) {
  limits_.head_bytes_max = 10;
  EXPECT_EQ(Talk("EHLO c\nMAIL FROM:<>\nRCPT TO:<$1>\nDATA\n" + std::string(3000, 'x') + "\n.\n"),
            "220 250 250 250 354 STORE 250");
  EXPECT_EQ(messages_.at(0).head, "xxxxxxxxxx");
}

TEST_F(DialogueTest, RefusesAMessageBeyondTheLimit) {
  limits_.message_bytes_max = 100;
  EXPECT_EQ(Talk("EHLO c\nMAIL FROM:<>\nRCPT TO:<$1>\nDATA\n" + std::string(99, 'x') + "\n.\n"),
            "220 250 250 250 354 552");
  EXPECT_THAT(messages_, IsEmpty());
  EXPECT_EQ(budget_left(), limits_.memory_bytes_max - Dialogue::kPlainBytes);
  EXPECT_EQ(Talk("MAIL FROM:<>\nRCPT TO:<$1>\nDATA\n" + std::string(98, 'x') + "\n.\n"), "250 250 354 STORE 250");
}

// What is given back to the budget is given back to malloc too.
TEST_F(DialogueTest, RefusedContentIsFreed) {
  limits_.message_bytes_max = 100'000;
  Talk("EHLO c\nMAIL FROM:<>\nRCPT TO:<$1>\nDATA\n" + std::string(90'000, 'x') + "\n");
  Talk(std::string(20'000, 'x') + "\n");
  EXPECT_LT(dialogue().TakeMessage().head.capacity(), 100u);
  EXPECT_EQ(Talk(".\n"), "552");
  EXPECT_LT(dialogue().TakeMessage().head.capacity(), 100u);
}

TEST_F(DialogueTest, ClosesOnEndlessMessages) {
  limits_.message_bytes_max = 100;
  std::string last = Talk("EHLO c\nMAIL FROM:<>\nRCPT TO:<$1>\nDATA\n");
  const std::string piece(1 << 20, 'x');
  for (int i = 0; i < 100 && !last.ends_with("CLOSE"); ++i) last = TalkBytes(piece);
  EXPECT_EQ(last, "552 CLOSE");
}

TEST_F(DialogueTest, OutOfMemoryIsTemporary) {
  limits_.connections_max = 0;  // no reserve for them
  limits_.memory_bytes_max = Dialogue::kPlainBytes + Dialogue::kRecipientBytes + 10;
  EXPECT_EQ(Talk("EHLO c\nMAIL FROM:<>\nRCPT TO:<$1>\nDATA\n" + std::string(50, 'x') + "\n.\n"),
            "220 250 250 250 354 452");
  EXPECT_EQ(budget_left(), Dialogue::kRecipientBytes + 10);
  EXPECT_EQ(Talk("MAIL FROM:<>\nRCPT TO:<$1>\nDATA\nx\n.\n"), "250 250 354 STORE 250");
  EXPECT_EQ(budget_left(), Dialogue::kRecipientBytes + 10);
}

TEST_F(DialogueTest, BudgetComesBackWhenTheClientGoes) {
  Talk("EHLO c\nMAIL FROM:<>\nRCPT TO:<$1>\nDATA\n" + std::string(500, 'x') + "\n");
  EXPECT_LT(budget_left(), limits_.memory_bytes_max - Dialogue::kPlainBytes);
  dialogue_.reset();
  EXPECT_EQ(budget_left(), limits_.memory_bytes_max);
}

// While it is being stored, the message still takes room.
TEST_F(DialogueTest, BudgetIsHeldUntilStored) {
  dialogue().Feed("EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<" + Path(kId) + ">\r\nDATA\r\nxxx\r\n.\r\n");
  Wants wants = dialogue().Advance(now_);
  EXPECT_EQ(wants, Wants::kStore);
  const TakenMessage message = dialogue().TakeMessage();
  EXPECT_EQ(budget_left(), limits_.memory_bytes_max - Dialogue::kPlainBytes - Dialogue::kRecipientBytes - 5);
  dialogue().Stored(absl::OkStatus());
  EXPECT_EQ(budget_left(), limits_.memory_bytes_max - Dialogue::kPlainBytes);
}

// A second message hidden in the first: whatever ends lines in other ways must never become a command.
struct SmuggleRow {
  std::string name;
  std::string end;  // what pretends to be the end of data
};

class SmugglingTest : public DialogueTest, public ::testing::WithParamInterface<SmuggleRow> {};

TEST_P(SmugglingTest, IsRefusedWhole) {
  EXPECT_EQ(Talk("EHLO c\nMAIL FROM:<>\nRCPT TO:<$1>\nDATA\n"), "220 250 250 250 354");
  const std::string hidden =
      "MAIL FROM:<evil@evil.example>\r\nRCPT TO:<" + Path(kOther) + ">\r\nDATA\r\nSubject: evil\r\n\r\n.\r\n";
  EXPECT_EQ(TalkBytes("Subject: x\r\n\r\nbody" + GetParam().end + hidden), "554 CLOSE");
  EXPECT_THAT(messages_, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Rows, SmugglingTest,
                         ::testing::Values(SmuggleRow{"LfDotLf", "\n.\n"}, SmuggleRow{"LfDotCrlf", "\n.\r\n"},
                                           SmuggleRow{"CrlfDotLf", "\r\n.\n"}, SmuggleRow{"CrDotCr", "\r.\r"},
                                           SmuggleRow{"CrDotCrlf", "\r.\r\n"}, SmuggleRow{"CrlfDotCr", "\r\n.\r"},
                                           SmuggleRow{"CrCrlfDotCrCrlf", "\r\r\n.\r\r\n"},
                                           SmuggleRow{"CrlfCrDotCrlf", "\r\n\r.\r\n"},
                                           SmuggleRow{"CrlfDotCrCrlf", "\r\n.\r\r\n"}, SmuggleRow{"CrDotLf", "\r.\n"},
                                           SmuggleRow{"LfDotCr", "\n.\r"}, SmuggleRow{"LoneCr", "\rx"},
                                           SmuggleRow{"LoneLf", "\nx"},
                                           SmuggleRow{"NulDot", std::string("\r\n\0.\r\n", 6)}),
                         [](const auto& row) { return row.param.name; });

TEST_F(DialogueTest, BareNewlineInCommandsEndsIt) {
  EXPECT_EQ(TalkBytes("EHLO c\nMAIL FROM:<>\r\n"), "220 500 CLOSE");
}

TEST_F(DialogueTest, OneByteAtATime) {
  const std::string all = absl::StrReplaceAll("EHLO c\nMAIL FROM:<>\nRCPT TO:<$1>\nDATA\na\n..\n.\nQUIT\n",
                                              {{"\n", "\r\n"}, {"$1", Path(kId)}});
  std::string codes;
  for (const char c : all) {
    const std::string got = TalkBytes(std::string_view(&c, 1));
    if (!got.empty()) codes += (codes.empty() || got[0] == ' ' ? "" : " ") + got;
  }
  EXPECT_EQ(codes, "220 250 250 250 354 STORE 250 221 CLOSE");
  EXPECT_EQ(messages_.at(0).head, "a\r\n.\r\n");
}

TEST_F(DialogueTest, RefusalFromOurSide) {
  Talk("EHLO c\n");
  dialogue().Refuse421("4.3.2 shutting down");
  EXPECT_EQ(dialogue().Advance(now_), Wants::kClose);
  EXPECT_EQ(dialogue().TakeOutput(), "421 4.3.2 shutting down, closing connection\r\n");
}

}  // namespace
}  // namespace wavepost
