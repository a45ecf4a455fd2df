#include "common/config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wavepost {
namespace {

using ::testing::HasSubstr;

ConfigFile Parsed(std::string_view text) {
  auto file = ConfigFile::Parse(text, "t.yaml");
  EXPECT_TRUE(file.ok()) << file.status();
  return *std::move(file);
}

TEST(ConfigTest, ReadsValuesAndDefaults) {
  ConfigFile file = Parsed("listen: 127.0.0.1:1\nn: 7\nwait: 90s\nlist: [a, b]\nsub:\n  flag: true\n");
  ConfigNode root = file.root();
  EXPECT_EQ(root.String("listen", "x"), "127.0.0.1:1");
  EXPECT_EQ(root.Int("n", 1, 0, 10), 7);
  EXPECT_EQ(root.Int("absent", 5, 0, 10), 5);
  EXPECT_EQ(root.DurationOf("wait", absl::Seconds(1)), absl::Seconds(90));
  EXPECT_THAT(root.StringList("list"), testing::ElementsAre("a", "b"));
  EXPECT_TRUE(root.Child("sub").Bool("flag", false));
  EXPECT_EQ(root.Child("nothing").Int("deep", 3, 0, 9), 3);
  EXPECT_TRUE(file.Finish().ok()) << file.Finish();
}

TEST(ConfigTest, UnknownKeyNamesFileLineAndKey) {
  ConfigFile file = Parsed("listen: a\nsub:\n  flag: true\n  flga: true\n");
  file.root().String("listen", "");
  file.root().Child("sub").Bool("flag", false);
  EXPECT_THAT(std::string(file.Finish().message()), HasSubstr("t.yaml:4: sub.flga: unknown key; known here: flag"));
}

TEST(ConfigTest, BadValuesAreAllReportedAtOnce) {
  ConfigFile file = Parsed("port: 70000\nwait: soon\nflag: yes\nlist: 3\n");
  ConfigNode root = file.root();
  EXPECT_EQ(root.Int("port", 25, 0, 65535), 25);
  EXPECT_EQ(root.DurationOf("wait", absl::Seconds(4)), absl::Seconds(4));
  root.Bool("flag", false);
  root.StringList("list");
  root.RequiredString("name");
  const std::string message(file.Finish().message());
  EXPECT_THAT(message, HasSubstr("t.yaml:1: port: must be a whole number from 0 to 65535, is '70000'"));
  EXPECT_THAT(message, HasSubstr("t.yaml:2: wait: must be a duration"));
  EXPECT_THAT(message, HasSubstr("t.yaml:3: flag: must be true or false, is 'yes'"));
  EXPECT_THAT(message, HasSubstr("t.yaml:4: list: must be a list"));
  EXPECT_THAT(message, HasSubstr("name: is required"));
}

TEST(ConfigTest, UnknownKeysInsideListItems) {
  ConfigFile file = Parsed("pools:\n  - name: a\n  - nmae: b\n");
  for (const ConfigNode& pool : file.root().List("pools")) pool.String("name", "");
  EXPECT_THAT(std::string(file.Finish().message()), HasSubstr("t.yaml:3: pools[1].nmae: unknown key"));
}

TEST(ConfigTest, AKeyThatStandsTwiceIsAProblem) {
  ConfigFile file = Parsed("a: 1\nsub: {x: 1}\na: 2\n");
  file.root().Int("a", 0, 0, 9);
  file.root().Child("sub").Int("x", 0, 0, 9);
  EXPECT_THAT(std::string(file.Finish().message()), HasSubstr("t.yaml:3: a: stands here twice, first in line 1"));
}

TEST(ConfigTest, BrokenYamlNamesTheLine) {
  auto file = ConfigFile::Parse("a: 1\nb: [1,\n", "t.yaml");
  ASSERT_FALSE(file.ok());
  EXPECT_THAT(std::string(file.status().message()), HasSubstr("t.yaml:3: not valid YAML"));
}

TEST(ConfigTest, MissingFile) {
  EXPECT_EQ(ConfigFile::Load("/nonexistent/x.yaml").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace wavepost
