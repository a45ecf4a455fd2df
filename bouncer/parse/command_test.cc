#include "bouncer/parse/command.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "bouncer/parse/files.h"

namespace wavepost {
namespace {

namespace fs = std::filesystem;

constexpr char kBounce[] =
    "From: MAILER-DAEMON@x.example\nSubject: failure\nContent-Type: multipart/report; report-type=delivery-status; "
    "boundary=b\n\n--b\n\nSorry.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x.example\n\n"
    "Final-Recipient: rfc822; anna@y.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 User "
    "unknown\n\nFinal-Recipient: rfc822; bob@y.example\nAction: delayed\nStatus: 4.4.1\n--b--\n";

class ParseCommandTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("wavepost-parse-" + std::to_string(getpid()));
    fs::create_directories(folder_ / "b");
    Write("b/bounce.eml", kBounce);
    Write("a.eml", "From: eva@x.example\nSubject: hi \xC3\xA4\n\nHello.\n");
  }
  void TearDown() override { fs::remove_all(folder_); }

  void Write(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }

  std::string Run(ParseOptions options) {
    std::FILE* const out = std::tmpfile();
    status_ = RunParse(options, out, nullptr);
    std::string text(static_cast<size_t>(std::ftell(out)), '\0');
    std::rewind(out);
    text.resize(std::fread(text.data(), 1, text.size(), out));
    std::fclose(out);
    return text;
  }

  fs::path folder_;
  absl::Status status_;
};

TEST_F(ParseCommandTest, JsonLinesOfAFolder) {
  std::istringstream lines(Run({.path = folder_.string(), .jsonl = true}));
  EXPECT_TRUE(status_.ok()) << status_;
  std::vector<nlohmann::json> rows;
  for (std::string line; std::getline(lines, line);) rows.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0]["path"], "a.eml");
  EXPECT_EQ(rows[0]["class"], "not_a_bounce");
  EXPECT_TRUE(rows[0]["recipient"].is_null());
  EXPECT_EQ(rows[1]["path"], "b/bounce.eml");
  EXPECT_EQ(rows[1]["recipient"], "anna@y.example");
  EXPECT_EQ(rows[1]["status"], "5.1.1");
  EXPECT_EQ(rows[1]["action"], "failed");
  EXPECT_EQ(rows[1]["class"], "hard");
  EXPECT_EQ(rows[1]["reason"], "user_unknown");
  EXPECT_EQ(rows[1]["fault"], "recipient");
  EXPECT_FALSE(rows[1].contains("rule"));
  EXPECT_EQ(rows[2]["class"], "delay_notice");
  EXPECT_EQ(rows[2]["fault"], "network");
}

TEST_F(ParseCommandTest, ExplainNamesTheRule) {
  const std::string line = Run({.path = (folder_ / "a.eml").string(), .jsonl = true, .explain = true});
  EXPECT_TRUE(nlohmann::json::parse(line).contains("rule"));
  EXPECT_TRUE(nlohmann::json::parse(line).contains("format"));
}

TEST_F(ParseCommandTest, BlocksForPeople) {
  const std::string text = Run({.path = (folder_ / "b/bounce.eml").string()});
  for (const char* part : {"hard, user_unknown", "anna@y.example", "5.1.1", "550 5.1.1 User unknown", "delay_notice"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  }
}

TEST_F(ParseCommandTest, HostileBytesStayOneJsonLine) {
  Write("a.eml", "From: a\nSubject: \xff\xfe\x1b[31m\"\\\nAuto-Submitted: auto-replied\n\n\x00\xff");
  const std::string line = Run({.path = (folder_ / "a.eml").string(), .jsonl = true, .explain = true});
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(line)["class"], "auto_reply");
}

TEST_F(ParseCommandTest, MissingFile) {
  EXPECT_EQ(Run({.path = (folder_ / "none").string()}), "");
  EXPECT_EQ(status_.code(), absl::StatusCode::kNotFound);
}

TEST_F(ParseCommandTest, UnreadableFileIsLeftOut) {
  // A folder cannot be read as a file, whoever runs this.
  const auto bytes = ReadMailFile({folder_ / "b", "b"});
  EXPECT_FALSE(bytes.ok());
}

TEST_F(ParseCommandTest, LinksInAFolderAreNotFollowed) {
  fs::create_symlink("/etc/hostname", folder_ / "link.eml");
  fs::create_directory_symlink(folder_, folder_ / "b/loop");
  const auto files = FindMailFiles(folder_.string());
  ASSERT_TRUE(files.ok());
  ASSERT_EQ(files->size(), 2u);
  EXPECT_EQ((*files)[0].name, "a.eml");
  EXPECT_EQ((*files)[1].name, "b/bounce.eml");
}

TEST_F(ParseCommandTest, OnlyTheHeadOfALargeFile) {
  Write("a.eml", std::string(kParseFileBytesMax + 1000, 'x'));
  const auto bytes = ReadMailFile({folder_ / "a.eml", "a.eml"});
  ASSERT_TRUE(bytes.ok());
  EXPECT_EQ(bytes->size(), kParseFileBytesMax);
}

}  // namespace
}  // namespace wavepost
