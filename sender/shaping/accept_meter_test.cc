#include "sender/shaping/accept_meter.h"

#include <gtest/gtest.h>

#include "absl/time/time.h"

namespace wavepost {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'000'000);

void Send(AcceptMeter* meter, absl::Time from, absl::Duration every, int count) {
  for (int i = 0; i < count; ++i) meter->Count(from + i * every);
}

TEST(AcceptMeterTest, MeasuresASteadyRate) {
  for (const double rate : {0.5, 2.0, 20.0, 500.0}) {
    AcceptMeter meter;
    meter.Restart(kStart);
    const absl::Duration every = absl::Seconds(1 / rate);
    const int count = static_cast<int>(120 * rate);
    Send(&meter, kStart, every, count);
    const AcceptMeter::Use use = meter.Recent(kStart + absl::Minutes(2));
    EXPECT_NEAR(use.per_second(), rate, rate * 0.1) << rate;
    EXPECT_LE(use.seconds, 64) << rate;
  }
}

TEST(AcceptMeterTest, ForgetsWhatIsOld) {
  AcceptMeter meter;
  meter.Restart(kStart);
  Send(&meter, kStart, absl::Milliseconds(10), 1000);
  EXPECT_EQ(meter.Recent(kStart + absl::Seconds(10)).count, 1000);
  EXPECT_EQ(meter.Recent(kStart + absl::Seconds(75)).count, 0);
  Send(&meter, kStart + absl::Hours(1), absl::Milliseconds(10), 100);
  EXPECT_EQ(meter.Recent(kStart + absl::Hours(1) + absl::Seconds(1)).count, 100);
}

TEST(AcceptMeterTest, AGapIsEmpty) {
  AcceptMeter meter;
  meter.Restart(kStart);
  Send(&meter, kStart, absl::Seconds(4), 17);  // one in each slot
  meter.Count(kStart + absl::Seconds(100));
  // The last seconds of the old traffic are still in sight, nothing of what the gap's slots held before.
  EXPECT_NEAR(meter.Recent(kStart + absl::Seconds(100)).count, 7 + 1, 1);
}

TEST(AcceptMeterTest, QuickTrafficIsMeasuredOverSeconds) {
  AcceptMeter meter;
  meter.Restart(kStart);
  Send(&meter, kStart, absl::Milliseconds(100), 600);
  Send(&meter, kStart + absl::Seconds(60), absl::Milliseconds(50), 320);
  const AcceptMeter::Use use = meter.Recent(kStart + absl::Seconds(76));
  EXPECT_NEAR(use.per_second(), 20, 2.6);
  EXPECT_LE(use.seconds, 16);
}

TEST(AcceptMeterTest, ARestartBeginsAnew) {
  AcceptMeter meter;
  meter.Restart(kStart);
  Send(&meter, kStart, absl::Milliseconds(10), 100);
  meter.Restart(kStart + absl::Seconds(1));
  meter.Count(kStart + absl::Seconds(2));
  const AcceptMeter::Use use = meter.Recent(kStart + absl::Seconds(3));
  EXPECT_EQ(use.count, 1);
  EXPECT_EQ(use.seconds, 2);
  EXPECT_EQ(meter.Recent(kStart + absl::Seconds(1)).seconds, 0) << "and no division by it";
}

TEST(AcceptMeterTest, AClockThatGoesBackLosesNothing) {
  AcceptMeter meter;
  meter.Restart(kStart);
  meter.Count(kStart + absl::Seconds(30));
  meter.Count(kStart + absl::Seconds(10));
  EXPECT_EQ(meter.Recent(kStart + absl::Seconds(31)).count, 2);
}

}  // namespace
}  // namespace wavepost
