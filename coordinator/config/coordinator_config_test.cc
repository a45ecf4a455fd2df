#include "coordinator/config/coordinator_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace wavepost {
namespace {

using testing::HasSubstr;

class CoordinatorConfigTest : public testing::Test {
 protected:
  CoordinatorConfigTest() : dir_(testing::TempDir()) {
    Write("keys", "1 " + std::string(64, 'a') + "\n");
    Write("operators", "# ops\n0123456789abcdef\n");
    Write("short", "1234\n");
    Write("empty", "\n");
  }

  void Write(const std::string& name, const std::string& text) {
    std::ofstream(dir_ + "coordinator_config_" + name) << text;
  }

  // "@name" in the text stands for the file written above.
  absl::StatusOr<CoordinatorConfig> Read(const std::string& text) {
    auto file = ConfigFile::Parse(absl::StrReplaceAll(text, {{"@", dir_ + "coordinator_config_"}}), "c.yaml");
    if (!file.ok()) return file.status();
    return CoordinatorConfig::FromFile(*file);
  }

  const std::string dir_;
};

constexpr char kReturnPath[] = "return_path: {domain: Bounce.Example, token_keys: \"@keys\"}\n";

TEST_F(CoordinatorConfigTest, DefaultsAreThoseOfTheManual) {
  const auto config = Read(kReturnPath);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->listen, "127.0.0.1:7000");
  EXPECT_EQ(config->data_dir, "./var/coordinator");
  EXPECT_EQ(config->lease, absl::Hours(1));
  EXPECT_EQ(config->return_path_domain, "bounce.example");
  EXPECT_EQ(config->message_id_domain, "bounce.example");
  EXPECT_TRUE(config->operator_key_sha256.empty());
  EXPECT_NE(config->token_keys.Find(1), nullptr);
}

TEST_F(CoordinatorConfigTest, OperatorKeysAreHashed) {
  const auto config =
      Read(absl::StrCat(kReturnPath, "auth: {operator_key_file: \"@operators\"}\nlisten: 0.0.0.0:7000\n"));
  ASSERT_TRUE(config.ok()) << config.status();
  ASSERT_EQ(config->operator_key_sha256.size(), 1u);
  EXPECT_EQ(config->operator_key_sha256[0].size(), 32u);
}

struct BadRow {
  const char* name;
  std::string text;
  std::string want;
};

class BadConfigTest : public CoordinatorConfigTest, public testing::WithParamInterface<BadRow> {};

TEST_P(BadConfigTest, NamesTheKeyAndTheCure) {
  const auto config = Read(GetParam().text);
  ASSERT_FALSE(config.ok());
  EXPECT_THAT(std::string(config.status().message()), HasSubstr(GetParam().want));
}

INSTANTIATE_TEST_SUITE_P(
    Rows, BadConfigTest,
    testing::Values(
        BadRow{"NoReturnPath", "listen: 127.0.0.1:1\n", "return_path: is required"},
        BadRow{"NoTokenKeys", "return_path: {domain: bounce.example}\n", "return_path.token_keys"},
        BadRow{"MissingKeyFile", "return_path:\n  domain: bounce.example\n  token_keys: \"@none\"\n",
               "openssl rand -hex 32"},
        BadRow{"MissingKeyFileLine", "return_path:\n  domain: bounce.example\n  token_keys: \"@none\"\n", "c.yaml:3:"},
        BadRow{"BadDomain", "return_path: {domain: \"no domain\", token_keys: \"@keys\"}\n", "return_path.domain"},
        BadRow{"UnknownKey", std::string(kReturnPath) + "lisen: x\n", "c.yaml:2: lisen: unknown key"},
        BadRow{"OpenWithoutKeys", std::string(kReturnPath) + "listen: 0.0.0.0:7000\n", "auth.operator_key_file"},
        BadRow{"ShortOperatorKey", std::string(kReturnPath) + "auth: {operator_key_file: \"@short\"}\n", "short:1:"},
        BadRow{"NoOperatorKey", std::string(kReturnPath) + "auth: {operator_key_file: \"@empty\"}\n", "has no key"},
        BadRow{"NoOperatorFile", std::string(kReturnPath) + "auth: {operator_key_file: \"@none\"}\n", "openssl rand"},
        BadRow{"TlsWithoutAuthority", std::string(kReturnPath) + "tls: {certificate: a, key: b}\n", "authority"},
        BadRow{"TinyLease", std::string(kReturnPath) + "lease: 1s\n", "lease"}),
    [](const auto& row) { return row.param.name; });

TEST_F(CoordinatorConfigTest, AddressesForReports) {
  // \x40 is the at sign, which stands for files in these texts.
  auto config = Read(kReturnPath);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->dmarc_reports, "dmarc@bounce.example");
  EXPECT_EQ(config->tls_reports, "tlsrpt@bounce.example");
  config = Read(absl::StrCat(kReturnPath, "reports: {address: \"a\\x40Reports.example\", tls_address: none}\n"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->dmarc_reports, "a@reports.example");
  EXPECT_EQ(config->tls_reports, "");
  for (const char* bad : {"nobody", "\"a!10m\\x40b.example\"", "\"a\\x40b.example, c\\x40d.example\""}) {
    config = Read(absl::StrCat(kReturnPath, "reports: {address: ", bad, "}\n"));
    EXPECT_FALSE(config.ok()) << bad;
  }
}

}  // namespace
}  // namespace wavepost
