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

class DialogueChunksTest : public DialogueFixture {
 protected:
  // Ready for content.
  void ToContent() { ASSERT_EQ(Talk("EHLO c\nMAIL FROM:<>\nRCPT TO:<$1>\n"), "220 250 250 250"); }

  // The bytes as they are.
  static std::string Chunk(std::string_view bytes, bool last = false) {
    return absl::StrCat("BDAT ", bytes.size(), last ? " LAST" : "", "\r\n", std::string(bytes));
  }
};

TEST_F(DialogueChunksTest, OneChunk) {
  ToContent();
  EXPECT_EQ(TalkBytes(Chunk("Subject: x\r\n\r\nx\r\n", true)), " STORE 250");
  EXPECT_EQ(messages_.at(0).head, "Subject: x\r\n\r\nx\r\n");
  EXPECT_EQ(Talk("MAIL FROM:<>\n"), "250");
}

TEST_F(DialogueChunksTest, SeveralChunksAndAnEmptyLast) {
  ToContent();
  EXPECT_EQ(TalkBytes(Chunk("Subj")), "250");
  EXPECT_TRUE(dialogue().in_message());
  EXPECT_EQ(TalkBytes(Chunk("ect: x\r\n") + Chunk("\r\nbody") + Chunk("", true)), "250 250 STORE 250");
  EXPECT_EQ(messages_.at(0).head, "Subject: x\r\n\r\nbody");
  EXPECT_FALSE(dialogue().in_message());
}

// Dots, lone newlines, NUL and the end of data are content here, and so are commands.
TEST_F(DialogueChunksTest, ContentIsContent) {
  const std::string content("a\n.\nb\r.\r\r\n.\r\nRSET\r\nBDAT 5 LAST\r\n\0..\r\n", 37);
  ToContent();
  EXPECT_EQ(TalkBytes(Chunk(content, true)), " STORE 250");
  EXPECT_EQ(messages_.at(0).head, content);
}

TEST_F(DialogueChunksTest, CutAnywhere) {
  ToContent();
  const std::string all = Chunk("ab\r\n") + Chunk("", false) + Chunk("cd", true) + "QUIT\r\n";
  std::string codes;
  for (const char c : all) {
    const std::string got = TalkBytes(std::string_view(&c, 1));
    if (!got.empty()) codes += (codes.empty() || got[0] == ' ' ? "" : " ") + got;
  }
  EXPECT_EQ(codes, "250 250 STORE 250 221 CLOSE");
  EXPECT_EQ(messages_.at(0).head, "ab\r\ncd");
}

struct OrderRow {
  std::string name;
  std::string say;  // behind EHLO; the content of a chunk is "QUIT\r\n"
  std::string want;
};

class ChunkOrderTest : public DialogueChunksTest, public ::testing::WithParamInterface<OrderRow> {};

TEST_P(ChunkOrderTest, Answers) {
  EXPECT_EQ(Talk("EHLO c\n"), "220 250");
  EXPECT_EQ(Talk(GetParam().say), GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, ChunkOrderTest,
    ::testing::Values(
        OrderRow{"NoMail", "BDAT 6 LAST\nQUIT\nNOOP\n", "503 250"},
        OrderRow{"NoRecipient", "MAIL FROM:<>\nBDAT 6 LAST\nQUIT\nNOOP\n", "250 554 250"},
        OrderRow{"RefusedRecipient", "MAIL FROM:<>\nRCPT TO:<x@y>\nBDAT 6\nQUIT\nBDAT 0 LAST\n", "250 550 554 554"},
        OrderRow{"DataAfterChunk", "MAIL FROM:<>\nRCPT TO:<$1>\nBDAT 6\nQUIT\nDATA\n", "250 250 250 503"},
        OrderRow{"RecipientAfterChunk", "MAIL FROM:<>\nRCPT TO:<$1>\nBDAT 6\nQUIT\nRCPT TO:<$2>\n", "250 250 250 503"},
        OrderRow{"MailAfterChunk", "MAIL FROM:<>\nRCPT TO:<$1>\nBDAT 6\nQUIT\nMAIL FROM:<>\n", "250 250 250 503"},
        OrderRow{"ResetAfterChunk", "MAIL FROM:<>\nRCPT TO:<$1>\nBDAT 6\nQUIT\nRSET\nBDAT 6 LAST\nQUIT\n",
                 "250 250 250 250 503"},
        OrderRow{"AfterLast", "MAIL FROM:<>\nRCPT TO:<$1>\nBDAT 6 LAST\nQUIT\nBDAT 6 LAST\nQUIT\n",
                 "250 250 STORE 250 503"},
        OrderRow{"NoSize", "MAIL FROM:<>\nRCPT TO:<$1>\nBDAT\nQUIT\n", "250 250 501 CLOSE"},
        OrderRow{"BadSize", "MAIL FROM:<>\nRCPT TO:<$1>\nBDAT 6x\nQUIT\n", "250 250 501 CLOSE"},
        OrderRow{"BadWord", "MAIL FROM:<>\nRCPT TO:<$1>\nBDAT 6 FIRST\nQUIT\n", "250 250 501 CLOSE"},
        OrderRow{"ControlCharacter", "MAIL FROM:<>\nRCPT TO:<$1>\nBDAT 6 LAST\x01\nQUIT\n", "250 250 501 CLOSE"},
        OrderRow{"ControlBehindTheVerb", "MAIL FROM:<>\nRCPT TO:<$1>\nBDAT\x01 6 LAST\nQUIT\n", "250 250 501 CLOSE"},
        OrderRow{"ControlBeforeTheVerb", "MAIL FROM:<>\nRCPT TO:<$1>\n\x01 BDAT 6 LAST\nQUIT\n", "250 250 501 CLOSE"},
        OrderRow{"SpaceBeforeTheVerb", "MAIL FROM:<>\nRCPT TO:<$1>\n BDAT 6 LAST\nQUIT\n", "250 250 501 CLOSE"},
        OrderRow{"LineTooLong", "MAIL FROM:<>\nRCPT TO:<$1>\nBDAT 6" + std::string(5000, ' ') + "LAST\nQUIT\n",
                 "250 250 500 CLOSE"},
        OrderRow{"FarTooLarge", "MAIL FROM:<>\nRCPT TO:<$1>\nBDAT 99999999999 LAST\nQUIT\n", "250 250 552 CLOSE"}),
    [](const auto& row) { return row.param.name; });

TEST_F(DialogueChunksTest, AfterAFailedChunkOnlyResetHelps) {
  limits_.message_bytes_max = 10;
  ToContent();
  EXPECT_EQ(TalkBytes(Chunk("0123456789")), "250");
  EXPECT_EQ(TalkBytes(Chunk("x") + Chunk("y") + Chunk("", true)), "552 503 503");
  EXPECT_EQ(budget_left(), limits_.memory_bytes_max - Dialogue::kPlainBytes - Dialogue::kRecipientBytes);
  EXPECT_EQ(Talk("DATA\nRSET\nMAIL FROM:<>\nRCPT TO:<$1>\n"), "503 250 250 250");
  EXPECT_EQ(TalkBytes(Chunk("0123456789", true)), " STORE 250");
}

TEST_F(DialogueChunksTest, TooLargeInTheLastChunk) {
  limits_.message_bytes_max = 10;
  ToContent();
  EXPECT_EQ(TalkBytes(Chunk("012345678") + Chunk("9a", true)), "250 552");
  EXPECT_EQ(Talk("MAIL FROM:<>\n"), "250");
  EXPECT_THAT(messages_, IsEmpty());
}

TEST_F(DialogueChunksTest, OutOfMemoryIsTemporary) {
  limits_.connections_max = 0;  // no reserve for them
  limits_.memory_bytes_max = Dialogue::kPlainBytes + Dialogue::kRecipientBytes + 10;
  ToContent();
  EXPECT_EQ(TalkBytes(Chunk("0123456789") + Chunk("x") + Chunk("", true)), "250 452 503");
  EXPECT_EQ(budget_left(), 10u);
}

TEST_F(DialogueChunksTest, TinyChunksWithoutEndEndIt) {
  ToContent();
  std::string chunks;
  for (int i = 0; i < limits_.idle_commands_max; ++i) chunks += Chunk("x");
  EXPECT_THAT(TalkBytes(chunks), HasSubstr("421 CLOSE"));
}

TEST_F(DialogueChunksTest, ManyHonestChunksAreFine) {
  ToContent();
  const std::string content(8 * 1024, 'x');
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(TalkBytes(Chunk(content)), "250") << i;
  EXPECT_EQ(TalkBytes(Chunk("", true)), " STORE 250");
}

TEST_F(DialogueChunksTest, UnwantedChunksCountAsErrors) {
  Talk("EHLO c\n");
  std::string chunks;
  for (int i = 0; i < 20; ++i) chunks += Chunk("x");
  EXPECT_EQ(TalkBytes(chunks), "503 503 503 503 503 503 503 503 503 503 421 CLOSE");
}

TEST_F(DialogueChunksTest, StoringCanFail) {
  stored_ = absl::UnavailableError("disk");
  ToContent();
  EXPECT_EQ(TalkBytes(Chunk("x", true)), " STORE 451");
}

}  // namespace
}  // namespace wavepost
