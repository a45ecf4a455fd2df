#include "common/smtp/reply.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wavepost {
namespace {

using std::string_literals::operator""s;

std::string Describe(const Reply& reply) {
  std::string out = std::to_string(reply.code);
  if (reply.enhanced.present()) out += " {" + reply.enhanced.ToString() + "}";
  for (const std::string& line : reply.lines) out += " [" + line + "]";
  return out;
}

std::vector<std::string> All(ReplyParser& parser) {
  std::vector<std::string> out;
  while (std::optional<Reply> reply = parser.Next()) out.push_back(Describe(*reply));
  return out;
}

struct Row {
  const char* name;
  std::string bytes;
  std::vector<std::string> replies;
  bool ok = true;
};

std::vector<Row> Rows() {
  std::string many;
  for (int i = 0; i < 127; ++i) many += "250-x\r\n";
  return {
      {"OneLine", "250 OK\r\n", {"250 [OK]"}},
      {"NoText", "250\r\n", {"250 []"}},
      {"EmptyText", "250 \r\n", {"250 []"}},
      {"Enhanced", "550 5.1.1 no such user\r\n", {"550 {5.1.1} [5.1.1 no such user]"}},
      {"Multiline", "250-a.test\r\n250-SIZE 10\r\n250 DSN\r\n", {"250 [a.test] [SIZE 10] [DSN]"}},
      {"EnhancedOfFirstLine", "421-4.7.0 slow\r\n421 4.7.0 down\r\n", {"421 {4.7.0} [4.7.0 slow] [4.7.0 down]"}},
      {"Pipelined", "250 a\r\n550 b\r\n354 c\r\n", {"250 [a]", "550 [b]", "354 [c]"}},
      {"LoneLf", "250-a\n250 b\n", {"250 [a] [b]"}},
      {"TightText", "250OK\r\n", {"250 [OK]"}},
      {"Unfinished", "250-a\r\n250", {}},
      {"EightBit", "550 Empf\xc3\xa4nger\xff\r\n", {"550 [Empf\xc3\xa4nger\xff]"}},
      {"LongestLine", "250 " + std::string(2043, 'x') + "\r\n", {"250 [" + std::string(2043, 'x') + "]"}},
      {"MostLines",
       many + "250 end\r\n",
       {"250" +
        [] {
          std::string s;
          for (int i = 0; i < 127; ++i) s += " [x]";
          return s;
        }() +
        " [end]"}},
      // hostile
      {"CodeChanges", "250 first\r\n250-a\r\n251 b\r\n", {"250 [first]"}, false},
      {"EndlessMultiline", many + "250-x\r\n250-x\r\n", {}, false},
      {"LineTooLong", "250 " + std::string(2045, 'x') + "\r\n", {}, false},
      {"MegabyteLine", std::string(1 << 20, 'x'), {}, false},
      {"Nul", "250 a\0b\r\n"s, {}, false},
      {"LoneCr", "250 a\rb\r\n", {}, false},
      {"NoCode", "hello\r\n", {}, false},
      {"Empty", "\r\n", {}, false},
      {"FourDigits", "2500 a\r\n", {}, false},
      {"TooShort", "25\r\n", {}, false},
      {"OneHundred", "150 a\r\n", {}, false},
      {"SixHundred", "600 a\r\n", {}, false},
      {"Http", "HTTP/1.1 400 Bad Request\r\n", {}, false},
      {"Ssh", "SSH-2.0-x\r\n", {}, false},
  };
}

TEST(ReplyParser, Table) {
  for (const Row& row : Rows()) {
    SCOPED_TRACE(row.name);
    ReplyParser parser;
    EXPECT_EQ(parser.Feed(row.bytes).ok(), row.ok);
    EXPECT_EQ(All(parser), row.replies);
  }
}

// However the bytes are cut, the result is the same.
TEST(ReplyParser, CutAnywhere) {
  for (const Row& row : Rows()) {
    if (row.bytes.size() > 5000) continue;
    SCOPED_TRACE(row.name);
    for (size_t cut = 0; cut <= row.bytes.size(); ++cut) {
      ReplyParser parser;
      const bool ok = parser.Feed(std::string_view(row.bytes).substr(0, cut)).ok() &&
                      parser.Feed(std::string_view(row.bytes).substr(cut)).ok();
      ASSERT_EQ(ok, row.ok) << "cut at " << cut;
      ASSERT_EQ(All(parser), row.replies) << "cut at " << cut;
    }
    ReplyParser parser;
    bool ok = true;
    for (char c : row.bytes) ok = parser.Feed({&c, 1}).ok();
    EXPECT_EQ(ok, row.ok) << "byte by byte";
    EXPECT_EQ(All(parser), row.replies) << "byte by byte";
  }
}

TEST(ReplyParser, ErrorStays) {
  ReplyParser parser;
  EXPECT_FALSE(parser.Feed("bad\r\n").ok());
  EXPECT_FALSE(parser.Feed("250 ok\r\n").ok());
  EXPECT_FALSE(parser.Next().has_value());
}

TEST(ReplyParser, RepliesThatNobodyTakesAreBounded) {
  ReplyParser parser;
  absl::Status status;
  size_t fed = 0;
  while (status.ok() && fed < 10 * ReplyParser::kRepliesWaitingMax) {
    status = parser.Feed("250 x\r\n");
    ++fed;
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(fed, ReplyParser::kRepliesWaitingMax + 1);
}

TEST(ReplyParser, SeesBytesBehindAReply) {
  ReplyParser parser;
  EXPECT_FALSE(parser.HasBuffered());
  ASSERT_TRUE(parser.Feed("220 go ahead\r\n250").ok());
  ASSERT_TRUE(parser.Next().has_value());
  EXPECT_TRUE(parser.HasBuffered());
  ASSERT_TRUE(parser.Feed("-x\r\n").ok());
  EXPECT_TRUE(parser.HasBuffered());
  ASSERT_TRUE(parser.Feed("250 y\r\n").ok());
  EXPECT_TRUE(parser.HasBuffered());
  ASSERT_TRUE(parser.Next().has_value());
  EXPECT_FALSE(parser.HasBuffered());
}

TEST(EnhancedCode, Table) {
  const struct {
    const char* text;
    const char* code;
  } rows[] = {
      {"5.1.1 no", "5.1.1"},
      {"5.1.1", "5.1.1"},
      {"#5.1.0 Address", "5.1.0"},
      {"4.7.500 busy", "4.7.500"},
      {"2.0.0", "2.0.0"},
      {"5.1.1: x", "5.1.1"},
      {"5.1.1.", "5.1.1"},
      {"  5.1.1 x", "5.1.1"},
      {"", ""},
      {"5", ""},
      {"5.1", ""},
      {"5.1.", ""},
      {"5.1.1.1", ""},
      {"3.1.1", ""},
      {"55.1.1", ""},
      {"5.1.1234", ""},
      {"5.1.1a", ""},
      {"5..1", ""},
      {"-5.1.1", ""},
      {"x 5.1.1", ""},
  };
  for (const auto& row : rows) EXPECT_EQ(EnhancedCode::Parse(row.text).ToString(), row.code) << row.text;
}

TEST(EnhancedCode, FindTable) {
  const struct {
    const char* text;
    int klass;
    const char* code;
  } rows[] = {
      {"sorry (#5.1.1)", 5, "5.1.1"},
      {"host said: 550 5.7.1 no", 5, "5.7.1"},
      {"4.7.1 later", 5, ""},
      {"from 192.5.1.1 5.2.2", 5, "5.2.2"},
      {"5.1.1.7 is listed", 5, ""},
      {"exim-4.9.1", 4, ""},
      {"v4.9.1", 4, ""},
      {"", 5, ""},
      {"5.1", 5, ""},
  };
  for (const auto& row : rows) EXPECT_EQ(EnhancedCode::Find(row.text, row.klass).ToString(), row.code) << row.text;
}

TEST(Reply, TextIsFitForPeople) {
  ReplyParser parser;
  ASSERT_TRUE(parser.Feed("550-5.1.1 \x1b[31mno\r\n550-5.1.1 such\xff\r\n550 5.1.1 user\r\n").ok());
  const std::string text = parser.Next()->Text();
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\xff'), std::string::npos);
  EXPECT_TRUE(text.starts_with("5.1.1 ")) << text;
  EXPECT_TRUE(text.ends_with(" user")) << text;
  EXPECT_EQ(text.find("5.1.1", 1), std::string::npos) << "repeated codes are dropped: " << text;
  EXPECT_LE(MakeReply(550, std::string(5000, 'x')).Text().size(), 1024u);
}

TEST(ReplyFromText, Table) {
  const struct {
    const char* text;
    const char* reply;
  } rows[] = {
      {"550 5.1.1 user unknown", "550 {5.1.1} [5.1.1 user unknown]"},
      {"550-5.1.1 no\r\n550 5.1.1 user", "550 {5.1.1} [5.1.1 no] [5.1.1 user]"},
      {"550-5.1.1 no\n    folded line", "550 {5.1.1} [5.1.1 no] [folded line]"},
      {"501: 5.1.8 rejected", "501 {5.1.8} [: 5.1.8 rejected]"},
      {"550", "550 []"},
      {"", nullptr},
      {"5", nullptr},
      {"smtp; 550 x", nullptr},
      {"5500 x", nullptr},
      {"user unknown", nullptr},
  };
  for (const auto& row : rows) {
    const std::optional<Reply> reply = ReplyFromText(row.text);
    ASSERT_EQ(reply.has_value(), row.reply != nullptr) << row.text;
    if (reply) {
      EXPECT_EQ(Describe(*reply), row.reply) << row.text;
    }
  }
}

}  // namespace
}  // namespace wavepost
