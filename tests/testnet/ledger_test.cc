#include "tests/testnet/ledger.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

namespace wavepost::testnet {
namespace {

LedgerEntry Entry() {
  return {.time = absl::FromUnixMicros(1'700'000'000'123'456),
          .event = "accepted",
          .phase = "after_dot",
          .client_ip = "127.0.0.11",
          .ehlo = "s-0.example",
          .mail_from = "b+t@r.example",
          .rcpt_to = "anna@a.example",
          .message_id = "t@r.example",
          .code = 250,
          .reply = "2.0.0 Ok",
          .domain = "a.example",
          .dkim = "pass",
          .tls = true,
          .size = 10};
}

TEST(Ledger, OneLineOfJson) {
  EXPECT_EQ(ToJsonLine(Entry()),
            "{\"time\":\"2023-11-14T22:13:20.123456Z\",\"event\":\"accepted\",\"phase\":\"after_dot\","
            "\"client_ip\":\"127.0.0.11\",\"ehlo\":\"s-0.example\",\"mail_from\":\"b+t@r.example\","
            "\"rcpt_to\":\"anna@a.example\",\"message_id\":\"t@r.example\",\"code\":250,\"reply\":\"2.0.0 Ok\","
            "\"domain\":\"a.example\",\"dkim\":\"pass\",\"tls\":true,\"size\":10}\n");
}

TEST(Ledger, ForeignBytesCannotBreakTheLine) {
  LedgerEntry entry = Entry();
  entry.rcpt_to = "\"a\\b\"\n\x01@\xff.example";
  const std::string line = ToJsonLine(entry);
  EXPECT_NE(line.find("\"rcpt_to\":\"\\\"a\\\\b\\\""), std::string::npos) << line;
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_EQ(line.find('\x01'), std::string::npos);
  EXPECT_EQ(line.find('\xff'), std::string::npos);
}

TEST(Ledger, AppendsToTheFile) {
  const std::string path = testing::TempDir() + "/testnet_ledger_test.jsonl";
  std::remove(path.c_str());
  for (int i = 0; i < 2; ++i) {
    auto ledger = Ledger::Open(path, false);
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    EXPECT_TRUE((*ledger)->Write(Entry()).ok());
  }
  std::ifstream in(path);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  EXPECT_EQ(text, ToJsonLine(Entry()) + ToJsonLine(Entry()));
  std::remove(path.c_str());
}

TEST(Ledger, SaysWhenItCannotWrite) {
  EXPECT_FALSE(Ledger::Open("/nonexistent/ledger", false).ok());
  auto ledger = Ledger::Open("/dev/full", false);
  ASSERT_TRUE(ledger.ok()) << ledger.status();
  EXPECT_FALSE((*ledger)->Write(Entry()).ok());
  EXPECT_EQ((*ledger)->lines(), 0u);
}

TEST(Ledger, DiscardWritesNothing) {
  auto ledger = Ledger::Open("/nonexistent/ledger", true);
  ASSERT_TRUE(ledger.ok()) << ledger.status();
  EXPECT_TRUE((*ledger)->Write(Entry()).ok());
  EXPECT_EQ((*ledger)->lines(), 1u);
}

}  // namespace
}  // namespace wavepost::testnet
