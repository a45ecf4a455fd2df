#include "bouncer/inbound/kept_mail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>
#include <string>
#include <vector>

namespace wavepost {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using Step = KeptMail::Step;

class KeptMailTest : public ::testing::Test {
 protected:
  KeptMailTest() : path_(testing::TempDir() + "wavepost_kept_" + std::to_string(::getpid())) {
    fs::remove_all(path_);
    fs::create_directories(path_);
    options_.path = path_ + "/postmaster";
  }
  ~KeptMailTest() override {
    kept_.reset();
    fs::remove_all(path_);
  }

  absl::Status Keep(const std::string& message) {
    if (kept_ == nullptr) {
      auto opened = KeptMail::Open(options_, &clock_);
      if (!opened.ok()) return opened.status();
      kept_ = *std::move(opened);
    }
    std::promise<absl::Status> done;
    kept_->Keep(message, "192.0.2.1", [&done](absl::Status status) { done.set_value(std::move(status)); });
    return done.get_future().get();
  }

  std::vector<std::string> Files(const std::string& folder) const {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(options_.path + "/" + folder)) out.push_back(entry.path());
    return out;
  }

  static std::string Read(const std::string& path) {
    std::stringstream out;
    out << std::ifstream(path).rdbuf();
    return out.str();
  }

  const std::string path_;
  ManualClock clock_;
  KeptMail::Options options_;
  std::unique_ptr<KeptMail> kept_;
};

TEST_F(KeptMailTest, LiesInAMaildirForItsOwnerOnly) {
  ASSERT_TRUE(Keep("Subject: x\r\n\r\nbody\r\n").ok());
  const std::vector<std::string> files = Files("new");
  ASSERT_EQ(files.size(), 1u);
  EXPECT_THAT(Read(files[0]), HasSubstr("Received: from [192.0.2.1] by wavepost-bouncer; "));
  EXPECT_THAT(Read(files[0]), EndsWith("\nSubject: x\n\nbody\n"));
  struct stat info {};
  ASSERT_EQ(::stat(files[0].c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_EQ(::stat(options_.path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  EXPECT_TRUE(Files("tmp").empty());
}

TEST_F(KeptMailTest, NamesAreNeverTheSame) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Keep("x").ok());
  EXPECT_EQ(Files("new").size(), 20u);
}

// What a power cut would leave at each step, and that nobody hears OK before the last.
TEST_F(KeptMailTest, OrderOnDisk) {
  std::vector<Step> steps;
  options_.before_step = [&](Step step) {
    steps.push_back(step);
    const size_t in_tmp = Files("tmp").size();
    const size_t in_new = Files("new").size();
    switch (step) {
      case Step::kWrite:
        EXPECT_EQ(in_tmp + in_new, 0u);
        break;
      case Step::kSyncFile:
        EXPECT_EQ(in_new, 0u);
        EXPECT_THAT(Read(Files("tmp").at(0)), EndsWith("Subject: x\n"));
        break;
      case Step::kRename:
        EXPECT_EQ(in_new, 0u);
        break;
      case Step::kSyncFolder:
        EXPECT_EQ(in_tmp, 0u);
        EXPECT_EQ(in_new, 1u);
        break;
    }
    return absl::OkStatus();
  };
  ASSERT_TRUE(Keep("Subject: x\r\n").ok());
  EXPECT_THAT(steps, ElementsAre(Step::kWrite, Step::kSyncFile, Step::kRename, Step::kSyncFolder));
}

TEST_F(KeptMailTest, AFailureAtAnyStepIsNoOk) {
  for (const Step bad : {Step::kWrite, Step::kSyncFile, Step::kRename, Step::kSyncFolder}) {
    kept_.reset();
    fs::remove_all(options_.path);
    options_.before_step = [bad](Step step) {
      return step == bad ? absl::UnavailableError("input/output error") : absl::OkStatus();
    };
    EXPECT_EQ(Keep("x").code(), absl::StatusCode::kUnavailable) << static_cast<int>(bad);
    EXPECT_TRUE(Files("tmp").empty());
    if (bad != Step::kSyncFolder) {
      EXPECT_TRUE(Files("new").empty());
    }
  }
}

TEST_F(KeptMailTest, FullUntilSomebodyMakesRoom) {
  options_.messages_max = 2;
  ASSERT_TRUE(Keep("x").ok());
  ASSERT_TRUE(Keep("x").ok());
  EXPECT_EQ(Keep("x").code(), absl::StatusCode::kResourceExhausted);
  // Read mail counts until it is removed.
  const std::string file = Files("new").at(0);
  fs::rename(file, options_.path + "/cur/read:2,S");
  EXPECT_EQ(Keep("x").code(), absl::StatusCode::kResourceExhausted);
  fs::remove(options_.path + "/cur/read:2,S");
  EXPECT_TRUE(Keep("x").ok());
}

TEST_F(KeptMailTest, BytesAreLimitedAcrossRestarts) {
  options_.bytes_max = 1000;
  ASSERT_TRUE(Keep(std::string(600, 'x')).ok());
  kept_.reset();
  EXPECT_EQ(Keep(std::string(600, 'x')).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(Keep("x").ok());
}

TEST_F(KeptMailTest, HalvesOfAnEarlierProcessAreRemoved) {
  fs::create_directories(options_.path + "/tmp");
  std::ofstream(options_.path + "/tmp/half") << "x";
  ASSERT_TRUE(Keep("x").ok());
  EXPECT_TRUE(Files("tmp").empty());
}

TEST_F(KeptMailTest, StoppedRefuses) {
  ASSERT_TRUE(Keep("x").ok());
  kept_->Stop();
  EXPECT_EQ(Keep("x").code(), absl::StatusCode::kCancelled);
}

TEST_F(KeptMailTest, NoFolderNoMail) {
  std::ofstream(path_ + "/file") << "x";
  options_.path = path_ + "/file/postmaster";
  EXPECT_EQ(Keep("x").code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace wavepost
