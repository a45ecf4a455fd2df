#include "coordinator/api/wave_estimate.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/rpc/status.h"
#include "coordinator/store/proto_time.h"

namespace wavepost {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

int64_t SumOf(const cluster::v1::Question& question) {
  int64_t sum = 0;
  for (const auto& load : question.forecast().loads()) sum += load.recipients();
  return sum;
}

TEST(WaveLoadsTest, ByNodeIpAndDomainLargestFirst) {
  WaveLoads loads;
  for (int i = 0; i < 5; ++i) loads.Add("n0", "192.0.2.1", "a.example");
  for (int i = 0; i < 9; ++i) loads.Add("n0", "192.0.2.2", "a.example");
  loads.Add("n1", "192.0.2.3", "b.example");
  const auto questions = loads.Questions(15);
  ASSERT_EQ(questions.size(), 2u);
  const auto& first = questions.at("n0").forecast();
  ASSERT_EQ(first.loads_size(), 2);
  EXPECT_EQ(first.loads(0).egress_ip(), "192.0.2.2");
  EXPECT_EQ(first.loads(0).recipients(), 9);
  EXPECT_EQ(first.loads(1).recipients(), 5);
  EXPECT_EQ(SumOf(questions.at("n1")), 1);
  EXPECT_TRUE(WaveLoads().Questions(7).empty());
}

TEST(WaveLoadsTest, ASampleIsScaledUp) {
  WaveLoads loads;
  for (int i = 0; i < 300; ++i) loads.Add("n0", "192.0.2.1", "a.example");
  for (int i = 0; i < 100; ++i) loads.Add("n0", "192.0.2.1", "b.example");
  const auto questions = loads.Questions(4000);
  EXPECT_EQ(questions.at("n0").forecast().loads(0).recipients(), 3000);
  EXPECT_EQ(questions.at("n0").forecast().loads(1).recipients(), 1000);
}

TEST(WaveLoadsTest, ALongTailIsAddedInProportion) {
  WaveLoads loads;
  for (int i = 0; i < 6000; ++i) loads.Add("n0", "192.0.2.1", "big.example");
  for (int i = 0; i < 5999; ++i) loads.Add("n0", "192.0.2.1", absl::StrCat("d", i, ".example"));
  const auto questions = loads.Questions(11999);
  const auto& forecast = questions.at("n0").forecast();
  EXPECT_EQ(forecast.loads_size(), 2000);
  EXPECT_EQ(forecast.loads(0).domain(), "big.example");
  EXPECT_NEAR(static_cast<double>(SumOf(questions.at("n0"))), 11999, 1200) << "small loads are rounded";
}

NodeAnswers Answers(std::vector<int> hours) {
  NodeAnswers answers;
  for (size_t i = 0; i < hours.size(); ++i) {
    cluster::v1::Answer answer;
    v1::SlowSite* site = answer.mutable_forecast()->add_slowest();
    site->set_site(absl::StrCat("site", i));
    *site->mutable_through_time() = ToProtoTime(kNow + absl::Hours(hours[i]));
    answers.answers.emplace_back(absl::StrCat("n", i), answer);
  }
  return answers;
}

TEST(JoinForecastsTest, TheLatestWins) {
  const OpenWave wave{.open = 10, .exact = true};
  const auto joined = JoinForecasts(wave, Answers({1, 5, 3}), kNow);
  ASSERT_TRUE(joined.ok()) << joined.status();
  EXPECT_EQ(FromProtoTime(joined->through_time()), kNow + absl::Hours(5));
  EXPECT_EQ(joined->slowest(0).site(), "site1");
  EXPECT_EQ(joined->slowest(2).site(), "site0");
  EXPECT_EQ(joined->open(), 10);
  EXPECT_TRUE(joined->exact());
}

TEST(JoinForecastsTest, TenAtMostAndNeverInThePast) {
  const OpenWave wave{.open = 10, .exact = true};
  EXPECT_EQ(JoinForecasts(wave, Answers(std::vector<int>(15, 1)), kNow)->slowest_size(), 10);
  EXPECT_EQ(FromProtoTime(JoinForecasts(wave, Answers({-5}), kNow)->through_time()), kNow);
}

TEST(JoinForecastsTest, SilenceIsSaid) {
  const OpenWave wave{.open = 10, .exact = true};
  NodeAnswers some = Answers({1});
  some.silent.push_back("n9");
  EXPECT_FALSE(JoinForecasts(wave, some, kNow)->exact());
  NodeAnswers none;
  none.silent.push_back("n9");
  EXPECT_EQ(ReasonOf(JoinForecasts(wave, none, kNow).status()), "NO_ANSWER");
  cluster::v1::Answer problem;
  problem.set_problem("no idea");
  none.answers.emplace_back("n1", problem);
  EXPECT_EQ(ReasonOf(JoinForecasts(wave, none, kNow).status()), "NO_ANSWER");
}

TEST(JoinForecastsTest, ASampleWithoutOpenRecipientsIsNoFailure) {
  OpenWave wave{.open = 3, .exact = false};
  const auto joined = JoinForecasts(wave, {}, kNow);
  ASSERT_TRUE(joined.ok()) << joined.status();
  EXPECT_EQ(FromProtoTime(joined->through_time()), kNow);
  EXPECT_EQ(joined->open(), 3);
  EXPECT_FALSE(joined->exact());
  wave.exact = true;  // they had their outcome while they were read
  EXPECT_FALSE(JoinForecasts(wave, {}, kNow)->exact());
  wave.has_no_ip = true;
  EXPECT_EQ(ReasonOf(JoinForecasts(wave, {}, kNow).status()), "NO_ANSWER") << "nothing can leave";
}

TEST(JoinForecastsTest, AWaveThatIsThroughNeedsNoNode) {
  const OpenWave wave{.exact = true, .complete_time = kNow - absl::Hours(2)};
  const auto joined = JoinForecasts(wave, {}, kNow);
  ASSERT_TRUE(joined.ok()) << joined.status();
  EXPECT_EQ(FromProtoTime(joined->through_time()), kNow - absl::Hours(2));
  EXPECT_TRUE(joined->exact());
}

}  // namespace
}  // namespace wavepost
