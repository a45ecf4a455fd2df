#include "common/mail/body_encode.h"

#include <gmime/gmime.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

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

// However a text is cut, and whichever pieces were encoded before, it reads the same.
TEST(QuotedPrintableWriterTest, PiecesReadAsOneText) {
  std::mt19937 random(20261122);
  const std::string pieces[] = {"a",
                                " ",
                                "\t",
                                "=",
                                ".",
                                "F",
                                "From",
                                "From ",
                                "rom ",
                                "ü",
                                "\xF0\x9F\x8E\x89",
                                "\r\n",
                                "\r\n",
                                "--=_",
                                "word",
                                "a longer piece of text, as most are",
                                "\x01"};
  for (int round = 0; round < 500; ++round) {
    std::string text;
    std::string encoded;
    QuotedPrintableWriter writer(&encoded);
    for (int i = static_cast<int>(random() % 60); i >= 0; --i) {
      std::string piece;
      for (int j = static_cast<int>(random() % 8); j >= 0; --j) piece += pieces[random() % std::size(pieces)];
      text += piece;
      if (random() % 2 == 0) {
        writer.Add(piece);
      } else {
        writer.Add(QuotedPrintableWriter::Encode(piece));
      }
    }
    writer.Finish();
    if (text.substr(text.size() - 2) != "\r\n") text += "\r\n";
    ASSERT_LE(LongestLine(encoded), 76u) << encoded;
    ASSERT_EQ(encoded.find("=_"), std::string::npos);
    ASSERT_EQ(encoded.find(" \r\n"), std::string::npos) << encoded;
    ASSERT_EQ(encoded.find("\t\r\n"), std::string::npos) << encoded;
    ASSERT_EQ(("\n" + encoded).find("\n."), std::string::npos) << encoded;
    ASSERT_EQ(("\n" + encoded).find("\nFrom "), std::string::npos) << encoded;
    ASSERT_EQ(Decode(encoded, TransferEncoding::kQuotedPrintable), text) << encoded;
  }
}

TEST(QuotedPrintableWriterTest, SoftBreaksOnlyWhereNeeded) {
  const auto write = [](const std::vector<std::pair<std::string, bool>>& pieces) {
    std::string out;
    QuotedPrintableWriter writer(&out);
    for (const auto& [text, before] : pieces) {
      if (before) {
        writer.Add(QuotedPrintableWriter::Encode(text));
      } else {
        writer.Add(text);
      }
    }
    writer.Finish();
    return out;
  };
  EXPECT_EQ(write({}), "");
  EXPECT_EQ(write({{"Dear ", true}, {"Zoë", false}, {", hello", true}}), "Dear Zo=C3=AB=\r\n, hello\r\n");
  EXPECT_EQ(write({{"a\r\n", true}, {"b\r\n", true}}), "a\r\nb\r\n");
  EXPECT_EQ(write({{"a ", true}, {"\r\nb", true}}), "a =\r\n\r\nb\r\n");
  EXPECT_EQ(write({{"a", true}, {"\r\nb", true}}), "a\r\nb\r\n");
  EXPECT_EQ(write({{"a ", true}, {"\r\nb", false}}), "a =\r\n\r\nb\r\n");
  EXPECT_EQ(write({{"a ", true}}), "a =\r\n\r\n");
}

// The scans look at eight bytes at once: each byte in each place must be seen.
TEST(ScanTest, SeesEachByteInEachPlace) {
  for (int c = 0; c < 256; ++c) {
    for (size_t at = 0; at < 20; ++at) {
      std::string line(20, 'x');
      line[at] = static_cast<char>(c);
      const bool ascii = c < 0x80;
      EXPECT_EQ(CountNonAscii(line), ascii ? 0u : 1u) << c << " at " << at;
      const bool blank = c == ' ' || c == '\t';
      // LF makes a line end here; CR is one before LF, and a control character elsewhere.
      const bool plain = ascii && c != 0x7F && (c >= 0x20 || c == '\t' || c == '\n') && !(blank && at == 19);
      EXPECT_TRUE(!ascii || IsPlain(line) == plain) << c << " at " << at;
      if (c == '\n' || c == '\r') continue;
      EXPECT_EQ(Decode(Encode(line, TransferEncoding::kQuotedPrintable), TransferEncoding::kQuotedPrintable),
                line + "\r\n")
          << c << " at " << at;
    }
  }
}

TEST(EncodingTest, SevenBitIsLeftAlone) {
  EXPECT_EQ(Encode("a\r\nb", TransferEncoding::k7Bit), "a\r\nb\r\n");
  EXPECT_EQ(Encode("", TransferEncoding::k7Bit), "\r\n");
}

}  // namespace
}  // namespace wavepost
