#include "bouncer/inbound/mailboxes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "common/base/clock.h"

namespace wavepost {
namespace {

using Kind = Mailboxes::Kind;

std::string Upper(std::string s) {
  std::transform(s.begin(), s.end(), s.begin(), [](unsigned char c) { return std::toupper(c); });
  return s;
}

struct Row {
  std::string name;
  std::string path;
  Kind want;
};

class MailboxesTest : public ::testing::TestWithParam<Row> {};

const RecipientId kId{7, 42};

std::string Token() {
  return MakeToken(TokenKeys::ForTest(), kId, 1);
}

std::string Unsubscribing() {
  return *UnsubscribeToken(Token());
}

std::string Damaged() {
  std::string token = Token();
  token[10] = token[10] == 'a' ? 'b' : 'a';
  return token;
}

TEST_P(MailboxesTest, Finds) {
  const Mailboxes mailboxes({.domain = "bounce.example"}, TokenKeys::ForTest());
  const Mailboxes::Match match = mailboxes.Find(GetParam().path);
  EXPECT_EQ(match.kind, GetParam().want);
  EXPECT_EQ(match.recipient,
            GetParam().want == Kind::kReturnPath || GetParam().want == Kind::kUnsubscribe ? kId : RecipientId{});
}

INSTANTIATE_TEST_SUITE_P(
    Rows, MailboxesTest,
    ::testing::Values(
        Row{"Genuine", "b+" + Token() + "@bounce.example", Kind::kReturnPath},
        Row{"UpperCase", Upper("b+" + Token() + "@bounce.example"), Kind::kReturnPath},
        Row{"Damaged", "b+" + Damaged() + "@bounce.example", Kind::kNone},
        Row{"Shortened", "b+" + Token().substr(1) + "@bounce.example", Kind::kNone},
        Row{"NoToken", "b+@bounce.example", Kind::kNone},
        Row{"OtherTag", "c+" + Token() + "@bounce.example", Kind::kNone},
        Row{"CustomersDomain", "b+" + Token() + "@wpbounce.other.example", Kind::kReturnPath},
        Row{"Unsubscribe", "u+" + Unsubscribing() + "@bounce.example", Kind::kUnsubscribe},
        Row{"UnsubscribeUpperCase", Upper("u+" + Unsubscribing() + "@bounce.example"), Kind::kUnsubscribe},
        Row{"ReturnPathsTokenDoesNotUnsubscribe", "u+" + Token() + "@bounce.example", Kind::kNone},
        Row{"UnsubscribingTokenDoesNotReport", "b+" + Unsubscribing() + "@bounce.example", Kind::kNone},
        Row{"EmptyDomain", "b+" + Token() + "@", Kind::kNone}, Row{"NoDomain", "b+" + Token(), Kind::kNone},
        Row{"TwoAts", "b+" + Token() + "@other.example@bounce.example", Kind::kNone},
        Row{"Postmaster", "PostMaster@Bounce.Example", Kind::kKeep}, Row{"BarePostmaster", "postmaster", Kind::kKeep},
        Row{"PostmasterElsewhere", "postmaster@other.example", Kind::kNone},
        Row{"Anybody", "info@bounce.example", Kind::kNone}, Row{"Empty", "", Kind::kNone}),
    [](const auto& row) { return row.param.name; });

// Two keys in the file: mail of before the rotation still comes back. With the old key gone, its tokens have expired.
// And before the new key has reached us, nothing of its mail is refused for good.
TEST(MailboxesRotationTest, TokensLiveAsLongAsTheirKey) {
  const std::string old_key = "1 " + std::string(64, 'a') + "\n";
  const std::string new_key = "2 " + std::string(64, 'b') + "\n";
  const TokenKeys before = *TokenKeys::Parse(old_key, "keys");
  const TokenKeys overlap = *TokenKeys::Parse(new_key + old_key, "keys");
  const TokenKeys after = *TokenKeys::Parse(new_key, "keys");
  const std::string old_path = ReturnPath(MakeToken(before, kId, before.signing_key()), "bounce.example");
  const std::string new_path = ReturnPath(MakeToken(overlap, kId, overlap.signing_key()), "bounce.example");
  const MailboxNames names{.domain = "bounce.example"};
  EXPECT_EQ(Mailboxes(names, overlap).Find(old_path).kind, Kind::kReturnPath);
  EXPECT_EQ(Mailboxes(names, overlap).Find(new_path).kind, Kind::kReturnPath);
  EXPECT_EQ(Mailboxes(names, after).Find(old_path).kind, Kind::kUnknownKey);
  EXPECT_EQ(Mailboxes(names, after).Find(new_path).kind, Kind::kReturnPath);
  EXPECT_EQ(Mailboxes(names, before).Find(new_path).kind, Kind::kUnknownKey);
  EXPECT_EQ(Mailboxes(names, before).Find(new_path).key_id, 2);
  const std::string link = "u+" + *UnsubscribeToken(MakeToken(overlap, kId, 2)) + "@bounce.example";
  EXPECT_EQ(Mailboxes(names, before).Find(link).kind, Kind::kUnknownKey);
  ManualClock clock(absl::FromCivil(absl::CivilDay(2026, 11, 5), absl::UTCTimeZone()));
  const std::string ended = new_key + old_key.substr(0, old_key.size() - 1) + " until 2026-11-04\n";
  EXPECT_EQ(Mailboxes(names, *TokenKeys::Parse(ended, "keys", &clock)).Find(old_path).kind, Kind::kNone);
}

}  // namespace
}  // namespace wavepost
