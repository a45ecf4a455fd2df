#include "common/smtp/extensions.h"

#include <gtest/gtest.h>

#include "common/smtp/reply.h"

namespace wavepost {
namespace {

Extensions Parse(std::string_view bytes) {
  ReplyParser parser;
  EXPECT_TRUE(parser.Feed(bytes).ok());
  return ParseEhlo(parser.Next().value());
}

TEST(Extensions, ReadsAll) {
  const Extensions got = Parse(
      "250-mx.test "
      "Hello\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n250-starttls\r\n250-DSN\r\n"
      "250-ENHANCEDSTATUSCODES\r\n250-X-OTHER 12\r\n250 SIZE 10485760\r\n");
  Extensions want;
  want.pipelining = want.eight_bit_mime = want.smtputf8 = want.chunking = want.starttls = want.dsn = true;
  want.enhanced_status_codes = want.size = true;
  want.size_max = 10485760;
  EXPECT_EQ(got, want);
}

TEST(Extensions, Table) {
  const struct {
    const char* name;
    const char* bytes;
    bool size;
    std::optional<uint64_t> size_max;
  } rows[] = {
      {"GreetingLineIsNoKeyword", "250 SIZE 5\r\n", false, {}},
      {"SizeBare", "250-x\r\n250 SIZE\r\n", true, {}},
      {"SizeZeroIsNoLimit", "250-x\r\n250 SIZE 0\r\n", true, {}},
      {"SizeNegative", "250-x\r\n250 SIZE -1\r\n", true, {}},
      {"SizeTooBigForUs", "250-x\r\n250 SIZE 99999999999999999999999\r\n", true, {}},
      {"SizeWithText", "250-x\r\n250 SIZE 5 MB\r\n", true, {}},
      {"SizeLike", "250-x\r\n250 SIZES 5\r\n", false, {}},
      {"Refused", "550-x\r\n550 SIZE 5\r\n", false, {}},
  };
  for (const auto& row : rows) {
    const Extensions got = Parse(row.bytes);
    EXPECT_EQ(got.size, row.size) << row.name;
    EXPECT_EQ(got.size_max, row.size_max) << row.name;
    EXPECT_FALSE(got.pipelining) << row.name;
  }
}

}  // namespace
}  // namespace wavepost
