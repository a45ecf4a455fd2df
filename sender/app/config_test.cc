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
