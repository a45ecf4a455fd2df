#include "common/mail/verp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <cstdio>
#include <fstream>
#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "common/base/clock.h"
#include "common/base/strings.h"
#include "common/mail/address.h"

namespace wavepost {
namespace {

using ::testing::HasSubstr;

constexpr RecipientId kId{12, 345};
const std::string kHexA = std::string(63, 'a') + "1";
const std::string kHexB = std::string(63, 'B') + "2";

TEST(TokenTest, RoundTrips) {
  const TokenKeys keys = TokenKeys::ForTest();
  for (const RecipientId id :
       {kId, RecipientId{0, 0}, RecipientId{0xFFFFFFFF, 0xFFFFFFFE}, RecipientId{1, 0x80000000}}) {
    const std::string token = MakeToken(keys, id, keys.signing_key());
    EXPECT_EQ(token.size(), 31u);
    EXPECT_EQ(token, MakeToken(keys, id, keys.signing_key()));
    const auto found = CheckToken(keys, token);
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(*found, id);
  }
}

// Stored queues and mail on its way hold tokens: their form may not change. If this fails, the change needs a new
// label.
TEST(TokenTest, FormIsFixed) {
  const TokenKeys keys = TokenKeys::ForTest();
  EXPECT_EQ(MakeToken(keys, kId, 1), "aeaaaaamaaaacwj5mkmw5bwaympab2y");
  EXPECT_EQ(MakeMessageId(keys, kId, 1, "example.com"), "ptxavgnz7lj44lininn6tfdj@example.com");
}

TEST(TokenTest, SurvivesCaseFolding) {
  const TokenKeys keys = TokenKeys::ForTest();
  std::string token = MakeToken(keys, kId, 1);
  for (size_t i = 0; i < token.size(); i += 2) token[i] = static_cast<char>(std::toupper(token[i]));
  EXPECT_EQ(*CheckToken(keys, token), kId);
}

TEST(TokenTest, EachCharacterCounts) {
  const TokenKeys keys = TokenKeys::ForTest();
  const std::string token = MakeToken(keys, kId, 1);
  for (size_t i = 0; i < token.size(); ++i) {
    for (char c : std::string("abcdefghijklmnopqrstuvwxyz234567")) {
      if (c == token[i]) continue;
      std::string forged = token;
      forged[i] = c;
      EXPECT_FALSE(CheckToken(keys, forged).ok()) << forged;
    }
  }
}

TEST(TokenTest, RefusesOtherShapesAndKeys) {
  const TokenKeys keys = TokenKeys::ForTest();
  const std::string token = MakeToken(keys, kId, 1);
  for (const std::string& bad :
       {std::string(), token.substr(1), token + "a", std::string(31, '1'), std::string(31, '\0')}) {
    EXPECT_EQ(CheckToken(keys, bad).status().code(), absl::StatusCode::kInvalidArgument) << bad;
  }
  const auto other = TokenKeys::Parse("1 " + kHexA, "keys");
  ASSERT_TRUE(other.ok());
  EXPECT_EQ(CheckToken(*other, token).status().code(), absl::StatusCode::kPermissionDenied);
  const auto without = TokenKeys::Parse("2 " + kHexA, "keys");
  ASSERT_TRUE(without.ok());
  EXPECT_EQ(CheckToken(*without, token).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(KeyIdOfToken(token), 1);
  EXPECT_EQ(KeyIdOfToken(token.substr(1)), std::nullopt);
  // No key has the id 0: nothing to wait for.
  EXPECT_EQ(CheckToken(keys, std::string(31, 'a')).status().code(), absl::StatusCode::kPermissionDenied);
}

TEST(TokenTest, OldKeysStillCheckAfterRotation) {
  const auto before = TokenKeys::Parse("1 " + kHexA, "keys");
  const auto after = TokenKeys::Parse("2 " + kHexB + "\n1 " + kHexA, "keys");
  ASSERT_TRUE(before.ok() && after.ok());
  EXPECT_EQ(after->signing_key(), 2);
  const std::string token = MakeToken(*before, kId, before->signing_key());
  EXPECT_EQ(*CheckToken(*after, token), kId);
  EXPECT_EQ(MakeToken(*after, kId, 1), token);  // a retry keeps its envelope
  EXPECT_EQ(MakeMessageId(*after, kId, 1, "d.example"), MakeMessageId(*before, kId, 1, "d.example"));
  EXPECT_NE(MakeToken(*after, kId, 2), token);
  EXPECT_EQ(MakeToken(*after, kId, 9), MakeToken(*after, kId, 2));  // a key that is gone
}

TEST(ReturnPathTest, IsAnAddressWhoseTokenIsFound) {
  const TokenKeys keys = TokenKeys::ForTest();
  const std::string token = MakeToken(keys, kId, 1);
  const auto address = ParseAddress(ReturnPath(token, "bounce.example"));
  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_EQ(address->domain, "bounce.example");
  EXPECT_EQ(TokenOf(address->local), token);
  EXPECT_EQ(TokenOf("B+" + token), token);
  for (const std::string& bad :
       {std::string("postmaster"), std::string("b+"), std::string("b+short"), "c+" + token, "b+" + token + "x"}) {
    EXPECT_EQ(TokenOf(bad), std::nullopt) << bad;
  }
}

TEST(UnsubscribeTokenTest, NamesTheRecipientAndIsNoOtherToken) {
  const TokenKeys keys = TokenKeys::ForTest();
  const std::string verp = MakeToken(keys, kId, 1);
  const auto token = UnsubscribeToken(verp);
  ASSERT_TRUE(token.ok()) << token.status();
  // SHA-256("unsubscribe" + the token in upper case), computed with Python.
  EXPECT_EQ(*token, "aeaaaaamaaaacwipzw4cjfdmfr7e6wy");
  EXPECT_EQ(token->size(), 31u);
  EXPECT_EQ(*CheckUnsubscribeToken(keys, *token), kId);
  EXPECT_EQ(*CheckUnsubscribeToken(keys, absl::AsciiStrToUpper(*token)), kId);
  // From either letter case of the return path, which mail servers change at will.
  EXPECT_EQ(*UnsubscribeToken(absl::AsciiStrToUpper(verp)), *token);
  // Neither stands for the other: who is sent the one must not report bounces with it.
  EXPECT_EQ(CheckToken(keys, *token).status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(CheckUnsubscribeToken(keys, verp).status().code(), absl::StatusCode::kPermissionDenied);
  // Its MAC is not found in the other.
  EXPECT_EQ(verp.substr(0, 14), token->substr(0, 14));
  EXPECT_NE(verp.substr(15), token->substr(15));
}

TEST(UnsubscribeTokenTest, RefusesForgedAndMangled) {
  const TokenKeys keys = TokenKeys::ForTest();
  const std::string token = *UnsubscribeToken(MakeToken(keys, kId, 1));
  for (size_t i = 0; i < token.size(); ++i) {
    std::string other = token;
    other[i] = other[i] == 'a' ? 'b' : 'a';
    EXPECT_FALSE(CheckUnsubscribeToken(keys, other).ok()) << i;
  }
  for (const std::string& bad : {std::string(), token.substr(1), token + "a", std::string(31, '!')}) {
    EXPECT_EQ(CheckUnsubscribeToken(keys, bad).status().code(), absl::StatusCode::kInvalidArgument) << bad;
    EXPECT_EQ(UnsubscribeToken(bad).status().code(), absl::StatusCode::kInvalidArgument) << bad;
  }
  const auto others = TokenKeys::Parse("1 " + kHexA, "keys");
  ASSERT_TRUE(others.ok());
  EXPECT_EQ(CheckUnsubscribeToken(*others, token).status().code(), absl::StatusCode::kPermissionDenied);
  const auto unknown = TokenKeys::Parse("2 " + kHexA, "keys");
  ASSERT_TRUE(unknown.ok());
  EXPECT_EQ(CheckUnsubscribeToken(*unknown, token).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(KeyIdOfToken(token), 1);
  // Made under a key that is not the signing key any more.
  const auto rotated = TokenKeys::Parse("2 " + kHexB + "\n1 " + kHexA, "keys");
  ASSERT_TRUE(rotated.ok());
  EXPECT_EQ(*CheckUnsubscribeToken(*rotated, *UnsubscribeToken(MakeToken(*others, kId, 1))), kId);
}

TEST(UnsubscribeTokenTest, StandsInALocalPart) {
  const std::string token = *UnsubscribeToken(MakeToken(TokenKeys::ForTest(), kId, 1));
  EXPECT_EQ(UnsubscribeTokenOf("u+" + token), token);
  EXPECT_EQ(UnsubscribeTokenOf("U+" + token), token);
  for (const std::string& bad : {"b+" + token, std::string("u+"), "u+" + token + "x", token, "u" + token}) {
    EXPECT_EQ(UnsubscribeTokenOf(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(TokenOf("u+" + token), std::nullopt);
}

TEST(MessageIdTest, IsUniqueAndTellsNothing) {
  const TokenKeys keys = TokenKeys::ForTest();
  std::set<std::string> seen;
  for (uint32_t wave = 1; wave <= 3; ++wave) {
    for (uint32_t index = 0; index < 300; ++index) {
      const std::string id = MakeMessageId(keys, {wave, index}, 1, "example.com");
      EXPECT_TRUE(seen.insert(id).second);
      EXPECT_EQ(id.find(MakeToken(keys, {wave, index}, 1).substr(15)), std::string::npos);
    }
  }
}

TEST(TokenKeysTest, ParsesCommentsAndBlankLines) {
  const auto keys = TokenKeys::Parse("# made by hand\n\n 255\t" + kHexA + " # newest\r\n3 " + kHexB, "keys");
  ASSERT_TRUE(keys.ok()) << keys.status();
  EXPECT_EQ(keys->signing_key(), 255);
  EXPECT_NE(keys->Find(3), nullptr);
  EXPECT_EQ(keys->Find(4), nullptr);
}

TEST(TokenKeysTest, ErrorsNameTheLineAndNotTheKey) {
  const std::pair<std::string, std::string> kRows[] = {
      {"", "keys: has no key"},
      {"# only\n", "has no key"},
      {"\n1", "keys:2: expected"},
      {"1 " + kHexA + " x", "keys:1: expected"},
      {"0 " + kHexA, "from 1 to 255"},
      {"256 " + kHexA, "from 1 to 255"},
      {"-1 " + kHexA, "from 1 to 255"},
      {"x " + kHexA, "from 1 to 255"},
      {"1 " + kHexA.substr(1), "64 hexadecimal digits"},
      {"1 " + kHexA.substr(1) + "g", "64 hexadecimal digits"},
      {"1 " + kHexA + "\n1 " + kHexB, "keys:2: the ID 1 is there twice"},
      {"1 " + kHexA + " until 2026-11-04", "keys:1: the first key signs"},
      {"2 " + kHexB + "\n1 " + kHexA + " until", "keys:2: expected"},
      {"2 " + kHexB + "\n1 " + kHexA + " till 2026-11-04", "keys:2: expected"},
      {"2 " + kHexB + "\n1 " + kHexA + " until 4.11.2026", "YYYY-MM-DD"},
  };
  for (const auto& [text, want] : kRows) {
    const auto keys = TokenKeys::Parse(text, "keys");
    ASSERT_FALSE(keys.ok()) << text;
    EXPECT_THAT(std::string(keys.status().message()), HasSubstr(want));
    EXPECT_EQ(keys.status().message().find("aaaa"), absl::string_view::npos);
  }
}

TEST(TokenKeysTest, AKeyBelievesItsTokensThroughItsLastDay) {
  ManualClock clock(absl::FromUnixSeconds(1'793'836'799));  // 2026-11-04T23:59:59Z
  const std::string text = "2 " + kHexB + "\n1 " + kHexA + " until 2026-11-04\n";
  const auto keys = TokenKeys::Parse(text, "keys", &clock);
  ASSERT_TRUE(keys.ok()) << keys.status();
  const std::string old_token = MakeToken(*keys, kId, 1);
  const std::string old_link = UnsubscribeToken(old_token).value();
  const std::string new_token = MakeToken(*keys, kId, 2);
  EXPECT_TRUE(CheckToken(*keys, old_token).ok());
  EXPECT_TRUE(CheckUnsubscribeToken(*keys, old_link).ok());
  clock.Advance(absl::Seconds(1));
  EXPECT_EQ(CheckToken(*keys, old_token).status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(CheckUnsubscribeToken(*keys, old_link).status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_TRUE(CheckToken(*keys, new_token).ok());
  // Without a clock nothing expires.
  EXPECT_TRUE(CheckToken(TokenKeys::Parse(text, "keys").value(), old_token).ok());
}

TEST(TokenKeysTest, LoadsAFile) {
  const std::string path = ::testing::TempDir() + "/verp_test_keys";
  std::ofstream(path) << "7 " << kHexA << "\n";
  const auto keys = TokenKeys::Load(path);
  ASSERT_TRUE(keys.ok()) << keys.status();
  EXPECT_EQ(keys->signing_key(), 7);
  std::remove(path.c_str());
  EXPECT_EQ(TokenKeys::Load(path).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace wavepost
