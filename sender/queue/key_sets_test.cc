#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "common/seal/seal.h"
#include "sender/queue/testing/queue_fixture.h"

namespace wavepost {
namespace {

constexpr char kSecret[] = "-----BEGIN PRIVATE KEY----- very secret";

class KeySetStoreTest : public QueueFixture {
 protected:
  static cluster::v1::KeySet Keys(const std::string& tenant, const std::string& domain, char version) {
    cluster::v1::KeySet keys;
    keys.set_tenant(tenant);
    keys.set_domain(domain);
    keys.set_version(std::string(32, version));
    auto& key = *keys.add_keys();
    key.set_domain(domain);
    key.set_selector(std::string("wp") + version);
    key.set_private_key_pem(kSecret);
    return keys;
  }

  absl::Status Put(const cluster::v1::KeySet& keys) {
    return Await([&](QueueStore::Done done) { store_->PutKeySet(keys, std::move(done)); });
  }

  // Whether any file of the folder holds the text.
  bool OnDisk(const std::string& text) {
    for (const auto& file : std::filesystem::recursive_directory_iterator(options_.data_dir)) {
      if (!file.is_regular_file()) continue;
      std::ifstream in(file.path(), std::ios::binary);
      std::stringstream bytes;
      bytes << in.rdbuf();
      if (bytes.str().find(text) != std::string::npos) return true;
    }
    return false;
  }
};

TEST_F(KeySetStoreTest, EachTenantHasItsOwn) {
  Open();
  ASSERT_TRUE(Put(Keys("tenants/a", "example.com", '1')).ok());
  ASSERT_TRUE(Put(Keys("tenants/b", "example.com", '2')).ok());
  EXPECT_EQ(store_->GetKeySet("tenants/a", "example.com")->keys(0).selector(), "wp1");
  EXPECT_EQ(store_->GetKeySet("tenants/b", "example.com")->keys(0).selector(), "wp2");
  EXPECT_TRUE(absl::IsNotFound(store_->GetKeySet("tenants/c", "example.com").status()));
}

TEST_F(KeySetStoreTest, TheNewestReplacesTheOneBeforeAndOutlivesAPowerCut) {
  Open();
  ASSERT_TRUE(Put(Keys("tenants/a", "example.com", '1')).ok());
  ASSERT_TRUE(Put(Keys("tenants/a", "example.com", '2')).ok());
  CutPowerAndReopen();
  const auto versions = store_->ReadKeySetVersions(10);
  ASSERT_TRUE(versions.ok());
  ASSERT_EQ(versions->size(), 1u);
  EXPECT_EQ(versions->front().tenant(), "tenants/a");
  EXPECT_EQ(versions->front().domain(), "example.com");
  EXPECT_EQ(versions->front().version(), std::string(32, '2'));
  EXPECT_EQ(store_->GetKeySet("tenants/a", "example.com")->keys(0).private_key_pem(), kSecret);
}

TEST_F(KeySetStoreTest, NoPrivateKeyStandsOnDiskInTheClear) {
  Open();
  ASSERT_TRUE(Put(Keys("tenants/a", "example.com", '1')).ok());
  Close();
  EXPECT_TRUE(OnDisk("example.com")) << "the search finds what is there";
  EXPECT_FALSE(OnDisk("very secret"));
}

TEST_F(KeySetStoreTest, AfterTheSealingKeyWasLostTheSetIsAskedFor) {
  Open();
  ASSERT_TRUE(Put(Keys("tenants/a", "example.com", '1')).ok());
  Close();
  const auto other = Sealer::Parse("2 " + std::string(64, 'b') + "\n", "keys");
  ASSERT_TRUE(other.ok());
  options_.sealer = &*other;
  Open();
  const auto versions = store_->ReadKeySetVersions(10);
  ASSERT_EQ(versions->size(), 1u);
  EXPECT_EQ(versions->front().domain(), "example.com");
  EXPECT_EQ(versions->front().version(), "") << "so that the coordinator sends it again";
  EXPECT_TRUE(absl::IsFailedPrecondition(store_->GetKeySet("tenants/a", "example.com").status()));
  Close();  // before the sealer goes
}

TEST_F(KeySetStoreTest, AFolderOfAnEarlierVersionLosesItsClearKeysAndAsksForSets) {
  Open();
  cluster::v1::Content content;
  content.set_content_id(kContentId);
  content.set_tenant(kTenant);
  content.mutable_content()->set_from_address("news@Example.com");
  ASSERT_TRUE(Await([&](QueueStore::Done done) { store_->PutContent(content, std::move(done)); }).ok());
  Close();
  {  // as the version before this one did: by domain, in the clear
    rocksdb::DB* db = nullptr;
    std::vector<std::string> names;
    ASSERT_TRUE(rocksdb::DB::ListColumnFamilies(rocksdb::Options(), options_.data_dir, &names).ok());
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const std::string& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    ASSERT_TRUE(rocksdb::DB::Open(rocksdb::DBOptions(), options_.data_dir, families, &handles, &db).ok());
    for (auto* handle : handles) {
      if (handle->GetName() != "keys") continue;
      ASSERT_TRUE(db->Put(rocksdb::WriteOptions(), handle, "example.com", kSecret).ok());
    }
    for (auto* handle : handles) ASSERT_TRUE(db->DestroyColumnFamilyHandle(handle).ok());
    delete db;
  }
  ASSERT_TRUE(OnDisk("very secret"));
  Open();
  const auto versions = store_->ReadKeySetVersions(10);
  ASSERT_EQ(versions->size(), 1u);
  EXPECT_EQ(versions->front().tenant(), kTenant);
  EXPECT_EQ(versions->front().domain(), "example.com");
  EXPECT_EQ(versions->front().version(), "");
  EXPECT_TRUE(absl::IsNotFound(store_->GetKeySet(kTenant, "example.com").status()));
}

TEST_F(KeySetStoreTest, ReadsNoMoreThanTheLimit) {
  Open();
  for (const char* domain : {"a.example", "b.example", "c.example"})
    ASSERT_TRUE(Put(Keys("tenants/a", domain, '1')).ok());
  EXPECT_EQ(store_->ReadKeySetVersions(2)->size(), 2u);
}

}  // namespace
}  // namespace wavepost
