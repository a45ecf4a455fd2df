#include "bouncer/aggregate/dmarc_rows.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace wavepost {
namespace {

v1::DmarcRow RowOf(std::string ip, int64_t count, std::string envelope_from = "", std::string header_from = "") {
  v1::DmarcRow row;
  row.set_source_ip(std::move(ip));
  row.set_count(count);
  row.set_disposition("none");
  row.set_envelope_from(std::move(envelope_from));
  row.set_header_from(std::move(header_from));
  return row;
}

std::string Ip(int i) {
  return absl::StrCat("2001:db8:aaaa:bbbb:cccc:dddd:", i / 256, ":", i % 256);
}

int64_t Sum(const v1::DmarcReport& report) {
  int64_t sum = 0;
  for (const v1::DmarcRow& row : report.rows()) sum += row.count();
  return sum;
}

TEST(DmarcRowsTest, EqualRowsBecomeOne) {
  DmarcRows rows;
  rows.Add(RowOf("192.0.2.1", 3));
  rows.Add(RowOf("192.0.2.2", 5));
  rows.Add(RowOf("192.0.2.1", 4));
  v1::DmarcRow other = RowOf("192.0.2.1", 1);
  other.set_dkim_aligned(true);
  rows.Add(other);
  v1::DmarcReport report;
  rows.MoveTo(&report);
  ASSERT_EQ(report.rows_size(), 3);
  EXPECT_EQ(report.rows(0).count(), 7);
  EXPECT_EQ(report.rows(1).source_ip(), "192.0.2.2");
  EXPECT_TRUE(report.rows(2).dkim_aligned());
  EXPECT_FALSE(report.incomplete());
}

TEST(DmarcRowsTest, TenThousandAreEnough) {
  DmarcRows rows;
  for (int i = 0; i < static_cast<int>(kDmarcRowsMax); ++i)
    rows.Add(RowOf(absl::StrCat("10.0.", i / 256, ".", i % 256), 1));
  rows.Add(RowOf("10.0.0.0", 1));
  v1::DmarcReport report;
  DmarcRows same = rows;
  same.MoveTo(&report);
  EXPECT_FALSE(report.incomplete());
  EXPECT_EQ(Sum(report), 10'001);

  rows.Add(RowOf("192.0.2.1", 1));
  v1::DmarcReport cut;
  rows.MoveTo(&cut);
  EXPECT_TRUE(cut.incomplete());
  EXPECT_EQ(cut.rows_size(), static_cast<int>(kDmarcRowsMax));
}

TEST(DmarcRowsTest, LeavesOutDetailsBeforeMessages) {
  DmarcRows rows;
  for (int i = 0; i < 10'000; ++i) {
    rows.Add(RowOf(Ip(i / 10), 1, absl::StrCat("b", i, ".", std::string(60, 'e'), ".example"), "example.com"));
  }
  v1::DmarcReport report;
  rows.MoveTo(&report);
  EXPECT_LE(report.ByteSizeLong(), kAggregateBytesMax);
  EXPECT_FALSE(report.incomplete());
  EXPECT_EQ(report.rows_size(), 1000);
  EXPECT_EQ(Sum(report), 10'000);
  EXPECT_EQ(report.rows(0).envelope_from(), "");
  EXPECT_EQ(report.rows(0).header_from(), "example.com");
}

TEST(DmarcRowsTest, LeavesOutHeaderFromNext) {
  DmarcRows rows;
  for (int i = 0; i < 10'000; ++i) {
    rows.Add(RowOf(Ip(i / 2), 1, "",
                   absl::StrCat("h", i, ".", std::string(60, 'h'), ".", std::string(40, 'h'), ".example")));
  }
  v1::DmarcReport report;
  rows.MoveTo(&report);
  EXPECT_LE(report.ByteSizeLong(), kAggregateBytesMax);
  EXPECT_FALSE(report.incomplete());
  EXPECT_EQ(report.rows_size(), 5000);
  EXPECT_EQ(Sum(report), 10'000);
}

TEST(DmarcRowsTest, DropsTheSmallestLast) {
  DmarcRows rows;
  // Longer than any address can be, so that nothing else helps.
  for (int i = 0; i < 10'000; ++i) rows.Add(RowOf(absl::StrCat(std::string(100, 'x'), i), i + 1));
  v1::DmarcReport report;
  rows.MoveTo(&report);
  EXPECT_LE(report.ByteSizeLong(), kAggregateBytesMax);
  EXPECT_GT(report.ByteSizeLong(), kAggregateBytesMax * 9 / 10);
  EXPECT_TRUE(report.incomplete());
  EXPECT_EQ(report.rows(report.rows_size() - 1).count(), 10'000);
  EXPECT_EQ(report.rows(0).count(), 10'000 - report.rows_size() + 1);
}

}  // namespace
}  // namespace wavepost
