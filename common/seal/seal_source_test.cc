#include "common/seal/seal_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace wavepost {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class SealSourceTest : public ::testing::Test {
 protected:
  SealSourceTest() : folder_(absl::StrCat(testing::TempDir(), "wavepost_seal_source_", ::getpid())) {
    std::filesystem::remove_all(folder_);
    ::unsetenv(kSealingKeyVariable);
  }
  ~SealSourceTest() override {
    std::filesystem::remove_all(folder_);
    ::unsetenv(kSealingKeyVariable);
  }

  const std::string folder_;
  std::string warning_;
};

TEST_F(SealSourceTest, WithoutAnythingAKeyIsMadeBesideTheDataAndKept) {
  const auto first = LoadServiceSealer("", folder_, &warning_);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_THAT(warning_, HasSubstr("was made"));
  EXPECT_EQ(std::filesystem::status(folder_).permissions(), std::filesystem::perms::owner_all);
  const auto sealed = first->Seal("secret", "x");
  const auto second = LoadServiceSealer("", folder_, &warning_);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_THAT(warning_, testing::Not(HasSubstr("was made")));
  EXPECT_EQ(*second->Open(*sealed, "x"), "secret");
}

TEST_F(SealSourceTest, TheEnvironmentGoesBeforeTheFolder) {
  const std::string old_key(64, 'a'), new_key(64, 'b');
  const auto old_sealer = Sealer::Parse("1 " + old_key, "t");
  ::setenv(kSealingKeyVariable, ("2 " + new_key + ";1 " + old_key).c_str(), 1);
  const auto sealer = LoadServiceSealer("", folder_, &warning_);
  ASSERT_TRUE(sealer.ok()) << sealer.status();
  EXPECT_THAT(warning_, IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(folder_));
  EXPECT_EQ(*sealer->Open(*old_sealer->Seal("secret", "x"), "x"), "secret") << "the second line opens";
}

TEST_F(SealSourceTest, ANamedFileIsNotMade) {
  const auto sealer = LoadServiceSealer(folder_ + "/keys", folder_, &warning_);
  EXPECT_TRUE(absl::IsNotFound(sealer.status()));
  EXPECT_THAT(std::string(sealer.status().message()), HasSubstr("openssl rand -hex 32"));
}

}  // namespace
}  // namespace wavepost
