#include "sender/app/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace wavepost {
namespace {

absl::StatusOr<SenderConfig> Load(const std::string& text) {
  const std::string path = testing::TempDir() + "sender_config_" + std::to_string(::getpid()) + ".yaml";
  std::ofstream(path) << text;
  auto config = LoadSenderConfig(path);
  ::unlink(path.c_str());
  return config;
}

TEST(SenderConfigTest, SmallestFile) {
  auto config = Load("egress_ips: [{address: 127.0.0.11, ehlo_name: out1.example}]\n");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->delivery.smtp_port, 25);
  EXPECT_FALSE(config->delivery.allow_private_mx);
  EXPECT_EQ(config->link.egress_ips[0].pool(), "default");
  EXPECT_EQ(config->delivery.timeouts.end_of_data, absl::Minutes(10));
}

TEST(SenderConfigTest, ProblemsAreNamed) {
  auto config = Load("egress_ips: [{address: nowhere, ehlo_name: x}]\nsmpt: {port: 25}\nqueue_max: none\n");
  ASSERT_FALSE(config.ok());
  const std::string message(config.status().message());
  EXPECT_THAT(message, testing::HasSubstr("yaml:1: egress_ips[0].address: is not an IP address"));
  EXPECT_THAT(message, testing::HasSubstr("yaml:2: smpt: unknown key"));
  EXPECT_THAT(message, testing::HasSubstr("yaml:3: queue_max: must be a whole number"));
}

TEST(SenderConfigTest, RoutesWarmUpAndCeilings) {
  auto config = Load(
      "egress_ips:\n"
      "- {address: 192.0.2.1, ehlo_name: a, socks5: {address: '127.0.0.1:1080', user: u, password: p}}\n"
      "- {address: 192.0.2.2, ehlo_name: b, proxy: {address: '[::1]:2525'}, warm_up: {start: 2026-11-22, caps: [10, "
      "20]}}\n"
      "- {address: 192.0.2.3, ehlo_name: c, warm_up: {start: 2026-11-22, overflow: true}}\n"
      "sites: {connections: 3, connections_per_minute: 0}\n"
      "ceilings: {tenants: {acme: 2.5}}\n");
  ASSERT_TRUE(config.ok()) << config.status();
  const auto& egress = config->delivery.egress;
  EXPECT_EQ(egress[0].route.socks5->port, 1080);
  EXPECT_EQ(egress[1].route.proxy->host.to_string(), "::1");
  EXPECT_EQ(egress[1].warm_up->caps, (std::vector<int64_t>{10, 20}));
  EXPECT_EQ(egress[2].warm_up->caps, WarmUpPlan::BuiltInCaps());
  EXPECT_TRUE(config->link.egress_ips[2].warm_up().overflow());
  EXPECT_EQ(config->delivery.connections_per_minute, SiteLimits::kUnlimited);
  EXPECT_EQ(config->delivery.messages_per_second, std::nullopt);
  EXPECT_EQ(config->delivery.tenant_rates.at("acme"), 2.5);
}

TEST(SenderConfigTest, BadRoutesAreNamed) {
  auto config = Load(
      "egress_ips:\n"
      "- {address: 192.0.2.1, ehlo_name: a, socks5: {address: proxy.example}}\n"
      "- {address: 192.0.2.2, ehlo_name: b, warm_up: {start: tomorrow, caps: [20, 10]}}\n");
  ASSERT_FALSE(config.ok());
  const std::string message(config.status().message());
  EXPECT_THAT(message, testing::HasSubstr("yaml:2: egress_ips[0].socks5.address: must be IP:PORT"));
  EXPECT_THAT(message, testing::HasSubstr("warm_up.start: must be a date"));
  EXPECT_THAT(message, testing::HasSubstr("warm_up.caps: must be whole numbers"));
}

TEST(SenderConfigTest, EgressIsRequiredAndUnique) {
  EXPECT_THAT(std::string(Load("node_id: a\n").status().message()), testing::HasSubstr("at least one egress IP"));
  EXPECT_THAT(
      std::string(Load("egress_ips:\n- {address: 127.0.0.1, ehlo_name: a}\n- {address: 127.0.0.1, ehlo_name: b}\n")
                      .status()
                      .message()),
      testing::HasSubstr("listed twice"));
}

}  // namespace
}  // namespace wavepost
