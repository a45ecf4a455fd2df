#include "bouncer/aggregate/fields.h"

#include <gtest/gtest.h>

#include <vector>

namespace wavepost {
namespace {

TEST(ReportFieldsTest, Addresses) {
  const std::vector<std::pair<std::string, std::optional<std::string>>> rows = {
      {"192.0.2.1", "192.0.2.1"},
      {" 192.0.2.1\n", "192.0.2.1"},
      {"2001:DB8:0:0::1", "2001:db8::1"},
      {"::ffff:192.0.2.1", "192.0.2.1"},
      {"192.0.2.256", std::nullopt},
      {"192.0.2.1/24", std::nullopt},
      {"192.0.2.001", std::nullopt},
      {"fe80::1%eth0", std::nullopt},
      {"mail.example", std::nullopt},
      {"", std::nullopt},
      {std::string("192.0.2.1\0x", 11), "192.0.2.1"},
  };
  for (const auto& [text, want] : rows) EXPECT_EQ(ReportIp(text), want) << text;
}

TEST(ReportFieldsTest, Counts) {
  const std::vector<std::pair<std::string, std::optional<int64_t>>> rows = {
      {"0", 0},
      {"17", 17},
      {" 17 ", 17},
      {"17.0", 17},
      {"1000000000", 1000000000},
      {"1000000001", {}},
      {"-1", {}},
      {"+1", {}},
      {"99999999999999999999", {}},
      {"", {}},
      {"1e3", {}},
      {"0x10", {}},
      {"many", {}},
      {".5", {}},
  };
  for (const auto& [text, want] : rows) EXPECT_EQ(ReportCount(text), want) << text;
}

TEST(ReportFieldsTest, Domains) {
  const std::vector<std::pair<std::string, std::optional<std::string>>> rows = {
      {"Example.COM.", "example.com"},
      {" example.com ", "example.com"},
      {"b\xC3\xBC"  // bü
       "cher.example",
       "xn--bcher-kva.example"},
      {"localhost", std::nullopt},
      {"", std::nullopt},
      {"a b.example", std::nullopt},
      {"jane@example.com", std::nullopt},
      {std::string(5000, 'a') + ".example", std::nullopt},
  };
  for (const auto& [text, want] : rows) EXPECT_EQ(ReportDomain(text), want) << text;
}

TEST(ReportFieldsTest, Times) {
  const std::vector<std::pair<std::string, std::optional<int64_t>>> rows = {
      {"1700000000", 1700000000},
      {"1700000000.25", 1700000000},
      {"2023-11-14T22:13:20Z", 1700000000},
      {"2023-11-15T00:13:20+02:00", 1700000000},
      {"2023-11-14T22:13:20.5Z", 1700000000},
      {"2023-11-14T22:13:20", 1700000000},
      {"2023-11-14 22:13:20", 1700000000},
      {"1700000000000", std::nullopt},  // milliseconds
      {"0", std::nullopt},
      {"-1", std::nullopt},
      {"", std::nullopt},
      {"infinite-future", std::nullopt},
      {"yesterday", std::nullopt},
      {"2123-11-14T22:13:20Z", std::nullopt},
  };
  for (const auto& [text, want] : rows) {
    const auto got = ReportTime(text);
    ASSERT_EQ(got.has_value(), want.has_value()) << text;
    if (want.has_value()) {
      EXPECT_EQ(absl::ToUnixSeconds(*got), *want) << text;
    }
  }
}

TEST(ReportFieldsTest, Texts) {
  EXPECT_EQ(ReportText("  google.com\n"), "google.com");
  EXPECT_EQ(ReportText(std::string("a\x1B[31m\0b", 8)), "a [31m b");
  EXPECT_EQ(ReportText(std::string(5000, 'x')).size(), kReportTextBytesMax);
  EXPECT_EQ(ReportWord(" PASS "), "pass");
}

}  // namespace
}  // namespace wavepost
