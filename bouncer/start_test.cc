#include "bouncer/start.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "bouncer/inbound/testing/self_signed.h"
#include "common/smtp/rule_book.h"

namespace wavepost {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class StartTest : public ::testing::Test {
 protected:
  StartTest() : path_(testing::TempDir() + "wavepost_start_" + std::to_string(::getpid())) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
    std::ofstream(path_ + "/keys") << "1 " << std::string(64, 'a') << "\n";
    std::ofstream(path_ + "/rubbish") << "rubbish";
    WriteSelfSigned(path_ + "/mx.pem", "mx.example");
    WriteSelfSigned(path_ + "/other.pem", "other.example");
    config_.token_keys = path_ + "/keys";
    config_.smtp_certificate = {path_ + "/mx.pem", path_ + "/mx.pem"};
    config_.unsubscribe.listen = "127.0.0.1:0";
    config_.unsubscribe.certificate = config_.unsubscribe.key = path_ + "/mx.pem";
    config_.tls = {path_ + "/mx.pem", path_ + "/mx.pem", path_ + "/mx.pem", true};
    config_.ingest_listen = "127.0.0.1:0";
  }
  ~StartTest() override { std::filesystem::remove_all(path_); }

  const std::string path_;
  BouncerConfig config_;
};

TEST_F(StartTest, ReadsEveryFile) {
  EXPECT_TRUE(CheckFiles(config_).ok()) << CheckFiles(config_);
  struct Row {
    const char* want;  // the key and the file
    std::function<void(BouncerConfig*)> spoil;
  };
  const std::string none = path_ + "/none";
  const std::string rubbish = path_ + "/rubbish";
  const std::string other = path_ + "/other.pem";
  const Row rows[] = {
      {"return_path.token_keys: PATH/none", [&](BouncerConfig* c) { c->token_keys = none; }},
      {"return_path.token_keys: PATH/rubbish", [&](BouncerConfig* c) { c->token_keys = rubbish; }},
      {"smtp_tls: PATH/none", [&](BouncerConfig* c) { c->smtp_certificate.certificate = none; }},
      {"smtp_tls: PATH/other.pem", [&](BouncerConfig* c) { c->smtp_certificate.key = other; }},
      {"unsubscribe.tls: PATH/none", [&](BouncerConfig* c) { c->unsubscribe.key = none; }},
      {"unsubscribe.tls: PATH/rubbish", [&](BouncerConfig* c) { c->unsubscribe.certificate = rubbish; }},
      {"tls: PATH/none", [&](BouncerConfig* c) { c->tls.certificate = none; }},
      {"tls: PATH/other.pem", [&](BouncerConfig* c) { c->tls.key = other; }},
      {"tls: PATH/rubbish", [&](BouncerConfig* c) { c->tls.authority = rubbish; }},
      {"tls: 192.0.2.1:7000",
       [&](BouncerConfig* c) {
         c->tls = {};
         c->coordinator = "192.0.2.1:7000";
       }},
  };
  for (const Row& row : rows) {
    BouncerConfig config = config_;
    row.spoil(&config);
    std::string want = row.want;
    if (const size_t at = want.find("PATH"); at != std::string::npos) want.replace(at, 4, path_);
    EXPECT_THAT(std::string(CheckFiles(config).message()), StartsWith(want));
  }
}

TEST_F(StartTest, DescriptorsForAllConnections) {
  config_.limits.connections_max = 1000;
  config_.unsubscribe.connections_max = 100;
  EXPECT_EQ(DescriptorsNeeded(config_), 1712u);
  EXPECT_TRUE(CheckDescriptors(config_, 1712).ok());
  const absl::Status few = CheckDescriptors(config_, 1711);
  EXPECT_EQ(few.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(few.message()), HasSubstr("need 1712 file descriptors, and there are 1711"));
  config_.unsubscribe.listen.clear();
  EXPECT_TRUE(CheckDescriptors(config_, 1612).ok());
}

// In a process of their own: limits and rules hold for all of it.
TEST_F(StartTest, RaisesTheLimitAsFarAsItMay) {
  const auto lower_and_raise = [] {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 100;
    setrlimit(RLIMIT_NOFILE, &limit);
    const uint64_t raised = RaiseDescriptorLimit();
    getrlimit(RLIMIT_NOFILE, &limit);
    std::_Exit(raised == limit.rlim_max && limit.rlim_cur == limit.rlim_max ? 0 : 1);
  };
  EXPECT_EXIT(lower_and_raise(), testing::ExitedWithCode(0), "");
}

TEST_F(StartTest, RulesStandInFrontOfOurs) {
  config_.rules = path_ + "/rules.yaml";
  std::ofstream(config_.rules) << "rules:\n- name: start-test\n  words: [\"start test says\"]\n"
                                  "  sample: {reply: \"550 start test says\"}\n";
  const auto use = [this] {
    const absl::Status used = UseRules(config_);
    std::_Exit(used.ok() && RuleBook::Active().rules().front().name == "start-test" ? 0 : 1);
  };
  EXPECT_EXIT(use(), testing::ExitedWithCode(0), "");
}

TEST_F(StartTest, BadRulesNameFileAndLine) {
  EXPECT_TRUE(UseRules(config_).ok());  // none
  config_.rules = path_ + "/none";
  EXPECT_THAT(std::string(UseRules(config_).message()), StartsWith("rules: " + path_ + "/none"));
  config_.rules = path_ + "/bad.yaml";
  std::ofstream(config_.rules) << "rules:\n- name: a\n  wrods: [x]\n";
  EXPECT_THAT(std::string(UseRules(config_).message()), StartsWith("rules: " + path_ + "/bad.yaml:3: rule a:"));
}

}  // namespace
}  // namespace wavepost
