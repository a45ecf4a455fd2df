// Runs the whole program in this process against a fake coordinator.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/app.h"
#include "cli/fake_server.h"
#include "common/base/clock.h"

namespace wavepost::cli {

class CommandFixture : public testing::Test {
 protected:
  CommandFixture() {
    folder_ = testing::TempDir() + "cli_" + testing::UnitTest::GetInstance()->current_test_info()->test_suite_name() +
              "_" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~CommandFixture() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name), std::ios::binary) << text;
  }
  static std::string Read(const std::string& path) {
    std::stringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }

  int Wavepost(std::vector<std::string> args) {
    out_.str("");
    err_.str("");
    in_.clear();
    in_.str(typed);
    slept = absl::ZeroDuration();
    Env env;
    env.out = &out_;
    env.err = &err_;
    env.in = &in_;
    env.in_is_terminal = env.err_is_terminal = terminal;
    env.out_is_terminal = terminal && out_is_terminal;
    env.columns = columns;
    env.clock = &clock;
    env.nonce = absl::StrCat("nonce-", ++runs_);
    env.sleep = [this](absl::Duration d) {
      clock.Advance(d);
      slept += d;
    };
    if (terminal) {
      env.ask_secret = [this](std::string_view prompt) -> std::optional<std::string> {
        err_ << prompt << "\n";
        return secret;
      };
    }
    args.insert(args.begin(), {"--server", server.address()});
    return cli::Run(args, env);
  }
  std::string out() const { return out_.str(); }
  std::string err() const { return err_.str(); }

  FakeServer server;
  ManualClock clock{absl::FromUnixSeconds(1'800'000'000)};
  bool terminal = false;
  bool out_is_terminal = true;
  size_t columns = 80;
  std::string typed;                  // on the terminal
  std::optional<std::string> secret;  // likewise, without echo
  absl::Duration slept;               // in the last run

 private:
  std::string folder_;
  int runs_ = 0;
  std::ostringstream out_, err_;
  std::istringstream in_;
};

}  // namespace wavepost::cli
