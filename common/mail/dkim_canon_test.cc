#include "common/mail/dkim_canon.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "absl/strings/escaping.h"
#include "common/base/base64.h"
#include "common/mail/dkim.h"
#include "common/mail/dkim_hash.h"

namespace wavepost {
namespace {

std::string Canon(std::string_view field, DkimCanon canon) {
  std::string out;
  for (const HeaderField& one : SplitHeaderFields(field, 10)) {
    AppendCanonHeader(one, canon, &out);
    out += "\r\n";
  }
  return out;
}

// The example of RFC 6376 section 3.4.5.
TEST(DkimCanonTest, Rfc6376Example) {
  const std::string headers = "A: X\r\nB : Y\t\r\n\tZ  \r\n";
  const std::string body = " C \r\nD \t E\r\n\r\n\r\n";
  EXPECT_EQ(Canon(headers, DkimCanon::kRelaxed), "a:X\r\nb:Y Z\r\n");
  EXPECT_EQ(CanonBody(body, DkimCanon::kRelaxed), " C\r\nD E\r\n");
  EXPECT_EQ(Canon(headers, DkimCanon::kSimple), headers);
  EXPECT_EQ(CanonBody(body, DkimCanon::kSimple), " C \r\nD \t E\r\n");
}

TEST(DkimCanonTest, Bodies) {
  const struct {
    std::string body, simple, relaxed;
  } kRows[] = {
      {"", "\r\n", ""},
      {"\r\n", "\r\n", ""},
      {"\r\n\r\n\r\n", "\r\n", ""},
      {" \t\r\n\r\n", " \t\r\n", ""},
      {"a", "a\r\n", "a\r\n"},
      {"a\r\n", "a\r\n", "a\r\n"},
      {"\r\na\r\n", "\r\na\r\n", "\r\na\r\n"},
      {"a\t\tb  c \r\n", "a\t\tb  c \r\n", "a b c\r\n"},
      {"a\tb\r\n", "a\tb\r\n", "a b\r\n"},
      {"\ta\r\n", "\ta\r\n", " a\r\n"},
      {"a\r\n \r\n\t\r\n", "a\r\n \r\n\t\r\n", "a\r\n"},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(CanonBody(row.body, DkimCanon::kSimple), row.simple) << row.body;
    EXPECT_EQ(CanonBody(row.body, DkimCanon::kRelaxed), row.relaxed) << row.body;
  }
}

TEST(DkimCanonTest, SplitsFoldedFields) {
  const auto fields = SplitHeaderFields("A: b\r\n c\r\n\td\r\nnonsense\r\nE:\r\n", 10);
  ASSERT_EQ(fields.size(), 2u);
  EXPECT_EQ(fields[0].raw, "A: b\r\n c\r\n\td");
  EXPECT_EQ(fields[1].name, "E");
  EXPECT_EQ(fields[1].value, "");
  EXPECT_TRUE(SplitHeaderFields(" a: b\r\n: x\r\n", 10).empty());
}

TEST(DkimCanonTest, RelaxedHeaderFields) {
  const struct {
    std::string field, want;
  } kRows[] = {
      {"A:", "a:\r\n"},
      {"A: \t \r\n\t\r\n", "a:\r\n"},
      {"Subject \t:  x", "subject:x\r\n"},
      {"S: a\tb  c\r\n d\r\n\t e \t\r\n", "s:a b c d e\r\n"},
      {"S:\r\n a", "s:a\r\n"},
      {"S: a\r b\rc\r", "s:a\r b\rc\r\r\n"},
      {"S: a\r\tb  c", "s:a\r b c\r\n"},
      {"S: a:b :c", "s:a:b :c\r\n"},
      {"S: \xC3\xA9", "s:\xC3\xA9\r\n"},
  };
  for (const auto& row : kRows) EXPECT_EQ(Canon(row.field, DkimCanon::kRelaxed), row.want) << row.field;
}

// The plain way: a copy in canonical form, hashed whole.
std::string HashOfCopy(std::string_view body) {
  const auto digest = Sha256(CanonBody(body, DkimCanon::kRelaxed));
  return Base64Encode(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

TEST(DkimBodyHashTest, KnownAnswers) {
  // SHA-256 of nothing, as RFC 6376 section 3.4.4 gives it for an empty body.
  EXPECT_EQ(DkimBodyHash(""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
  EXPECT_EQ(DkimBodyHash(" \t\r\n\r\n \r\n"), DkimBodyHash(""));
  // RFC 8463 appendix A.3.
  EXPECT_EQ(DkimBodyHash("Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"),
            "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");
}

TEST(DkimBodyHashTest, IsThatOfTheCanonicalCopy) {
  constexpr int kBodies = 30'000;
  std::mt19937 random(8463);
  const std::string pieces[] = {" ", "\t", "\r\n", "\r", "\n", "a", "  ", std::string(40, 'x'), "word word "};
  for (int i = 0; i < kBodies; ++i) {
    std::string body;
    const size_t count = random() % 40;
    for (size_t j = 0; j < count; ++j) body += pieces[random() % std::size(pieces)];
    ASSERT_EQ(DkimBodyHash(body), HashOfCopy(body)) << absl::CEscape(body);
  }
}

TEST(DkimBodyHashTest, LargeBodies) {
  std::string body;
  for (int i = 0; body.size() < 300'000; ++i) {
    body += std::string(static_cast<size_t>(i) % 1700, 'b') + (i % 3 == 0 ? "  c \r\n" : "\r\n");
  }
  EXPECT_EQ(DkimBodyHash(body), HashOfCopy(body));
  EXPECT_EQ(DkimBodyHash(body + std::string(5000, '\r')), HashOfCopy(body + std::string(5000, '\r')));
}

TEST(DkimHashTest, Sha256) {
  const auto hex = [](std::string_view data) {
    const auto digest = Sha256(data);
    return absl::BytesToHexString({reinterpret_cast<const char*>(digest.data()), digest.size()});
  };
  // FIPS 180-4's examples.
  EXPECT_EQ(hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(std::string(1'000'000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

}  // namespace
}  // namespace wavepost
