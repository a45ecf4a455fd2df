#include "bouncer/inbound/intake.h"

#include <gtest/gtest.h>

namespace wavepost {
namespace {

constexpr char kReport[] =
    "Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n\r\n--x\r\n"
    "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.com\r\n\r\n"
    "Final-Recipient: rfc822; somebody.else@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    "Diagnostic-Code: smtp; 550 5.1.1 unknown user\r\n\r\n--x--\r\n";

TEST(IntakeTest, TheTokenNamesTheRecipient) {
  const absl::Time now = absl::FromUnixMicros(1'777'968'001'000'250);
  const auto reports = MakeBounceReports(kReport, {{1, 2}, {3, 4}}, {}, now);
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(RecipientId::FromPacked(reports[0].recipient_id()), (RecipientId{1, 2}));
  EXPECT_EQ(RecipientId::FromPacked(reports[1].recipient_id()), (RecipientId{3, 4}));
  EXPECT_EQ(reports[0].bounce_class(), v1::HARD);
  EXPECT_EQ(reports[0].status().phase(), "report");
  EXPECT_EQ(reports[0].status().mx_host(), "mx.example.com");
  EXPECT_EQ(reports[0].final_recipient(), "somebody.else@example.com");
  EXPECT_EQ(reports[0].time().seconds(), 1'777'968'001);
  EXPECT_EQ(reports[0].time().nanos(), 250'000);
  EXPECT_EQ(reports[0].sequence(), 0);
}

TEST(IntakeTest, WhatIsNoReportIsRecordedToo) {
  const auto reports = MakeBounceReports("Subject: hello\r\n\r\nhello\r\n", {{1, 2}}, {}, absl::UnixEpoch());
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].bounce_class(), v1::NOT_A_BOUNCE);
  EXPECT_EQ(MakeBounceReports("", {{1, 2}}, {}, absl::UnixEpoch()).size(), 1u);
}

TEST(IntakeTest, WhoUnsubscribesDoesWhateverTheMessageSays) {
  const auto reports = MakeBounceReports(kReport, {{1, 2}}, {{3, 4}}, absl::UnixEpoch());
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[0].bounce_class(), v1::HARD);
  EXPECT_EQ(RecipientId::FromPacked(reports[1].recipient_id()), (RecipientId{3, 4}));
  EXPECT_EQ(reports[1].bounce_class(), v1::UNSUBSCRIBE);
  EXPECT_TRUE(reports[1].final_recipient().empty());
}

TEST(IntakeTest, NobodyToRecord) {
  EXPECT_TRUE(MakeBounceReports(kReport, {}, {}, absl::UnixEpoch()).empty());
}

}  // namespace
}  // namespace wavepost
