#include "sender/link/report_window.h"

#include <gtest/gtest.h>

namespace wavepost {
namespace {

TEST(ReportWindowTest, FillsAndEmpties) {
  ReportWindow window;
  for (int64_t last : {10, 20, 30, 40}) {
    EXPECT_TRUE(window.HasRoom());
    window.OnSent(last);
  }
  EXPECT_FALSE(window.HasRoom());
  EXPECT_TRUE(window.OnAcknowledged(20));
  EXPECT_TRUE(window.HasRoom());
  EXPECT_EQ(window.sent_through(), 40);
}

TEST(ReportWindowTest, ANewStreamSendsAgainWhatWasNotAcknowledged) {
  ReportWindow window;
  window.OnSent(10);
  window.OnSent(20);
  window.OnAcknowledged(10);
  window.Restart();
  EXPECT_EQ(window.sent_through(), 10);
  EXPECT_TRUE(window.HasRoom());
}

TEST(ReportWindowTest, AcknowledgementsOfWhatWasNotSentForgetNothing) {
  ReportWindow window;
  window.OnSent(10);
  EXPECT_FALSE(window.OnAcknowledged(11));
  EXPECT_EQ(window.acknowledged_through(), 0);
  EXPECT_TRUE(window.OnAcknowledged(10));
  EXPECT_FALSE(window.OnAcknowledged(10)) << "a repeat is nothing new";
  EXPECT_FALSE(window.OnAcknowledged(5));
}

}  // namespace
}  // namespace wavepost
