#include "coordinator/store/soft_bounces.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace wavepost {
namespace {

using cluster::v1::SoftBounces;

constexpr absl::Duration kDay = absl::Hours(24);

// "+a1": the recipient 1 of campaign a bounces, "=a1": is delivered, one day after the other; "": a day without.
struct HistoryRow {
  const char* name;
  std::vector<const char*> signs;
  std::string counted;  // campaigns, in order
  int window_days = 90;
};

class HistoryTest : public testing::TestWithParam<HistoryRow> {};

TEST_P(HistoryTest, Counts) {
  const HistoryRow& row = GetParam();
  const SoftPolicy policy{.window = row.window_days * kDay};
  SoftBounces history;
  absl::Time now = absl::FromUnixSeconds(1'000'000'000);
  for (const std::string sign : row.signs) {
    now += kDay;
    if (sign.empty()) continue;
    if (sign == "wait") {
      now += 11 * kDay;
      continue;
    }
    const std::string campaign = absl::StrCat("tenants/t/campaigns/", sign.substr(1, 1));
    EnterSign(sign[0] == '+' ? AddressSign::kSoftBounce : AddressSign::kDelivery, campaign,
              {static_cast<uint32_t>(sign[1]), static_cast<uint32_t>(sign[2])}, now, policy, &history);
  }
  std::vector<std::string> counted;
  for (const auto& entry : CountedBounces(history, now, policy)) counted.push_back(entry.campaign().substr(20));
  EXPECT_EQ(absl::StrJoin(counted, ""), row.counted) << history.DebugString();
}

INSTANTIATE_TEST_SUITE_P(
    Soft, HistoryTest,
    testing::Values(HistoryRow{"ThreeInARow", {"+a1", "+b1", "+c1"}, "abc"},
                    HistoryRow{"OnceForEachCampaign", {"+a1", "+a2", "+b1", "+a3"}, "ba"},
                    HistoryRow{"OnceForEachRecipient", {"+a1", "+a1", "+a1"}, "a"},
                    HistoryRow{"ADeliveryBetweenStartsAfresh", {"+a1", "+b1", "=c1", "+d1"}, "d"},
                    HistoryRow{"ADeliveryOfTheSameCampaignToo", {"+a1", "+b1", "=b2", "+c1"}, "c"},
                    HistoryRow{"ADeliveryThatIsTakenBack", {"+a1", "=b1", "+b1", "=c1", "+c1"}, "abc"},
                    HistoryRow{"TakenBackOutOfOrder", {"+a1", "=b1", "=c1", "+c1", "+b1"}, "abc"},
                    HistoryRow{"OneOfTwoTakenBack", {"+a1", "=b1", "=c1", "+b1", "+d1"}, "d"},
                    HistoryRow{"ADeliveryIsFinalAfterTenDays", {"+a1", "=b1", "wait", "+b1", "+c1"}, "bc"},
                    HistoryRow{"DeliveryAfterItsOwnBounceIsNone", {"+a1", "=a1", "+b1"}, "ab"},
                    HistoryRow{"DeliveriesAloneLeaveNothing", {"=a1", "=b1"}, ""},
                    HistoryRow{"TheWindowSlides", {"+a1", "wait", "+b1", "+c1"}, "bc", 5},
                    // b takes its place of the second day, but is younger than c, which is too old at the end.
                    HistoryRow{"AnAgedBounceGoesAlone", {"+a1", "=b1", "+c1", "", "", "+b1", "", "", "+d1"}, "bd", 5},
                    HistoryRow{
                        "AnAgedBounceLeavesTheDeliveryBehindIt", {"+a1", "+b1", "=c1", "+d1", "", "", "+e1"}, "de", 5},
                    HistoryRow{"AnAgedDeliveryEndsWhatLiesBefore", {"+a1", "+b1", "=c1", "wait", "+c1"}, "c"},
                    HistoryRow{"JustInsideTheWindow", {"+a1", "+b1", "+c1"}, "abc", 2}),
    [](const auto& instance) { return std::string(instance.param.name); });

TEST(SoftHistoryTest, StaysBounded) {
  SoftBounces history;
  const SoftPolicy policy;
  for (uint32_t i = 0; i < 1000; ++i) {
    EnterSign(AddressSign::kSoftBounce, absl::StrCat("tenants/t/campaigns/c", i), {i + 1, 0},
              absl::UnixEpoch() + absl::Minutes(i), policy, &history);
  }
  EXPECT_EQ(history.entries_size(), kSoftEntriesMax);
  EXPECT_EQ(history.entries(kSoftEntriesMax - 1).campaign(), "tenants/t/campaigns/c999");
}

TEST(SoftHistoryTest, AHundredCampaignsOfManyWavesAllCount) {
  SoftBounces history;
  const SoftPolicy policy{.campaigns = kSoftCampaignsMax};
  uint32_t wave = 0;
  for (int campaign = 0; campaign < kSoftCampaignsMax; ++campaign) {
    for (int i = 0; i < 5; ++i) {
      ++wave;
      EnterSign(AddressSign::kSoftBounce, absl::StrCat("tenants/t/campaigns/c", campaign), {wave, 0},
                absl::UnixEpoch() + absl::Minutes(wave), policy, &history);
    }
  }
  EXPECT_EQ(history.entries_size(), kSoftEntriesMax);
  const auto counted = CountedBounces(history, absl::UnixEpoch() + kDay, policy);
  EXPECT_EQ(counted.size(), static_cast<size_t>(kSoftCampaignsMax));
  EXPECT_EQ(counted.front().time().seconds(), 5 * 60);  // the newest of its waves stayed
}

TEST(SoftHistoryTest, GoesStaleWithItsWindow) {
  SoftBounces history;
  const SoftPolicy policy{.window = 5 * kDay};
  EnterSign(AddressSign::kSoftBounce, "tenants/t/campaigns/a", {1, 0}, absl::UnixEpoch(), policy, &history);
  EXPECT_FALSE(IsStale(history, absl::UnixEpoch() + 5 * kDay, policy));
  EXPECT_TRUE(IsStale(history, absl::UnixEpoch() + 5 * kDay + absl::Seconds(1), policy));
}

TEST(SoftPolicyTest, FillsInDefaultsAndKeepsToItsLimits) {
  v1::Tenant tenant;
  EXPECT_EQ(SoftPolicyOf(tenant).campaigns, 3);
  EXPECT_EQ(SoftPolicyOf(tenant).window, 90 * kDay);
  EXPECT_FALSE(SoftPolicyOf(tenant).never);
  tenant.mutable_suppression_policy()->set_soft_campaigns(5);
  tenant.mutable_suppression_policy()->mutable_soft_window()->set_seconds(7 * 86400);
  tenant.mutable_suppression_policy()->set_soft_never(true);
  EXPECT_EQ(SoftPolicyOf(tenant).campaigns, 5);
  EXPECT_EQ(SoftPolicyOf(tenant).window, 7 * kDay);
  EXPECT_TRUE(SoftPolicyOf(tenant).never);
  tenant.mutable_suppression_policy()->set_soft_campaigns(100'000);
  tenant.mutable_suppression_policy()->mutable_soft_window()->set_seconds(1);
  EXPECT_EQ(SoftPolicyOf(tenant).campaigns, kSoftCampaignsMax);
  EXPECT_EQ(SoftPolicyOf(tenant).window, kSoftWindowMin);
}

TEST(SoftEvidenceTest, NamesTheCampaigns) {
  std::vector<SoftBounces::Entry> counted;
  for (const char* campaign : {"spring", "fall"}) {
    SoftBounces::Entry& entry = counted.emplace_back();
    entry.set_campaign(absl::StrCat("tenants/t/campaigns/", campaign));
    entry.mutable_time()->set_seconds(86400);
  }
  EXPECT_EQ(SoftEvidence(counted, "452 mailbox full"),
            "bounced softly in 2 campaigns without a delivery in between: spring (1970-01-02), fall (1970-01-02); the "
            "last time: 452 mailbox full");
  EXPECT_EQ(SoftEvidence({counted[0]}, ""), "bounced softly in 1 campaign: spring (1970-01-02)");
  while (counted.size() < 100) counted.push_back(counted[0]);
  EXPECT_THAT(SoftEvidence(counted, std::string(5000, 'x')), testing::HasSubstr("92 more, spring"));
  EXPECT_LE(SoftEvidence(counted, std::string(5000, 'x')).size(), 1024u);
}

}  // namespace
}  // namespace wavepost
