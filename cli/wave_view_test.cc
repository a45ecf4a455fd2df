#include "cli/wave_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace wavepost::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

v1::Wave Running(int64_t delivered) {
  v1::Wave wave;
  wave.set_name("tenants/t/campaigns/c/waves/main");
  wave.set_state(v1::Wave::RUNNING);
  wave.mutable_counts()->set_accepted(20000);
  wave.mutable_counts()->set_delivered(delivered);
  wave.mutable_counts()->set_open(20000 - delivered);
  wave.mutable_counts()->set_deferrals(17);
  return wave;
}

TEST(WaveViewTest, ShowsShareSpeedAndEnd) {
  WaveView view;
  view.Update(Running(1000), absl::UnixEpoch());
  view.Update(Running(5000), absl::UnixEpoch() + absl::Seconds(4));
  const std::string live = view.Live(100);
  EXPECT_THAT(live, HasSubstr(" 25.0 %  5,000/20,000  1,000/s  ETA 0:15\n"));
  EXPECT_THAT(live, HasSubstr("delivered 5,000  bounced 0  open 15,000  deferrals 17"));
  EXPECT_THAT(live, Not(HasSubstr("expired")));
  EXPECT_THAT(view.Plain(), HasSubstr("main running  5,000/20,000 done"));
  const auto json = nlohmann::json::parse(view.JsonLine());
  EXPECT_EQ(json["delivered"], 5000);
  EXPECT_EQ(json["state"], "running");
  EXPECT_EQ(json["rate_per_s"], 1000.0);
  EXPECT_EQ(json["eta_s"], 15);
}

TEST(WaveViewTest, FitsANarrowTerminal) {
  WaveView view;
  view.Update(Running(1000), absl::UnixEpoch());
  const std::string live = view.Live(30);
  const size_t line_break = live.find('\n');
  EXPECT_LE(ColumnsOf(live.substr(0, line_break)), 30u);
  EXPECT_LE(ColumnsOf(live.substr(line_break + 1)), 30u);
}

TEST(WaveViewTest, OneMissingIsNotAHundredPercent) {
  WaveView view;
  view.Update(Running(19999), absl::UnixEpoch());
  EXPECT_THAT(view.Live(100), HasSubstr(" 99.9 %"));
}

TEST(WaveViewTest, EmptyWave) {
  WaveView view;
  view.Update(v1::Wave(), absl::UnixEpoch());
  EXPECT_THAT(view.Live(100), HasSubstr("0.0 %  0/0"));
}

}  // namespace
}  // namespace wavepost::cli
