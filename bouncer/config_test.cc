#include "bouncer/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace wavepost {
namespace {

using ::testing::HasSubstr;

absl::StatusOr<BouncerConfig> Read(const std::string& text) {
  auto file = ConfigFile::Parse(text, "bouncer.yaml");
  if (!file.ok()) return file.status();
  return ReadBouncerConfig(*file);
}

constexpr char kSmallest[] =
    "data_dir: d\nlisten: [\"127.0.0.1:2526\"]\nreturn_path: {domain: Bounce.Example, token_keys: keys}\n";

TEST(BouncerConfigTest, Defaults) {
  const auto config = Read(kSmallest);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->node_id, "bouncer-0");
  EXPECT_EQ(config->return_path_domain, "bounce.example");
  EXPECT_EQ(config->hostname, "bounce.example");
  EXPECT_EQ(config->coordinator, "127.0.0.1:7000");
  EXPECT_EQ(config->status_listen, "");
  EXPECT_EQ(config->limits.message_bytes_max, 10 << 20);
  EXPECT_EQ(config->limits.recipients_max, 100u);
}

TEST(BouncerConfigTest, EveryKey) {
  const auto config = Read(
      "node_id: bouncer-3\ndata_dir: d\nlisten: [\"127.0.0.1:2526\", \"[::1]:2526\"]\nhostname: mx.example\n"
      "return_path: {domain: b.example, token_keys: k}\ncoordinator: c.example:7000\n"
      "tls: {certificate: c, key: k, authority: a}\nstatus_listen: 127.0.0.1:0\n"
      "limits: {message_bytes: 100000, memory_bytes: 5000000, recipients_per_message: 7, connections: 8, "
      "connections_per_client: 9, errors_per_connection: 10, command_timeout: 11s, data_timeout: 12s, "
      "message_timeout: 13s, drain_timeout: 14s}\n"
      "unsubscribe: {listen: \"[::1]:80\", connections: 19, connections_per_client: 20, tls: {certificate: uc, key: "
      "uk}}\n"
      "ingest_listen: 127.0.0.1:21\nmetrics_listen: 127.0.0.1:22\n"
      "rules: own.yaml\noutbox: {records: 15}\nfeed: {backoff_min: 16ms, backoff_max: 17s, acknowledge_timeout: "
      "18s}\n");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->listen.size(), 2u);
  EXPECT_EQ(config->hostname, "mx.example");
  EXPECT_EQ(config->tls.certificate, "c");
  EXPECT_EQ(config->limits.connections_per_client_max, 9u);
  EXPECT_EQ(config->limits.drain_timeout, absl::Seconds(14));
  EXPECT_EQ(config->outbox_records_max, 15);
  EXPECT_EQ(config->rules, "own.yaml");
  EXPECT_EQ(config->unsubscribe.listen, "[::1]:80");
  EXPECT_EQ(config->unsubscribe.connections_max, 19u);
  EXPECT_EQ(config->unsubscribe.connections_per_address_max, 20u);
  EXPECT_EQ(config->unsubscribe.certificate, "uc");
  EXPECT_EQ(config->unsubscribe.key, "uk");
  EXPECT_EQ(config->ingest_listen, "127.0.0.1:21");
  EXPECT_EQ(config->metrics_listen, "127.0.0.1:22");
  EXPECT_EQ(config->feed_backoff_min, absl::Milliseconds(16));
  EXPECT_EQ(config->acknowledge_timeout, absl::Seconds(18));
}

struct Row {
  std::string name;
  std::string text;
  std::string want;  // in the message
};

class BouncerConfigErrors : public ::testing::TestWithParam<Row> {};

TEST_P(BouncerConfigErrors, NameTheKey) {
  const auto config = Read(GetParam().text);
  ASSERT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(config.status().message()), HasSubstr(GetParam().want));
}

INSTANTIATE_TEST_SUITE_P(
    Rows, BouncerConfigErrors,
    ::testing::Values(
        Row{"UnknownKey", std::string(kSmallest) + "lisen: x\n", "bouncer.yaml:4: lisen"},
        Row{"NoDataDir", "listen: [\"127.0.0.1:1\"]\nreturn_path: {domain: b.example, token_keys: k}\n", "data_dir"},
        Row{"NoListen", "data_dir: d\nreturn_path: {domain: b.example, token_keys: k}\n", "listen"},
        Row{"NoReturnPath", "data_dir: d\nlisten: [\"127.0.0.1:1\"]\n", "return_path: is required"},
        Row{"BadDomain", "data_dir: d\nlisten: [\"127.0.0.1:1\"]\nreturn_path: {domain: 'a b', token_keys: k}\n",
            "return_path.domain"},
        Row{"BadNodeId", std::string(kSmallest) + "node_id: Bouncer_1\n", "node_id"},
        Row{"BadNumber", std::string(kSmallest) + "limits: {connections: 0}\n", "limits.connections"},
        Row{"MessageLargerThanAQuarter",
            std::string(kSmallest) + "limits: {message_bytes: 2000001, memory_bytes: 8000000}\n",
            "bouncer.yaml:4: limits.message_bytes: must be at most a quarter of memory_bytes (2000000), is 2000001"},
        Row{"MemoryForNoMessage", std::string(kSmallest) + "limits: {memory_bytes: 8000000}\n",
            "limits.message_bytes: must be at most a quarter"},
        Row{"BadDuration", std::string(kSmallest) + "limits: {command_timeout: soon}\n", "limits.command_timeout"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace wavepost
