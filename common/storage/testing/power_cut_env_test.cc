#include "common/storage/testing/power_cut_env.h"

#include <gtest/gtest.h>
#include <rocksdb/write_batch.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "common/storage/db.h"

namespace wavepost {
namespace {

class PowerCutEnvTest : public ::testing::Test {
 protected:
  PowerCutEnvTest() : path_(testing::TempDir() + "wavepost_power_" + std::to_string(::getpid())) {
    std::filesystem::remove_all(path_);
  }
  ~PowerCutEnvTest() override { std::filesystem::remove_all(path_); }

  absl::StatusOr<std::unique_ptr<Db>> Open() {
    return Db::Open(
        {.path = path_, .kind = "test", .column_families = {"a", "b"}, .memory_bytes = 1 << 20, .env = env_.env()});
  }

  static absl::Status Put(Db* db, const std::string& key) {
    rocksdb::WriteBatch batch;
    batch.Put(db->cf(0), key, std::string(100, 'v'));
    return db->Write(&batch);
  }

  const std::string path_;
  PowerCutEnv env_;
};

TEST_F(PowerCutEnvTest, KeepsWhatWasSyncedAndForgetsTheRest) {
  bool forgot = false;
  for (uint64_t seed = 0; seed < 6; ++seed) {
    {
      auto db = Open();
      ASSERT_TRUE(db.ok()) << db.status();
      const std::string round = std::to_string(seed);
      ASSERT_TRUE(Put(db->get(), "synced" + round).ok());
      ASSERT_TRUE((*db)->Sync().ok());
      ASSERT_TRUE(Put(db->get(), "unsynced" + round).ok());
      env_.CutPowerAt(1);
    }
    ASSERT_TRUE(env_.PowerCycle(seed).ok());
    auto db = Open();
    ASSERT_TRUE(db.ok()) << db.status();
    for (uint64_t i = 0; i <= seed; ++i) EXPECT_TRUE((*db)->Get(0, "synced" + std::to_string(i)).ok()) << i;
    forgot = forgot || !(*db)->Get(0, "unsynced" + std::to_string(seed)).ok();
  }
  EXPECT_TRUE(forgot);
}

TEST_F(PowerCutEnvTest, ASyncThatIsIgnoredIsNoticed) {
  {
    auto db = Open();
    ASSERT_TRUE(db.ok());
    env_.IgnoreSyncs();
    ASSERT_TRUE(Put(db->get(), "k").ok());
    ASSERT_TRUE((*db)->Sync().ok());
    env_.CutPowerAt(1);
  }
  ASSERT_TRUE(env_.PowerCycle(/*seed: nothing survives*/ 1).ok());
  auto db = Open();
  EXPECT_FALSE(db.ok() && (*db)->Get(0, "k").ok());
}

TEST_F(PowerCutEnvTest, FailsTheNthOperation) {
  auto db = Open();
  ASSERT_TRUE(db.ok());
  env_.FailAt(2);
  EXPECT_TRUE(Put(db->get(), "first").ok());
  EXPECT_EQ(Put(db->get(), "second").code(), absl::StatusCode::kUnavailable);
}

TEST_F(PowerCutEnvTest, AFullDiskSaysSo) {
  {
    auto db = Open();
    ASSERT_TRUE(db.ok());
    env_.SetFull(true);
    EXPECT_EQ(Put(db->get(), "k").code(), absl::StatusCode::kResourceExhausted);
    env_.SetFull(false);
  }
  auto db = Open();
  ASSERT_TRUE(db.ok());
  EXPECT_FALSE((*db)->Get(0, "k").ok());
  EXPECT_TRUE(Put(db->get(), "k").ok());
}

}  // namespace
}  // namespace wavepost
