#include "bouncer/outbox/damaged.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "common/base/strings.h"

namespace wavepost {
namespace {

using cluster::v1::BounceReport;

// As an earlier version stored it: a text of 'caf' and one byte that is not UTF-8. Built by exchanging a letter, since
// no parser of today gives such a message.
std::string NotUtf8(BounceReport report, std::string_view letter) {
  std::string bytes = report.SerializeAsString();
  bytes.replace(bytes.find(letter), 1, "\xe9");
  return bytes;
}

BounceReport Full() {
  BounceReport report;
  report.set_sequence(7);
  report.set_recipient_id(0x1122334455667788);
  report.set_bounce_class(v1::HARD);
  report.mutable_status()->set_text("gone to the Zoo");
  report.mutable_status()->set_fault(v1::SENDER);
  report.mutable_time()->set_seconds(1'700'000'000);
  report.set_final_recipient("cafQ@example.com");
  report.set_source(BounceReport::INGEST);
  return report;
}

TEST(RescueRecordTest, KeepsAllOfARecordWhoseTextIsNotUtf8) {
  for (const std::string_view letter : {"Q", "Z"}) {
    const std::string bytes = NotUtf8(Full(), letter);
    EXPECT_FALSE(BounceReport().ParseFromString(bytes));
    const BounceReport report = RescueRecord(bytes);
    EXPECT_EQ(report.recipient_id(), 0x1122334455667788u);
    EXPECT_EQ(report.bounce_class(), v1::HARD);
    EXPECT_EQ(report.status().fault(), v1::SENDER);  // it must not look as if it blamed the address
    EXPECT_EQ(report.time().seconds(), 1'700'000'000);
    EXPECT_EQ(report.source(), BounceReport::INGEST);
    EXPECT_TRUE(IsUtf8(report.status().text()));
    EXPECT_TRUE(IsUtf8(report.final_recipient()));
    EXPECT_TRUE(BounceReport().ParseFromString(report.SerializeAsString()));
  }
}

TEST(RescueRecordTest, KeepsRowsOfAnAggregateReport) {
  BounceReport full;
  full.mutable_dmarc()->set_domain("Q.example");
  full.mutable_dmarc()->add_rows()->set_source_ip("192.0.2.1");
  full.mutable_dmarc()->add_rows()->set_source_ip("192.0.2.2");
  const BounceReport report = RescueRecord(NotUtf8(full, "Q"));
  ASSERT_EQ(report.dmarc().rows_size(), 2);
  EXPECT_EQ(report.dmarc().rows(1).source_ip(), "192.0.2.2");
  EXPECT_EQ(report.status().text(), "");
}

TEST(RescueRecordTest, KeepsWhatStandsBeforeTheDamage) {
  const std::string whole = Full().SerializeAsString();
  const BounceReport report = RescueRecord(std::string_view(whole).substr(0, 14));
  EXPECT_EQ(report.recipient_id(), 0x1122334455667788u);
  EXPECT_EQ(report.bounce_class(), v1::HARD);
  for (size_t length = 0; length <= whole.size(); ++length) {
    EXPECT_TRUE(BounceReport().ParseFromString(RescueRecord(whole.substr(0, length)).SerializeAsString()));
  }
}

TEST(RescueRecordTest, SaysThatNothingCouldBeRead) {
  for (const std::string_view bytes : {"", "\xff\xff\xff",
                                       "\x12\x03"
                                       "abc"}) {  // field 2 as a text
    const BounceReport report = RescueRecord(bytes);
    EXPECT_EQ(report.recipient_id(), 0u);
    EXPECT_NE(report.status().text(), "");
  }
}

}  // namespace
}  // namespace wavepost
