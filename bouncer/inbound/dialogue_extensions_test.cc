// STARTTLS, LMTP and the rates.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bouncer/inbound/testing/dialogue_fixture.h"

namespace wavepost {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class DialogueTlsTest : public DialogueFixture {
 protected:
  DialogueTlsTest() { client_.offer_tls = true; }
};

TEST_F(DialogueTlsTest, IsOfferedUntilItIsThere) {
  EXPECT_EQ(Talk("EHLO c\n"), "220 250");
  EXPECT_THAT(all_output_, HasSubstr("250-STARTTLS\r\n"));
  EXPECT_EQ(Talk("STARTTLS\n"), "220 TLS");
  all_output_.clear();
  EXPECT_EQ(Talk("EHLO c\n"), "250");
  EXPECT_THAT(all_output_, Not(HasSubstr("STARTTLS")));
  EXPECT_EQ(Talk("STARTTLS\n"), "503");
}

TEST_F(DialogueTlsTest, IsNotOfferedWithoutACertificate) {
  client_.offer_tls = false;
  EXPECT_EQ(Talk("EHLO c\nSTARTTLS\nNOOP\n"), "220 250 502 250");
  EXPECT_THAT(all_output_, Not(HasSubstr("250-STARTTLS")));
}

TEST_F(DialogueTlsTest, TakesNoParameter) {
  EXPECT_EQ(Talk("EHLO c\nSTARTTLS now\n"), "220 250 501");
}

// Commands that somebody in between put behind STARTTLS must not be carried out as if they had come over TLS.
TEST_F(DialogueTlsTest, WhatCameBehindItInClearTextIsDropped) {
  EXPECT_EQ(Talk("EHLO c\nSTARTTLS\nMAIL FROM:<evil@evil.example>\nRCPT TO:<$1>\nDATA\nx\n.\n"), "220 250 220 TLS");
  EXPECT_EQ(Talk("NOOP\n"), "250");
  EXPECT_THAT(messages_, IsEmpty());
}

// Half a command too.
TEST_F(DialogueTlsTest, HalfALineIsDropped) {
  EXPECT_EQ(TalkBytes("EHLO c\r\nSTARTTLS\r\nQUI"), "220 250 220 TLS");
  EXPECT_EQ(Talk("T\nNOOP\n"), "500 250");
}

TEST_F(DialogueTlsTest, EverythingBeforeIsForgotten) {
  EXPECT_EQ(Talk("EHLO c\nMAIL FROM:<>\nRCPT TO:<$1>\nSTARTTLS\n"), "220 250 250 250 220 TLS");
  EXPECT_EQ(Talk("MAIL FROM:<>\nRCPT TO:<$1>\nDATA\n"), "503 503 503");
  EXPECT_EQ(Talk("EHLO c\nDATA\nMAIL FROM:<>\nRCPT TO:<$1>\nDATA\nx\n.\n"), "250 503 250 250 354 STORE 250");
}

TEST_F(DialogueTlsTest, NeedsMemory) {
  limits_.memory_bytes_max = Dialogue::kPlainBytes + Dialogue::kTlsBytes - 1;
  EXPECT_EQ(Talk("EHLO c\nSTARTTLS\nNOOP\n"), "220 250 454 250");
  dialogue_.reset();
  EXPECT_EQ(budget_left(), limits_.memory_bytes_max);
}

TEST_F(DialogueTlsTest, GivesItsMemoryBack) {
  EXPECT_EQ(Talk("EHLO c\nSTARTTLS\n"), "220 250 220 TLS");
  EXPECT_EQ(budget_left(), limits_.memory_bytes_max - Dialogue::kPlainBytes - Dialogue::kTlsBytes);
  dialogue_.reset();
  EXPECT_EQ(budget_left(), limits_.memory_bytes_max);
}

class DialogueLmtpTest : public DialogueFixture {
 protected:
  DialogueLmtpTest() { client_.protocol = Dialogue::Protocol::kLmtp; }
};

TEST_F(DialogueLmtpTest, AReplyForEachRecipient) {
  EXPECT_EQ(Talk("LHLO c\nMAIL FROM:<>\nRCPT TO:<$1>\nRCPT TO:<x@y>\nRCPT TO:<$2>\nRCPT TO:<$1>\nDATA\nx\n.\n"),
            "220 250 250 250 550 250 250 354 STORE 250 250 250");
  EXPECT_THAT(all_output_, HasSubstr("220 mx.bounce.example LMTP"));
  EXPECT_EQ(messages_.at(0).envelope.recipients.size(), 2u);
  EXPECT_EQ(Talk("QUIT\n"), "221 CLOSE");
}

TEST_F(DialogueLmtpTest, ChunksToo) {
  EXPECT_EQ(Talk("LHLO c\nMAIL FROM:<>\nRCPT TO:<$1>\nRCPT TO:<$2>\nBDAT 3\nx\nBDAT 3 LAST\ny\n"),
            "220 250 250 250 250 250 STORE 250 250");
}

TEST_F(DialogueLmtpTest, FailuresToo) {
  limits_.message_bytes_max = 10;
  stored_ = absl::ResourceExhaustedError("full");
  EXPECT_EQ(Talk("LHLO c\nMAIL FROM:<>\nRCPT TO:<$1>\nRCPT TO:<$2>\nDATA\nx\n.\n"),
            "220 250 250 250 250 354 STORE 452 452");
  EXPECT_EQ(Talk("MAIL FROM:<>\nRCPT TO:<$1>\nRCPT TO:<$2>\nDATA\n0123456789\n.\n"), "250 250 250 354 552 552");
  EXPECT_EQ(Talk("MAIL FROM:<>\nRCPT TO:<$1>\nRCPT TO:<$2>\nDATA\n"), "250 250 250 354");
  EXPECT_EQ(TalkBytes("x\ny\r\n.\r\n"), "554 554 CLOSE");
}

TEST_F(DialogueLmtpTest, OneLanguageAtATime) {
  EXPECT_EQ(Talk("EHLO c\nHELO c\nMAIL FROM:<>\nLHLO c\nMAIL FROM:<>\nDATA\n"), "220 500 500 503 250 250 503");
  client_.protocol = Dialogue::Protocol::kSmtp;
  dialogue_.reset();
  EXPECT_EQ(Talk("LHLO c\nMAIL FROM:<>\n"), "220 500 503");
}

// A bounce of a key that has not reached us yet comes again later; after a 550 it would be lost.
class DialogueKeysTest : public DialogueFixture {
 protected:
  static std::string PathOfKey(uint8_t id) {
    const TokenKeys keys = *TokenKeys::Parse(absl::StrCat(id, " ", std::string(64, 'c')), "keys");
    return ReturnPath(MakeToken(keys, kId, id), "bounce.example");
  }
};

TEST_F(DialogueKeysTest, AnUnknownKeyIsTemporary) {
  Talk("EHLO c\nMAIL FROM:<>\n");
  EXPECT_EQ(Talk("RCPT TO:<" + PathOfKey(2) + ">\nRCPT TO:<" + PathOfKey(1) + ">\n"), "450 550");
  EXPECT_THAT(all_output_, HasSubstr("450 4.7.1"));
  EXPECT_EQ(dialogue().unknown_keys(), 1);
  EXPECT_EQ(dialogue().refused_recipients(), 1);
  EXPECT_EQ(Talk("RCPT TO:<$1>\nDATA\nx\n.\n"), "250 354 STORE 250");
}

TEST_F(DialogueKeysTest, IsNotedOncePerIdAndHour) {
  const std::string twice = "RCPT TO:<" + PathOfKey(2) + ">\n";
  Talk("EHLO c\nMAIL FROM:<>\n" + twice + twice + "RCPT TO:<" + PathOfKey(9) + ">\n");
  EXPECT_EQ(dialogue().TakeUnknownKeyIds(), (std::vector<uint8_t>{2, 9}));
  dialogue_.reset();
  now_ += std::chrono::minutes(59);
  Talk("EHLO c\nMAIL FROM:<>\n" + twice);
  EXPECT_THAT(dialogue().TakeUnknownKeyIds(), IsEmpty());
  now_ += std::chrono::minutes(1);
  Talk(twice);
  EXPECT_EQ(dialogue().TakeUnknownKeyIds(), std::vector<uint8_t>{2});
}

class DialogueRatesTest : public DialogueFixture {
 protected:
  DialogueRatesTest() { client_.client_key = client_.network_key = 77; }

  std::string Message(const std::string& to = "$1") { return "MAIL FROM:<>\nRCPT TO:<" + to + ">\nDATA\nx\n.\n"; }
  const std::string taken_ = "250 250 354 STORE 250";
};

TEST_F(DialogueRatesTest, MessagesOfAClient) {
  limits_.client_messages_per_minute = 2;
  Talk("EHLO c\n");
  EXPECT_EQ(Talk(Message()), taken_);
  EXPECT_EQ(Talk(Message()), taken_);
  EXPECT_EQ(Talk("MAIL FROM:<>\n"), "450");
  EXPECT_THAT(all_output_, HasSubstr("450 4.7.1 too many messages from your address"));
  EXPECT_EQ(dialogue().rate_limited(), 1);

  // A new connection does not help, another client is not meant, and time does help.
  dialogue_.reset();
  EXPECT_EQ(Talk("EHLO c\nMAIL FROM:<>\n"), "220 250 450");
  client_.client_key = 78;
  dialogue_.reset();
  EXPECT_EQ(Talk("EHLO c\nMAIL FROM:<>\n"), "220 250 250");
  client_.client_key = 77;
  dialogue_.reset();
  now_ += std::chrono::seconds(30);
  EXPECT_EQ(Talk("EHLO c\nMAIL FROM:<>\nRSET\nMAIL FROM:<>\n"), "220 250 250 250 450");
}

TEST_F(DialogueRatesTest, MessagesOfANetwork) {
  limits_.network_messages_per_minute = 1;
  EXPECT_EQ(Talk("EHLO c\n" + Message() + "MAIL FROM:<>\n"), "220 250 " + taken_ + " 450");
  EXPECT_THAT(all_output_, HasSubstr("from your network"));
  client_.client_key = 78;
  dialogue_.reset();
  EXPECT_EQ(Talk("EHLO c\nMAIL FROM:<>\n"), "220 250 450");
}

TEST_F(DialogueRatesTest, MessagesForARecipient) {
  limits_.recipient_messages_per_hour = 2;
  Talk("EHLO c\n");
  EXPECT_EQ(Talk(Message() + Message()), taken_ + " " + taken_);
  EXPECT_EQ(Talk("MAIL FROM:<>\nRCPT TO:<$1>\nRCPT TO:<$2>\nDATA\nx\n.\n"), "250 450 250 354 STORE 250");
  EXPECT_EQ(messages_.back().envelope.recipients, std::vector<RecipientId>{kOther});
  now_ += std::chrono::minutes(30);
  EXPECT_EQ(Talk(Message()), taken_);
}

// A handshake is work for us that nobody pays for.
TEST_F(DialogueRatesTest, HandshakesCountAsMessages) {
  client_.offer_tls = true;
  limits_.client_messages_per_minute = 2;
  EXPECT_EQ(Talk("EHLO c\nSTARTTLS\n"), "220 250 220 TLS");
  dialogue_.reset();
  EXPECT_EQ(Talk("EHLO c\nSTARTTLS\n"), "220 250 220 TLS");
  dialogue_.reset();
  EXPECT_EQ(Talk("EHLO c\nSTARTTLS\nMAIL FROM:<>\n"), "220 250 454 450");
  EXPECT_EQ(dialogue().rate_limited(), 2);
  client_.limited = false;
  dialogue_.reset();
  EXPECT_EQ(Talk("EHLO c\nSTARTTLS\n"), "220 250 220 TLS");
}

// The same recipient twice in a message is one.
TEST_F(DialogueRatesTest, RepetitionsInAMessageAreFree) {
  limits_.recipient_messages_per_hour = 1;
  EXPECT_EQ(Talk("EHLO c\nMAIL FROM:<>\nRCPT TO:<$1>\nRCPT TO:<$1>\n"), "220 250 250 250 250");
}

TEST_F(DialogueRatesTest, OurOwnServersAreNotLimitedButRecipientsAre) {
  limits_.client_messages_per_minute = limits_.network_messages_per_minute = 1;
  limits_.recipient_messages_per_hour = 2;
  client_.limited = false;
  Talk("EHLO c\n");
  EXPECT_EQ(Talk(Message() + Message()), taken_ + " " + taken_);
  EXPECT_EQ(Talk("MAIL FROM:<>\nRCPT TO:<$1>\n"), "250 450");
}

}  // namespace
}  // namespace wavepost
