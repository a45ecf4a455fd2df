#include "common/smtp/server_input.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wavepost {
namespace {

using Kind = ServerInput::Kind;
using std::string_literals::operator""s;

std::string KindName(Kind kind) {
  switch (kind) {
    case Kind::kNeedMore:
      return "more";
    case Kind::kLine:
      return "line";
    case Kind::kLineTooLong:
      return "long";
    case Kind::kBadNewline:
      return "bad";
    case Kind::kData:
      return "data";
    case Kind::kDataEnd:
      return "end";
  }
  return "?";
}

// Plays a server that says 354 to DATA: the events as text, neighbouring pieces of data joined.
class Player {
 public:
  void Feed(std::string_view bytes) {
    input_.Feed(bytes);
    while (true) {
      const ServerInput::Event event = input_.Next();
      if (event.kind == Kind::kNeedMore) return;
      if (event.kind == Kind::kData) {
        data_ += event.text;
        continue;
      }
      if (event.kind == Kind::kBadNewline && in_data_) {
        bad_ = true;  // where it stands among the pieces depends on the cut: told at the end
        EXPECT_FALSE(bad_told_) << "once per message";
        bad_told_ = true;
        continue;
      }
      if (event.kind == Kind::kDataEnd) {
        out_.push_back((bad_ ? "bad-data:" : "data:") + data_);
        data_.clear();
        in_data_ = bad_ = bad_told_ = false;
        continue;
      }
      out_.push_back(KindName(event.kind) + ":" + event.text);
      if (event.text == "DATA") {
        input_.BeginData();
        in_data_ = true;
      }
      if (event.text.starts_with("BDAT ")) {
        input_.BeginBdat(std::stoul(event.text.substr(5)));
        in_data_ = true;
      }
    }
  }
  std::vector<std::string> events() const {
    std::vector<std::string> out = out_;
    if (in_data_) out.push_back("open");
    return out;
  }

 private:
  ServerInput input_;
  std::vector<std::string> out_;
  std::string data_;
  bool in_data_ = false;
  bool bad_ = false;
  bool bad_told_ = false;
};

struct Row {
  const char* name;
  std::string bytes;
  std::vector<std::string> events;
};

std::vector<Row> Rows() {
  return {
      {"Lines", "EHLO x\r\nQUIT\r\n", {"line:EHLO x", "line:QUIT"}},
      {"EmptyLine", "\r\nQUIT\r\n", {"line:", "line:QUIT"}},
      {"Unfinished", "EHLO x", {}},
      {"BareLfInCommand", "EHLO x\nQUIT\r\nNOOP\r\n", {"bad:", "line:NOOP"}},
      {"BareCrInCommand", "EHLO x\rQUIT\r\nNOOP\r\n", {"bad:", "line:NOOP"}},
      {"CrCrLf", "EHLO x\r\r\nNOOP\r\n", {"bad:", "line:NOOP"}},
      {"NulInCommand", "NO\0OP\r\nNOOP\r\n"s, {"bad:", "line:NOOP"}},
      {"LongestLine", std::string(4096, 'x') + "\r\nNOOP\r\n", {"line:" + std::string(4096, 'x'), "line:NOOP"}},
      {"LineTooLong", std::string(4097, 'x') + "\r\nNOOP\r\n", {"long:", "line:NOOP"}},
      {"MegabyteLine", std::string(1 << 20, 'x') + "\r\nNOOP\r\n", {"long:", "line:NOOP"}},
      {"Message", "DATA\r\na\r\nb\r\n.\r\nQUIT\r\n", {"line:DATA", "data:a\r\nb\r\n", "line:QUIT"}},
      {"EmptyMessage", "DATA\r\n.\r\nQUIT\r\n", {"line:DATA", "data:", "line:QUIT"}},
      {"Unstuffs", "DATA\r\n..a\r\n...\r\n.b\r\n.\r\n", {"line:DATA", "data:.a\r\n..\r\nb\r\n"}},
      {"DotInside", "DATA\r\na.\r\n .\r\n.\r\n", {"line:DATA", "data:a.\r\n .\r\n"}},
      {"TwoMessages", "DATA\r\na\r\n.\r\nDATA\r\nb\r\n.\r\n", {"line:DATA", "data:a\r\n", "line:DATA", "data:b\r\n"}},
      // smuggling: only CRLF.CRLF ends a message
      {"LfDotLf", "DATA\r\na\n.\nMAIL FROM:<x>\r\n.\r\n", {"line:DATA", "bad-data:a\n.\nMAIL FROM:<x>\r\n"}},
      {"LfDotCrLf", "DATA\r\na\n.\r\nMAIL\r\n.\r\n", {"line:DATA", "bad-data:a\n.\r\nMAIL\r\n"}},
      {"CrLfDotLf", "DATA\r\na\r\n.\nMAIL\r\n.\r\n", {"line:DATA", "bad-data:a\r\n\nMAIL\r\n"}},
      {"CrLfDotCr", "DATA\r\na\r\n.\rMAIL\r\n.\r\n", {"line:DATA", "bad-data:a\r\n\rMAIL\r\n"}},
      {"CrDotCr", "DATA\r\na\r.\rMAIL\r\n.\r\n", {"line:DATA", "bad-data:a\r.\rMAIL\r\n"}},
      {"CrDotCrLf", "DATA\r\na\r.\r\nMAIL\r\n.\r\n", {"line:DATA", "bad-data:a\r.\r\nMAIL\r\n"}},
      {"CrLfDotCrCrLf", "DATA\r\na\r\n.\r\r\nMAIL\r\n.\r\n", {"line:DATA", "bad-data:a\r\n\r\r\nMAIL\r\n"}},
      {"CrCrLfDotCrLfEnds", "DATA\r\na\r\r\n.\r\nQUIT\r\n", {"line:DATA", "bad-data:a\r\r\n", "line:QUIT"}},
      {"LfCrLfDotCrLfEnds", "DATA\r\na\n\r\n.\r\nQUIT\r\n", {"line:DATA", "bad-data:a\n\r\n", "line:QUIT"}},
      {"NulDot", "DATA\r\na\r\n\0.\r\n.\r\n"s, {"line:DATA", "bad-data:a\r\n\0.\r\n"s}},
      {"DotNul", "DATA\r\n.\0\r\n.\r\n"s, {"line:DATA", "bad-data:\0\r\n"s}},
      {"BadIsForgottenByTheNext",
       "DATA\r\na\nb\r\n.\r\nDATA\r\nc\r\n.\r\n",
       {"line:DATA", "bad-data:a\nb\r\n", "line:DATA", "data:c\r\n"}},
      {"NeverEnds", "DATA\r\na\r\n.", {"line:DATA", "open"}},
      {"Bdat",
       "BDAT 5\r\na\n\r\n.BDAT 0\r\nQUIT\r\n",
       {"line:BDAT 5", "data:a\n\r\n.", "line:BDAT 0", "data:", "line:QUIT"}},
      {"BdatOpen", "BDAT 5\r\nabcd", {"line:BDAT 5", "open"}},
  };
}

TEST(ServerInput, Table) {
  for (const Row& row : Rows()) {
    SCOPED_TRACE(row.name);
    Player player;
    player.Feed(row.bytes);
    EXPECT_EQ(player.events(), row.events);
  }
}

TEST(ServerInput, CutAnywhere) {
  for (const Row& row : Rows()) {
    SCOPED_TRACE(row.name);
    const size_t step = row.bytes.size() > 10000 ? 9973 : 1;
    for (size_t cut = 0; cut <= row.bytes.size(); cut += step) {
      Player player;
      player.Feed(std::string_view(row.bytes).substr(0, cut));
      player.Feed(std::string_view(row.bytes).substr(cut));
      ASSERT_EQ(player.events(), row.events) << "cut at " << cut;
    }
    Player player;
    for (char c : row.bytes) player.Feed({&c, 1});
    EXPECT_EQ(player.events(), row.events) << "byte by byte";
  }
}

// Every stream of up to seven of the bytes that matter ends exactly where CRLF.CRLF first stands, and nowhere else.
TEST(ServerInput, OnlyCrLfDotCrLfEndsAMessage) {
  const std::string alphabet = ".\r\na";
  for (int n = 0; n < 4 * 4 * 4 * 4 * 4 * 4 * 4; ++n) {
    std::string bytes;
    for (int i = 0, rest = n; i < 7; ++i, rest /= 4) bytes += alphabet[rest % 4];
    const size_t end = ("\r\n" + bytes).find("\r\n.\r\n");  // the CRLF of the DATA command counts
    ServerInput input;
    input.BeginData();
    input.Feed(bytes);
    ServerInput::Event event;
    while ((event = input.Next()).kind == Kind::kData || event.kind == Kind::kBadNewline) continue;
    ASSERT_EQ(event.kind == Kind::kDataEnd, end != std::string::npos) << testing::PrintToString(bytes);
  }
}

TEST(ServerInput, StartTlsDropsWhatCameBefore) {
  ServerInput input;
  input.Feed("STARTTLS\r\nMAIL FROM:<x>\r\n");
  EXPECT_EQ(input.Next().text, "STARTTLS");
  EXPECT_TRUE(input.HasBuffered());
  input.DropBuffered();
  EXPECT_FALSE(input.HasBuffered());
  input.Feed("EHLO x\r\n");
  EXPECT_EQ(input.Next().text, "EHLO x");
  EXPECT_EQ(input.Next().kind, Kind::kNeedMore);
  EXPECT_FALSE(input.HasBuffered());
}

TEST(ServerInput, BigMessageComesInBoundedPieces) {
  ServerInput input;
  input.BeginData();
  input.Feed(std::string(1 << 20, 'x') + "\r\n.\r\n");
  size_t bytes = 0;
  ServerInput::Event event;
  while ((event = input.Next()).kind == Kind::kData) {
    EXPECT_LE(event.text.size(), ServerInput::kDataPieceBytesMax + 2);
    bytes += event.text.size();
  }
  EXPECT_EQ(event.kind, Kind::kDataEnd);
  EXPECT_EQ(bytes, (1u << 20) + 2);
}

}  // namespace
}  // namespace wavepost
