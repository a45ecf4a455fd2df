#include "cli/format.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace wavepost::cli {
namespace {

TEST(FormatTest, WithCommas) {
  EXPECT_EQ(WithCommas(0), "0");
  EXPECT_EQ(WithCommas(999), "999");
  EXPECT_EQ(WithCommas(1000), "1,000");
  EXPECT_EQ(WithCommas(1234567), "1,234,567");
  EXPECT_EQ(WithCommas(-123456), "-123,456");
}

TEST(FormatTest, Share) {
  EXPECT_EQ(Share(1, 3), "33.3 %");
  EXPECT_EQ(Share(0, 0), "-");
}

TEST(FormatTest, ShortDuration) {
  EXPECT_EQ(ShortDuration(absl::Seconds(7)), "0:07");
  EXPECT_EQ(ShortDuration(absl::Milliseconds(59600)), "1:00");
  EXPECT_EQ(ShortDuration(absl::Seconds(3 * 3600 + 4 * 60 + 5)), "3:04:05");
  EXPECT_EQ(ShortDuration(absl::Hours(51)), "2d 03:00");
  EXPECT_EQ(ShortDuration(-absl::Seconds(5)), "0:00");
}

TEST(ProgressBarTest, Fills) {
  EXPECT_EQ(ProgressBar(0, 12), "[          ]");
  EXPECT_EQ(ProgressBar(0.5, 12), "[=====>    ]");
  EXPECT_EQ(ProgressBar(0.999, 12), "[=========>]");
  EXPECT_EQ(ProgressBar(1, 12), "[==========]");
}

TEST(ProgressBarTest, SurvivesNonsense) {
  EXPECT_EQ(ProgressBar(7, 5), "[===]");
  EXPECT_EQ(ProgressBar(-1, 5), "[   ]");
  EXPECT_EQ(ProgressBar(std::numeric_limits<double>::quiet_NaN(), 5), "[   ]");
  EXPECT_EQ(ProgressBar(0.5, 2), "");
}

TEST(TableTest, AlignsByCharactersNotBytes) {
  Table table;
  table.Column("name");
  table.Column("count", Table::Align::kRight);
  table.Row({"Jörg", "1"});
  table.Row({"x", "12,345"});
  table.Row({"cut short"});
  EXPECT_EQ(table.ToString("  "),
            "  name        count\n"
            "  Jörg            1\n"
            "  x          12,345\n"
            "  cut short\n");
}

TEST(RateMeterTest, NeedsTwoReadings) {
  RateMeter meter;
  EXPECT_FALSE(meter.PerSecond().has_value());
  meter.Add(absl::UnixEpoch(), 100);
  EXPECT_FALSE(meter.PerSecond().has_value());
  EXPECT_FALSE(meter.Eta(10).has_value());
  meter.Add(absl::UnixEpoch() + absl::Seconds(2), 300);
  EXPECT_DOUBLE_EQ(*meter.PerSecond(), 100);
  EXPECT_EQ(*meter.Eta(1000), absl::Seconds(10));
}

TEST(RateMeterTest, ForgetsWhatIsLongAgo) {
  RateMeter meter;
  absl::Time now = absl::UnixEpoch();
  int64_t done = 0;
  for (int i = 0; i < 60; ++i) meter.Add(now += absl::Seconds(1), done += 1000);
  for (int i = 0; i < 60; ++i) meter.Add(now += absl::Seconds(1), done += 10);
  EXPECT_NEAR(*meter.PerSecond(), 10, 0.01);
}

TEST(RateMeterTest, StandingStillHasNoEta) {
  RateMeter meter;
  meter.Add(absl::UnixEpoch(), 50);
  meter.Add(absl::UnixEpoch() + absl::Seconds(1), 49);  // a late report
  EXPECT_DOUBLE_EQ(*meter.PerSecond(), 0);
  EXPECT_FALSE(meter.Eta(10).has_value());
}

}  // namespace
}  // namespace wavepost::cli
