#include "common/storage/db.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/write_batch.h>
#include <unistd.h>

#include <filesystem>

namespace wavepost {
namespace {

class DbTest : public ::testing::Test {
 protected:
  DbTest() : path_(testing::TempDir() + "wavepost_db_" + std::to_string(::getpid())) {}
  ~DbTest() override { std::filesystem::remove_all(path_); }

  Db::Options Options(std::string kind = "test", int version = 1) {
    return {.path = path_, .kind = std::move(kind), .version = version, .column_families = {"a", "b"}};
  }

  const std::string path_;
};

TEST_F(DbTest, KeepsWhatWasWritten) {
  {
    auto db = Db::Open(Options());
    ASSERT_TRUE(db.ok()) << db.status();
    rocksdb::WriteBatch batch;
    batch.Put((*db)->cf(1), "k", "v");
    ASSERT_TRUE((*db)->Write(&batch).ok());
    ASSERT_TRUE((*db)->Sync().ok());
  }
  auto db = Db::Open(Options());
  ASSERT_TRUE(db.ok()) << db.status();
  EXPECT_EQ((*db)->Get(1, "k").value(), "v");
  EXPECT_EQ((*db)->Get(0, "k").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(DbTest, RefusesAFolderInUse) {
  auto first = Db::Open(Options());
  ASSERT_TRUE(first.ok());
  auto second = Db::Open(Options());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()), testing::HasSubstr("in use by another process"));
}

TEST_F(DbTest, RefusesAnotherVersionAndKind) {
  ASSERT_TRUE(Db::Open(Options()).ok());
  EXPECT_THAT(std::string(Db::Open(Options("test", 2)).status().message()), testing::HasSubstr("written as 'test 1'"));
  EXPECT_EQ(Db::Open(Options("other")).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(BigEndianTest, ByteOrderIsNumberOrder) {
  std::string a, b;
  AppendBig64(255, &a);
  AppendBig64(256, &b);
  EXPECT_LT(a, b);
  EXPECT_EQ(ReadBig64(b), 256u);
}

}  // namespace
}  // namespace wavepost
