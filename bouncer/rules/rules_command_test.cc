#include "bouncer/rules/rules_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

namespace wavepost {
namespace {

std::string Output(const RulesOptions& options, absl::Status* status) {
  std::FILE* out = std::tmpfile();
  *status = RunRulesCommand(options, out);
  std::string text(static_cast<size_t>(std::ftell(out)), '\0');
  std::rewind(out);
  text.resize(std::fread(text.data(), 1, text.size(), out));
  std::fclose(out);
  return text;
}

std::string TempFile(const std::string& name, const std::string& text) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / name;
  std::ofstream(path) << text;
  return path.string();
}

TEST(RulesCommand, ListsRulesAndFormatsAndFindsThemSound) {
  absl::Status status;
  const std::string text = Output({}, &status);
  EXPECT_TRUE(status.ok()) << status << "\n" << text;
  for (const char* name : {"user-unknown ", "mailbox-full ", "local-null-mx ", "qmail ", "exim-delay "}) {
    EXPECT_THAT(text, testing::HasSubstr(name));
  }
}

TEST(RulesCommand, RefusesABadFileWithItsLine) {
  const std::string path = TempFile("bad_rules.yaml", "rules:\n  - name: mine\n    words: [<nothing>]\n");
  absl::Status status;
  Output({.check = path, .corpus = {}}, &status);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("bad_rules.yaml:3: rule mine: there is no list"));
}

TEST(RulesCommand, CountsOverAFolder) {
  absl::Status status;
  const std::string text =
      Output({.check = {}, .corpus = std::string(WAVEPOST_SOURCE_DIR) + "/bouncer/report/testdata"}, &status);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(text, testing::ContainsRegex(" [1-9][0-9]*  user-unknown"));
  EXPECT_THAT(text, testing::HasSubstr("      0  tls-refused"));
  EXPECT_THAT(text, testing::ContainsRegex("mails; [0-9]+ of [0-9]+ rules and formats never fired"));
}

}  // namespace
}  // namespace wavepost
