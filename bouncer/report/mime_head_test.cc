#include "bouncer/report/mime_head.h"

#include <gtest/gtest.h>

#include <string>

namespace wavepost {
namespace {

std::string Repeat(std::string_view piece, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += piece;
  return out;
}

TEST(MimeHeadTest, KeepsAnOrdinaryMessageWhole) {
  const std::string message =
      "From: a\r\nContent-Type: multipart/report; boundary=x\r\n\r\n--x\r\n\r\ntext\r\n--x--\r\nno newline at end";
  EXPECT_EQ(MimeHead(message), message);
  EXPECT_EQ(MimeHead(""), "");
}

TEST(MimeHeadTest, KeepsABase64BodyBeyondTheHeaderLimit) {
  const std::string message = "A: b\n\n" + Repeat(std::string(76, 'A') + "\n", 4000);
  EXPECT_EQ(MimeHead(message).size(), message.size());
}

struct CutRow {
  std::string name;
  std::string message;
  size_t kept_max;
};

class MimeHeadCuts : public ::testing::TestWithParam<CutRow> {};

TEST_P(MimeHeadCuts, AtItsLimit) {
  const CutRow& row = GetParam();
  const std::string_view head = MimeHead(row.message);
  EXPECT_LT(head.size(), row.message.size());
  EXPECT_LE(head.size(), row.kept_max);
  EXPECT_GT(head.size(), 0u);
  EXPECT_TRUE(row.message.starts_with(head));
}

INSTANTIATE_TEST_SUITE_P(
    Rows, MimeHeadCuts,
    ::testing::Values(CutRow{"Bytes", std::string(kHeadBytesMax + 1, 'x'), kHeadBytesMax},
                      CutRow{"Lines", Repeat("\n", kHeadLinesMax + 5), kHeadLinesMax},
                      CutRow{"Borders", "A: b\n\n" + Repeat("--x\n", kHeadBorderLinesMax + 5),
                             6 + 4 * kHeadBorderLinesMax},
                      CutRow{"Nesting", "A: b\n\n" + Repeat("Content-Type: multipart/mixed; BOUNDARY=x\n\n", 500),
                             6 + 44 * kHeadNestingWordsMax},
                      CutRow{"NestedMessages", "A: b\n\n" + Repeat("content-type: Message/rfc822\n\n", 500),
                             6 + 30 * kHeadNestingWordsMax},
                      CutRow{"ManyInOneLine", "first: line\nContent-Type: " + Repeat("boundary=", 500) + "\n", 12},
                      CutRow{"TopHeaders", Repeat("X-Header: 0123456789\n", 10'000), kHeaderBlockBytesMax},
                      CutRow{"OneLongHeader", "A: b\nX: " + std::string(100'000, 'x') + "\nB: c\n", 5},
                      CutRow{"HeadersOfAPart", "A: b\n\n--x\n" + Repeat("X-Header: 0123456789\n", 10'000),
                             kHeaderBlockBytesMax + 10}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace wavepost
