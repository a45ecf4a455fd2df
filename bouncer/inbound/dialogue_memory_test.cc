// What one client can take from the others: memory, by messages and by recipients, and the number of commands.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bouncer/inbound/testing/dialogue_fixture.h"

namespace wavepost {
namespace {

using ::testing::HasSubstr;

class DialogueMemoryTest : public DialogueFixture {
 protected:
  static constexpr size_t kMiB = 1 << 20;

  // A client that has begun a message of `bytes` for `to` and goes on no further.
  void Hold(const std::string& to, size_t bytes) {
    Talk("EHLO c\nMAIL FROM:<>\nRCPT TO:<" + to + ">\nDATA\n" + std::string(bytes, 'x'));
    held_.push_back(std::move(dialogue_));
  }

  // How a new client fares with a report of `bytes`.
  std::string Report(size_t bytes) {
    dialogue_.reset();
    return Talk("EHLO c\nMAIL FROM:<>\nRCPT TO:<$1>\nDATA\n" + std::string(bytes, 'x') + "\n.\n");
  }

  std::vector<std::unique_ptr<Dialogue>> held_;
};

// Whole messages need no token and may be trickled: they never have more than a quarter of the memory.
TEST_F(DialogueMemoryTest, WholeMessagesLeaveRoomForReports) {
  limits_.memory_bytes_max = 40 * kMiB;
  limits_.message_bytes_max = 10 * kMiB;
  for (int i = 0; i < 20; ++i) Hold(i % 2 == 0 ? "postmaster" : "dmarc@bounce.example", 8 * kMiB);
  EXPECT_GE(budget_left(), 29 * kMiB);
  EXPECT_EQ(Report(500'000), "220 250 250 250 354 STORE 250");
  dialogue_.reset();
  EXPECT_EQ(Talk("EHLO c\nMAIL FROM:<>\nRCPT TO:<postmaster>\nDATA\n" + std::string(8 * kMiB, 'x') + "\n.\n"),
            "220 250 250 250 354 452");
  dialogue_.reset();
  held_.clear();
  EXPECT_EQ(Talk("EHLO c\nMAIL FROM:<>\nRCPT TO:<postmaster>\nDATA\n" + std::string(8 * kMiB, 'x') + "\n.\n"),
            "220 250 250 250 354 STORE 250");
  dialogue_.reset();
  EXPECT_EQ(budget_left(), limits_.memory_bytes_max);
}

// Messages never take what connections need to hear a 452.
TEST_F(DialogueMemoryTest, MessagesLeaveRoomForConnections) {
  limits_.memory_bytes_max = 8 * kMiB;
  limits_.connections_max = 30;
  for (int i = 0; i < 20; ++i) Hold("$1", kMiB);
  EXPECT_GE(budget_left(), 10 * Dialogue::kPlainBytes);  // twenty of the thirty are here
  EXPECT_EQ(Report(kMiB).substr(0, 11), "220 250 250");
}

TEST_F(DialogueMemoryTest, TheReserveIsNeverAllOfIt) {
  limits_.memory_bytes_max = 4 * kMiB;
  limits_.connections_max = 50'000;
  EXPECT_EQ(Report(100'000), "220 250 250 250 354 STORE 250");
}

// Each recipient makes a record about him, so that a small mail can take much memory.
TEST_F(DialogueMemoryTest, RecipientsCount) {
  limits_.connections_max = 0;  // no reserve for them
  limits_.memory_bytes_max = Dialogue::kPlainBytes + Dialogue::kRecipientBytes + 100;
  EXPECT_EQ(Talk("EHLO c\nMAIL FROM:<>\nRCPT TO:<$1>\nRCPT TO:<$1>\nRCPT TO:<$2>\nDATA\nx\n"),
            "220 250 250 250 250 452 354");
  EXPECT_LE(budget_left(), 100u);
  EXPECT_EQ(Talk(".\n"), " STORE 250");
  EXPECT_EQ(messages_.at(0).envelope.recipients, std::vector<RecipientId>{kId});
  EXPECT_EQ(Talk("MAIL FROM:<>\nRCPT TO:<$2>\nRSET\n"), "250 250 250");
  EXPECT_EQ(budget_left(), Dialogue::kRecipientBytes + 100);
}

TEST_F(DialogueMemoryTest, RecipientsOfARateLimitGiveBack) {
  limits_.recipient_messages_per_hour = 1;
  EXPECT_EQ(Talk("EHLO c\nMAIL FROM:<>\nRCPT TO:<$1>\nRSET\nMAIL FROM:<>\nRCPT TO:<$1>\n"),
            "220 250 250 250 250 250 450");
  EXPECT_EQ(budget_left(), limits_.memory_bytes_max - Dialogue::kPlainBytes);
}

// recipients_max holds, whatever idle_commands_max says.
TEST_F(DialogueMemoryTest, AsManyRecipientsAsTheLimitSays) {
  limits_.recipients_max = 250;
  std::string all = "EHLO c\nMAIL FROM:<>\n";
  std::string want = "220 250 250";
  for (uint32_t i = 0; i < 250; ++i) {
    absl::StrAppend(&all, "RCPT TO:<", Path({7, i}), ">\n");
    want += " 250";
  }
  EXPECT_EQ(Talk(all + "DATA\nx\n.\n"), want + " 354 STORE 250");
  EXPECT_EQ(messages_.at(0).envelope.recipients.size(), 250u);
}

// But not over and over again.
TEST_F(DialogueMemoryTest, RecipientsWithoutAMessageEndIt) {
  std::string all = "EHLO c\n";
  for (int i = 0; i < limits_.idle_commands_max; ++i) all += "MAIL FROM:<>\nRCPT TO:<$1>\nRSET\n";
  EXPECT_THAT(Talk(all), HasSubstr("421 CLOSE"));
}

}  // namespace
}  // namespace wavepost
