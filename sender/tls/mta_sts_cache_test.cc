#include "sender/tls/mta_sts_cache.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace wavepost {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

MtaStsPolicy Policy(absl::Duration max_age, MtaStsMode mode = MtaStsMode::kEnforce) {
  return {mode, {"mx.a.test"}, max_age};
}

class MtaStsCacheTest : public testing::Test {
 protected:
  absl::Time At(absl::Duration after) { return kStart + after; }
  bool Holds(absl::Duration after) { return cache_.Look("a.test", At(after)).policy != nullptr; }
  bool Asks(absl::Duration after) { return cache_.Look("a.test", At(after)).ask; }
  void Learn(const std::string& id, absl::Duration max_age, absl::Duration after = absl::ZeroDuration()) {
    EXPECT_TRUE(cache_.OnRecord("a.test", id, At(after)));
    cache_.OnPolicy("a.test", id, Policy(max_age), At(after));
  }

  MtaStsCache cache_{{}};
};

TEST_F(MtaStsCacheTest, AStrangerIsAskedFor) {
  const MtaStsCache::View view = cache_.Look("a.test", kStart);
  EXPECT_FALSE(view.known);
  EXPECT_TRUE(view.ask);
  EXPECT_EQ(view.policy, nullptr);
}

TEST_F(MtaStsCacheTest, WithoutRecordItIsAskedForEveryTenMinutes) {
  EXPECT_FALSE(cache_.OnRecord("a.test", std::nullopt, kStart));
  EXPECT_TRUE(cache_.Look("a.test", kStart).known);
  EXPECT_FALSE(Asks(absl::Minutes(10) - absl::Seconds(1)));
  EXPECT_TRUE(Asks(absl::Minutes(10)));
  EXPECT_EQ(cache_.Look("a.test", kStart).failure_type, "");
}

TEST_F(MtaStsCacheTest, APolicyHoldsForItsMaxAge) {
  Learn("1", absl::Hours(12));
  EXPECT_TRUE(Holds(absl::ZeroDuration()));
  EXPECT_TRUE(Holds(absl::Hours(12) - absl::Seconds(1)));
  EXPECT_FALSE(Holds(absl::Hours(12)));
  EXPECT_EQ(cache_.Look("b.test", kStart).policy, nullptr);
}

TEST_F(MtaStsCacheTest, TheRecordIsLookedAtHourly) {
  Learn("1", absl::Hours(24 * 7));
  EXPECT_FALSE(Asks(absl::Minutes(59)));
  EXPECT_TRUE(Asks(absl::Hours(1)));
  EXPECT_FALSE(cache_.OnRecord("a.test", "1", At(absl::Hours(1)))) << "same id: no fetch";
  EXPECT_FALSE(Asks(absl::Hours(1) + absl::Minutes(59)));
  EXPECT_TRUE(cache_.OnRecord("a.test", "2", At(absl::Hours(2)))) << "new id";
  EXPECT_TRUE(Holds(absl::Hours(2))) << "the old one, until the new one is there";
}

TEST_F(MtaStsCacheTest, RefreshedInAdvance) {
  Learn("1", absl::Hours(24 * 7));
  EXPECT_FALSE(cache_.OnRecord("a.test", "1", At(absl::Hours(23))));
  EXPECT_TRUE(cache_.OnRecord("a.test", "1", At(absl::Hours(24)))) << "same id, but a day old";
  cache_.OnPolicy("a.test", "1", Policy(absl::Hours(24 * 7)), At(absl::Hours(24)));
  EXPECT_TRUE(Holds(absl::Hours(24 * 8) - absl::Seconds(1))) << "counted anew";
  EXPECT_FALSE(Holds(absl::Hours(24 * 8)));
}

TEST_F(MtaStsCacheTest, AShortLivedPolicyIsRefreshedAtHalfItsLife) {
  Learn("1", absl::Hours(1));
  EXPECT_FALSE(Asks(absl::Minutes(14)));
  EXPECT_TRUE(Asks(absl::Minutes(15)));
  EXPECT_FALSE(cache_.OnRecord("a.test", "1", At(absl::Minutes(29))));
  EXPECT_TRUE(cache_.OnRecord("a.test", "1", At(absl::Minutes(30))));
}

TEST_F(MtaStsCacheTest, KeptWhenTheRefreshFails) {
  Learn("1", absl::Hours(48));
  ASSERT_TRUE(cache_.OnRecord("a.test", "2", At(absl::Hours(1))));
  cache_.OnFetchFailed("a.test", "sts-policy-fetch-error", At(absl::Hours(1)));
  EXPECT_TRUE(Holds(absl::Hours(47)));
  EXPECT_EQ(cache_.Look("a.test", At(absl::Hours(1))).failure_type, "") << "a policy holds: nothing has failed";
  EXPECT_FALSE(Asks(absl::Hours(1) + absl::Minutes(4)));
  EXPECT_FALSE(cache_.OnRecord("a.test", "2", At(absl::Hours(1) + absl::Minutes(4)))) << "no hammering";
  EXPECT_TRUE(Asks(absl::Hours(1) + absl::Minutes(5)));
  EXPECT_TRUE(cache_.OnRecord("a.test", "2", At(absl::Hours(1) + absl::Minutes(9))));
}

TEST_F(MtaStsCacheTest, AnotherIdIsFetchedAtOnceAfterAFailure) {
  ASSERT_TRUE(cache_.OnRecord("a.test", "1", kStart));
  cache_.OnFetchFailed("a.test", "sts-policy-invalid", kStart);
  EXPECT_FALSE(cache_.OnRecord("a.test", "1", At(absl::Minutes(1))));
  EXPECT_TRUE(cache_.OnRecord("a.test", "2", At(absl::Minutes(1))));
}

TEST_F(MtaStsCacheTest, KeptWhenTheRecordVanishesOrFails) {
  Learn("1", absl::Hours(48));
  EXPECT_FALSE(cache_.OnRecord("a.test", std::nullopt, At(absl::Hours(1))));
  EXPECT_TRUE(Holds(absl::Hours(47)));
  cache_.OnRecordFailed("a.test", At(absl::Hours(2)));
  EXPECT_TRUE(Holds(absl::Hours(47)));
  EXPECT_FALSE(Asks(absl::Hours(2) + absl::Minutes(4)));
  EXPECT_TRUE(Asks(absl::Hours(2) + absl::Minutes(5)));
}

TEST_F(MtaStsCacheTest, AFailedFirstFetchIsNamed) {
  ASSERT_TRUE(cache_.OnRecord("a.test", "1", kStart));
  cache_.OnFetchFailed("a.test", "sts-webpki-invalid", kStart);
  EXPECT_EQ(cache_.Look("a.test", kStart).failure_type, "sts-webpki-invalid");
  cache_.OnPolicy("a.test", "1", Policy(absl::Hours(1)), kStart);
  EXPECT_EQ(cache_.Look("a.test", kStart).failure_type, "");
}

TEST_F(MtaStsCacheTest, AnEndedPolicyIsAskedForAtOnce) {
  Learn("1", absl::Hours(2));
  EXPECT_FALSE(cache_.OnRecord("a.test", std::nullopt, At(absl::Minutes(110))));
  EXPECT_TRUE(Asks(absl::Hours(2)));
  EXPECT_FALSE(Holds(absl::Hours(2)));
}

TEST_F(MtaStsCacheTest, MaxAgeZeroHoldsNever) {
  Learn("1", absl::ZeroDuration());
  EXPECT_FALSE(Holds(absl::ZeroDuration()));
  EXPECT_FALSE(Asks(absl::Minutes(1)));
}

TEST_F(MtaStsCacheTest, DoubtAsksAgainSoon) {
  Learn("1", absl::Hours(48));
  cache_.Doubt("a.test", At(absl::Minutes(1)));
  EXPECT_FALSE(Asks(absl::Minutes(4)));
  EXPECT_TRUE(Asks(absl::Minutes(5)));
  cache_.Doubt("a.test", At(absl::Minutes(30)));
  EXPECT_TRUE(Asks(absl::Minutes(30)));
}

TEST_F(MtaStsCacheTest, SurvivesARestart) {
  Learn("1", absl::Hours(48));
  const auto state = cache_.Save("a.test", At(absl::Hours(1)));
  ASSERT_TRUE(state.has_value());
  EXPECT_FALSE(cache_.Save("a.test", At(absl::Hours(48)))) << "ended";
  EXPECT_FALSE(cache_.Save("b.test", kStart));

  MtaStsCache next{{}};
  ASSERT_TRUE(next.Restore("a.test", *state, At(absl::Hours(2))));
  const MtaStsCache::View view = next.Look("a.test", At(absl::Hours(2)));
  ASSERT_NE(view.policy, nullptr);
  EXPECT_EQ(*view.policy, Policy(absl::Hours(48)));
  EXPECT_TRUE(view.ask);
  EXPECT_FALSE(next.OnRecord("a.test", "1", At(absl::Hours(2)))) << "the id is known";
  EXPECT_EQ(next.Look("a.test", At(absl::Hours(48))).policy, nullptr) << "counted from the fetch";

  MtaStsCache late{{}};
  EXPECT_FALSE(late.Restore("a.test", *state, At(absl::Hours(48))));
  EXPECT_FALSE(late.Restore("a.test", *state, At(-absl::Hours(1)))) << "from the future";
  cluster::v1::MtaStsState bad = *state;
  bad.clear_mx();
  EXPECT_FALSE(late.Restore("a.test", bad, At(absl::Hours(1))));
  bad = *state;
  bad.clear_mode();
  EXPECT_FALSE(late.Restore("a.test", bad, At(absl::Hours(1))));
  bad = *state;
  bad.set_max_age_s(99'999'999'999);
  EXPECT_FALSE(late.Restore("a.test", bad, At(absl::Hours(1))));
  EXPECT_FALSE(late.Look("a.test", At(absl::Hours(1))).known);
}

TEST_F(MtaStsCacheTest, IsBounded) {
  MtaStsCache small({.entries_max = 10});
  for (int i = 0; i < 1000; ++i) small.OnRecord(absl::StrCat("d", i, ".test"), std::nullopt, kStart);
  EXPECT_EQ(small.size(), 10u);
}

}  // namespace
}  // namespace wavepost
