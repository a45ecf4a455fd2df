#include "common/seal/seal.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace wavepost {
namespace {

namespace fs = std::filesystem;

const std::string kHexA(64, 'a');
const std::string kHexB(64, 'B');

class SealTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string folder = ::testing::TempDir() + "seal.XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ / name; }
  void Write(const std::string& name, const std::string& text) const { std::ofstream(Path(name)) << text; }
  static std::string Read(const std::string& path) {
    std::ifstream in(path);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }

  fs::path folder_;
};

TEST_F(SealTest, RoundTrip) {
  const Sealer sealer = Sealer::ForTest();
  for (const std::string& plain : {std::string(), std::string("x"), std::string("a\0b", 3), std::string(70'000, 'k'),
                                   std::string(kSealedPlainBytesMax, 'k')}) {
    for (const std::string& context : {std::string(), std::string("dkim/a"), std::string(5000, 'c')}) {
      const auto sealed = sealer.Seal(plain, context);
      ASSERT_TRUE(sealed.ok()) << sealed.status();
      EXPECT_EQ(sealed->size(), 2 + 12 + plain.size() + 16);
      EXPECT_EQ((*sealed)[0], 1);
      EXPECT_EQ((*sealed)[1], 1);
      const auto opened = sealer.Open(*sealed, context);
      ASSERT_TRUE(opened.ok()) << opened.status();
      EXPECT_EQ(*opened, plain);
    }
  }
  EXPECT_EQ(sealer.Seal(std::string(kSealedPlainBytesMax + 1, 'x'), "c").status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(SealTest, NeverTheSameTwiceAndNeverInTheClear) {
  const Sealer sealer = Sealer::ForTest();
  const std::string one = *sealer.Seal("the secret itself", "c");
  EXPECT_NE(one, *sealer.Seal("the secret itself", "c"));
  EXPECT_EQ(one.find("secret"), std::string::npos);
}

TEST_F(SealTest, AnotherContextDoesNotOpen) {
  const Sealer sealer = Sealer::ForTest();
  const std::string sealed = *sealer.Seal("s", "dkim/a");
  for (const char* other : {"", "dkim/b", "dkim/a ", "dkim/", "DKIM/A"}) {
    EXPECT_EQ(sealer.Open(sealed, other).status().code(), absl::StatusCode::kDataLoss) << other;
  }
  EXPECT_EQ(sealer.Open(*sealer.Seal("s", ""), "x").status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(SealTest, AFlippedBitAnywhereDoesNotOpen) {
  const Sealer sealer = Sealer::ForTest();
  const std::string sealed = *sealer.Seal("some secret", "context");
  for (size_t i = 0; i < sealed.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = sealed;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      const absl::StatusCode want = i == 0   ? absl::StatusCode::kInvalidArgument
                                    : i == 1 ? absl::StatusCode::kFailedPrecondition
                                             : absl::StatusCode::kDataLoss;
      EXPECT_EQ(sealer.Open(flipped, "context").status().code(), want) << i << " " << bit;
    }
  }
}

TEST_F(SealTest, CutOrLongerDoesNotOpen) {
  const Sealer sealer = Sealer::ForTest();
  const std::string sealed = *sealer.Seal("some secret", "context");
  for (size_t size = 0; size < sealed.size(); ++size) {
    const auto opened = sealer.Open(std::string_view(sealed).substr(0, size), "context");
    EXPECT_EQ(opened.status().code(),
              size < 2 + 12 + 16 ? absl::StatusCode::kInvalidArgument : absl::StatusCode::kDataLoss)
        << size;
  }
  EXPECT_EQ(sealer.Open(sealed + "x", "context").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(sealer.Open(sealed + std::string(kSealedPlainBytesMax, 'x'), "context").status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(sealer.Open("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0", "context").status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(SealTest, Rotation) {
  const Sealer old_one = *Sealer::Parse("7 " + kHexA, "test");
  const Sealer both = *Sealer::Parse("8 " + kHexB + "\n7 " + kHexA + "\n", "test");
  const Sealer new_one = *Sealer::Parse("8 " + kHexB, "test");
  const Sealer wrong = *Sealer::Parse("7 " + kHexB, "test");

  const std::string before = *old_one.Seal("s", "c");
  const std::string after = *both.Seal("s", "c");
  EXPECT_EQ(before[1], 7);
  EXPECT_EQ(after[1], 8);  // the first line seals
  EXPECT_EQ(*both.Open(before, "c"), "s");
  EXPECT_EQ(*new_one.Open(after, "c"), "s");
  EXPECT_EQ(wrong.Open(before, "c").status().code(), absl::StatusCode::kDataLoss);
  const absl::Status unknown = new_one.Open(before, "c").status();
  EXPECT_EQ(unknown.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(unknown.message().find("key 7"), absl::string_view::npos) << unknown;
}

TEST_F(SealTest, TheKeysIdIsBoundIn) {
  const Sealer twice = *Sealer::Parse("1 " + kHexA + "\n2 " + kHexA, "test");
  std::string sealed = *twice.Seal("s", "c");
  sealed[1] = 2;
  EXPECT_EQ(twice.Open(sealed, "c").status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(SealTest, ParsesGoodFiles) {
  const std::string kRows[] = {
      "1 " + kHexA,
      "1\t" + kHexA + "\n",
      "  255   " + kHexA + "  # the newest\r\n",
      "# comment\n\n   \n1 " + kHexA + "\n# " + kHexB,
      "2 " + kHexA + "\n1 " + kHexA,
  };
  for (const std::string& text : kRows) EXPECT_TRUE(Sealer::Parse(text, "f").ok()) << text;
}

TEST_F(SealTest, RefusesBadFilesAndSaysWhere) {
  const struct {
    std::string text, want;
  } kRows[] = {
      {"", "f: there is no key"},
      {"# 1 " + kHexA, "f: there is no key"},
      {kHexA, "f:1: there is one word only"},
      {"0 " + kHexA, "f:1: the key's ID"},
      {"256 " + kHexA, "f:1: the key's ID"},
      {"-1 " + kHexA, "f:1: the key's ID"},
      {"one " + kHexA, "f:1: the key's ID"},
      {kHexA + " 1", "f:1: the key's ID"},
      {"1 " + kHexA.substr(1), "f:1: the key has another length"},
      {"1 " + kHexA + "a", "f:1: the key has another length"},
      {"1 " + kHexA.substr(1) + "g", "f:1: the key has another length"},
      {"1 " + kHexA.substr(2) + " a", "f:1: the key has another length"},
      {"1 " + kHexA + "\n\n1 " + kHexB, "f:3: the key's ID 1 stands here twice"},
  };
  for (const auto& row : kRows) {
    const absl::Status status = Sealer::Parse(row.text, "f").status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << row.text;
    EXPECT_EQ(std::string(status.message()).substr(0, row.want.size()), row.want);
    EXPECT_EQ(status.message().find("aaaaaaaa"), absl::string_view::npos) << "the key stands in the message";
  }
}

TEST_F(SealTest, LoadsFiles) {
  EXPECT_EQ(Sealer::Load(Path("none")).status().code(), absl::StatusCode::kNotFound);
  Write("good", "3 " + kHexA + "\n");
  EXPECT_TRUE(Sealer::Load(Path("good")).ok());
  Write("bad", "nonsense\n");
  const absl::Status bad = Sealer::Load(Path("bad")).status();
  EXPECT_EQ(bad.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(bad.message().find("bad:1:"), absl::string_view::npos) << bad;
  Write("large", std::string(100'000, '#'));
  EXPECT_EQ(Sealer::Load(Path("large")).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Sealer::Load(folder_).status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(SealTest, MakesAFileOnce) {
  bool made = false;
  const mode_t old_mask = umask(0);
  const auto first = Sealer::LoadOrMake(Path("key"), &made);
  umask(old_mask);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE(made);
  struct stat info = {};
  ASSERT_EQ(stat(Path("key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  EXPECT_EQ(info.st_nlink, 1u);

  const std::string text = Read(Path("key"));
  const auto second = Sealer::LoadOrMake(Path("key"), &made);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_FALSE(made);
  EXPECT_EQ(Read(Path("key")), text);
  EXPECT_EQ(*second->Open(*first->Seal("s", "c"), "c"), "s");

  ASSERT_TRUE(Sealer::LoadOrMake(Path("other"), &made).ok());
  EXPECT_NE(Read(Path("other")), text);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 2);  // nothing is left aside
}

TEST_F(SealTest, DoesNotReplaceABadFile) {
  Write("key", "nonsense\n");
  bool made = true;
  EXPECT_EQ(Sealer::LoadOrMake(Path("key"), &made).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(made);
  EXPECT_EQ(Read(Path("key")), "nonsense\n");
}

TEST_F(SealTest, SaysWhyItCannotMakeOne) {
  bool made = true;
  const absl::Status missing = Sealer::LoadOrMake(Path("no/such/key"), &made).status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kUnavailable) << missing;
  EXPECT_FALSE(made);

  fs::create_directory(folder_ / "closed");
  fs::permissions(folder_ / "closed", fs::perms::owner_read | fs::perms::owner_exec);
  if (access(Path("closed").c_str(), W_OK) != 0) {  // root may write everywhere
    const absl::Status closed = Sealer::LoadOrMake(Path("closed/key"), &made).status();
    EXPECT_EQ(closed.code(), absl::StatusCode::kUnavailable) << closed;
    EXPECT_NE(closed.message().find("closed/key"), absl::string_view::npos);
  }
}

// A folder's mode does not stop root; a file system that has no room for new files does.
TEST_F(SealTest, AFolderThatTakesNoFiles) {
  bool made = true;
  EXPECT_EQ(Sealer::LoadOrMake("/proc/key", &made).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(made);
}

// Several processes start at once on an empty folder: one key wins, all use it.
TEST_F(SealTest, OneKeyWinsARace) {
  constexpr int kProcesses = 8;
  constexpr int kRounds = 10;
  for (int round = 0; round < kRounds; ++round) {
    const std::string path = Path(absl::StrCat("key", round));
    int go[2];
    ASSERT_EQ(pipe(go), 0);
    std::vector<pid_t> children;
    for (int i = 0; i < kProcesses; ++i) {
      const pid_t child = fork();
      ASSERT_GE(child, 0);
      if (child == 0) {
        char byte = 0;
        close(go[1]);
        if (read(go[0], &byte, 1) < 0) _exit(2);  // until the parent closes its end
        bool made = false;
        const auto sealer = Sealer::LoadOrMake(path, &made);
        const auto sealed = sealer.ok() ? sealer->Seal("s", "c") : sealer.status();
        if (sealed.ok()) std::ofstream(absl::StrCat(path, ".sealed", i)) << *sealed;
        _exit(!sealed.ok() ? 2 : made ? 1 : 0);
      }
      children.push_back(child);
    }
    close(go[0]);
    close(go[1]);
    int makers = 0;
    for (const pid_t child : children) {
      int status = 0;
      ASSERT_EQ(waitpid(child, &status, 0), child);
      ASSERT_TRUE(WIFEXITED(status));
      ASSERT_NE(WEXITSTATUS(status), 2);
      makers += WEXITSTATUS(status);
    }
    EXPECT_EQ(makers, 1);
    const auto sealer = Sealer::Load(path);
    ASSERT_TRUE(sealer.ok()) << sealer.status();
    for (int i = 0; i < kProcesses; ++i) {
      const auto opened = sealer->Open(Read(absl::StrCat(path, ".sealed", i)), "c");
      ASSERT_TRUE(opened.ok()) << opened.status();
      EXPECT_EQ(*opened, "s");
    }
  }
}

}  // namespace
}  // namespace wavepost
