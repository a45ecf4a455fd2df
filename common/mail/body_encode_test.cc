#include "common/mail/body_encode.h"

#include <gmime/gmime.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "common/mail/header_encode.h"

namespace wavepost {
namespace {

std::string Encode(const std::string& text, TransferEncoding encoding) {
  std::string out;
  AppendEncoded(text, encoding, &out);
  return out;
}

// Decoded by GMime, not by us.
std::string Decode(const std::string& encoded, TransferEncoding encoding) {
  GMimeEncoding state;
  g_mime_encoding_init_decode(&state, encoding == TransferEncoding::kBase64 ? GMIME_CONTENT_ENCODING_BASE64
                                                                            : GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
  std::string out(encoded.size() + 64, '\0');
  out.resize(g_mime_encoding_step(&state, encoded.data(), encoded.size(), out.data()));
  return out;
}

size_t LongestLine(const std::string& text) {
  size_t longest = 0;
  size_t start = 0;
  for (size_t end; (end = text.find("\r\n", start)) != std::string::npos; start = end + 2)
    longest = std::max(longest, end - start);
  return start == text.size() ? longest : std::string::npos;
}

TEST(ChooseEncodingTest, PicksThePlainestSafeOne) {
  using E = TransferEncoding;
  const struct {
    const char* name;
    std::string text;
    E want;
  } kRows[] = {
      {"empty", "", E::k7Bit},
      {"ascii", "Hello\r\n\tworld\r\n", E::k7Bit},
      {"no last line end", "Hello", E::k7Bit},
      {"line of 998", std::string(998, 'x') + "\r\n", E::k7Bit},
      {"line of 999", std::string(999, 'x') + "\r\n", E::kQuotedPrintable},
      {"blank at end of line", "a \r\nb", E::kQuotedPrintable},
      {"mbox separator", "a\r\nFrom here\r\n", E::kQuotedPrintable},
      {"From inside", "a From here\r\n", E::k7Bit},
      {"boundary", "--=_abc\r\n", E::kQuotedPrintable},
      {"NUL", std::string("a\0b", 3), E::kQuotedPrintable},
      {"escape", "\x1b[1m", E::kQuotedPrintable},
      {"german", "Schöne Grüße aus München, und noch etwas Text\r\n", E::kQuotedPrintable},
      {"japanese", "アンケートにご協力ください\r\n", E::kBase64},
  };
  for (const auto& row : kRows) EXPECT_EQ(ChooseEncoding(row.text), row.want) << row.name;
}

TEST(QuotedPrintableTest, Rows) {
  const std::pair<std::string, std::string> kRows[] = {
      {"", ""},
      {"a=b\r\n", "a=3Db\r\n"},
      {"für", "f=C3=BCr\r\n"},
      {"end \r\ntab\t\r\n", "end=20\r\ntab=09\r\n"},
      {" \r\n", "=20\r\n"},
      {"\r\n\r\nx\r\n", "\r\n\r\nx\r\n"},
      {".\r\n..x\r\n", "=2E\r\n=2E.x\r\n"},
      {"From me\r\nFromage\r\n", "=46rom me\r\nFromage\r\n"},
      {std::string(75, 'a') + "\r\n", std::string(75, 'a') + "\r\n"},
      {std::string(77, 'a') + "\r\n", std::string(75, 'a') + "=\r\naa\r\n"},
      {std::string(75, 'a') + ".\r\n", std::string(75, 'a') + "=\r\n=2E\r\n"},
      {std::string(73, 'a') + "ü\r\n", std::string(73, 'a') + "=\r\n=C3=BC\r\n"},
  };
  for (const auto& [text, want] : kRows) EXPECT_EQ(Encode(text, TransferEncoding::kQuotedPrintable), want);
}

// Any text comes back, in lines that fit, and without a boundary of ours.
TEST(EncodingTest, RandomTextSurvives) {
  std::mt19937 random(20240501);
  const std::string pieces[] = {"a",    " ",    "\t",    "=",    ".",   "ü", "\xF0\x9F\x8E\x89",
                                "\r\n", "--=_", "From ", "word", "\x01"};
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (int i = static_cast<int>(random() % 400); i >= 0; --i) text += pieces[random() % std::size(pieces)];
    text += "\r\n";
    for (TransferEncoding encoding : {TransferEncoding::kQuotedPrintable, TransferEncoding::kBase64}) {
      const std::string encoded = Encode(text, encoding);
      ASSERT_LE(LongestLine(encoded), 76u) << encoded;
      ASSERT_EQ(encoded.find("=_"), std::string::npos);
      ASSERT_EQ(Decode(encoded, encoding), text);
    }
  }
}

TEST(EncodingTest, SevenBitIsLeftAlone) {
  EXPECT_EQ(Encode("a\r\nb", TransferEncoding::k7Bit), "a\r\nb\r\n");
  EXPECT_EQ(Encode("", TransferEncoding::k7Bit), "\r\n");
}

}  // namespace
}  // namespace wavepost
