#include "tests/testnet/greylist.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wavepost::testnet {
namespace {

constexpr uint32_t kIp = 0x7f00000b;         // 127.0.0.11
constexpr uint32_t kNeighbour = 0x7f00000c;  // the same /24
constexpr uint32_t kElsewhere = 0x7f00010b;

const GreylistPolicy kPolicy = {.enabled = true, .delay = absl::Seconds(300), .whitelist_after = 1};
const GreylistPolicy kTripletsOnly = {.enabled = true, .delay = absl::Seconds(300), .whitelist_after = 0};

struct Try {
  int at_s;
  uint32_t ip;
  std::string from;
  std::string to;
  bool pass;
  bool early = false;
};

struct Row {
  std::string name;
  GreylistPolicy policy;
  std::vector<Try> tries;
};

class GreylistBook : public testing::TestWithParam<Row> {};

TEST_P(GreylistBook, Row) {
  Greylist greylist;
  for (const Try& one : GetParam().tries) {
    const absl::Time now = absl::UnixEpoch() + absl::Seconds(one.at_s);
    const Greylist::Result result = greylist.Check(GetParam().policy, "a.example", one.ip, one.from, one.to, now);
    EXPECT_EQ(result.pass, one.pass) << "at " << one.at_s;
    EXPECT_EQ(result.early, one.early) << "at " << one.at_s;
    EXPECT_EQ(result.pass, result.remaining == absl::ZeroDuration()) << "at " << one.at_s;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Greylist, GreylistBook,
    testing::Values(
        Row{"FirstIsDeferredRetryPasses", kPolicy, {{0, kIp, "s@x", "r@y", false}, {300, kIp, "s@x", "r@y", true}}},
        Row{"EarlyRetryIsDeferredAndDoesNotRestartTheDelay",
            kPolicy,
            {{0, kIp, "s@x", "r@y", false}, {299, kIp, "s@x", "r@y", false, true}, {300, kIp, "s@x", "r@y", true}}},
        Row{"NeighbourInTheSame24CountsAsTheClient",
            kPolicy,
            {{0, kIp, "s@x", "r@y", false}, {300, kNeighbour, "s@x", "r@y", true}}},
        Row{"OtherNetworkStartsAnew", kPolicy, {{0, kIp, "s@x", "r@y", false}, {300, kElsewhere, "s@x", "r@y", false}}},
        Row{"ClientThatPassedIsKnownForOtherRecipients",
            kPolicy,
            {{0, kIp, "s@x", "r@y", false}, {300, kIp, "s@x", "r@y", true}, {301, kIp, "t@z", "q@y", true}}},
        Row{"WithoutWhitelistEachTripletWaits",
            kTripletsOnly,
            {{0, kIp, "s@x", "r@y", false},
             {300, kIp, "s@x", "r@y", true},
             {301, kIp, "s@x", "q@y", false},
             {302, kIp, "s@x", "r@y", true}}},
        Row{"OtherSenderIsAnotherTriplet",
            kTripletsOnly,
            {{0, kIp, "s@x", "r@y", false}, {300, kIp, "other@x", "r@y", false}}},
        Row{"VerpTokenDoesNotMakeAnotherSender",
            kTripletsOnly,
            {{0, kIp, "b+abc@x", "r@y", false}, {300, kIp, "b+xyz@x", "r@y", true}}},
        Row{"LetterCaseDoesNotMatter", kTripletsOnly, {{0, kIp, "S@x", "r@Y", false}, {300, kIp, "s@X", "R@y", true}}},
        Row{"FirstRetryAfterTheWindowStartsAnew",
            kPolicy,
            {{0, kIp, "s@x", "r@y", false},
             {48 * 3600 + 1, kIp, "s@x", "r@y", false},
             {48 * 3600 + 301, kIp, "s@x", "r@y", true}}}),
    [](const auto& row) { return row.param.name; });

TEST(Greylist, ScopesNeverMeet) {
  Greylist greylist;
  const absl::Time start = absl::UnixEpoch();
  EXPECT_FALSE(greylist.Check(kPolicy, "a", kIp, "s@x", "r@y", start).pass);
  EXPECT_TRUE(greylist.Check(kPolicy, "a", kIp, "s@x", "r@y", start + absl::Seconds(300)).pass);
  EXPECT_FALSE(greylist.Check(kPolicy, "b", kIp, "s@x", "r@y", start + absl::Seconds(301)).pass);
}

TEST(Greylist, WhitelistWaitsForAsManyPassesAsAsked) {
  GreylistPolicy policy = kPolicy;
  policy.whitelist_after = 2;
  Greylist greylist;
  const absl::Time start = absl::UnixEpoch();
  for (const char* to : {"1@y", "2@y"}) {
    EXPECT_FALSE(greylist.Check(policy, "a", kIp, "s@x", to, start).pass);
    EXPECT_TRUE(greylist.Check(policy, "a", kIp, "s@x", to, start + absl::Seconds(300)).pass);
  }
  EXPECT_TRUE(greylist.Check(policy, "a", kIp, "s@x", "3@y", start + absl::Seconds(301)).pass);
}

TEST(GreylistSender, AsPostgreyKeepsIt) {
  EXPECT_EQ(GreylistSender("b+TOKEN@Bounce.example"), "b@bounce.example");
  EXPECT_EQ(GreylistSender("list-17-x@y"), "list-#-x@y");
  EXPECT_EQ(GreylistSender("a17@y"), "a17@y");
  EXPECT_EQ(GreylistSender("2024@y"), "#@y");
  EXPECT_EQ(GreylistSender(""), "");
}

}  // namespace
}  // namespace wavepost::testnet
