// Files: stored once, counted by campaigns, limited per tenant.
#include <gmock/gmock.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "common/rpc/status.h"
#include "common/storage/db.h"
#include "coordinator/store/keys.h"
#include "coordinator/store/store_test_util.h"

namespace wavepost {
namespace {

const std::string kHash(64, 'a');
const std::string kFileName = absl::StrCat(kTenant, "/files/", kHash);

class FilesTest : public StoreTest {
 protected:
  FilesTest() {
    Open();
    for (const char* name : {kTenant, "tenants/b"}) {
      v1::Tenant tenant;
      tenant.set_name(name);
      EXPECT_TRUE(store_->CreateTenant(tenant, {}).ok());
    }
  }

  absl::Status Campaign(std::string_view id, const std::vector<std::string>& files, const RequestKey& request = {}) {
    cluster::v1::StoredCampaign campaign;
    campaign.mutable_campaign()->set_name(absl::StrCat(kTenant, "/campaigns/", std::string(id)));
    for (const std::string& file : files) {
      campaign.mutable_campaign()->mutable_content()->add_attachments()->set_file(file);
    }
    return store_->CreateCampaign(campaign, request).status();
  }
};

TEST_F(FilesTest, AFileIsStoredOnceWithItsBytes) {
  const std::string bytes("\0\xff\r\n bytes", 10);
  const auto put = store_->PutFile(kTenant, kHash, bytes);
  ASSERT_TRUE(put.ok()) << put.status();
  EXPECT_EQ(put->name(), kFileName);
  EXPECT_EQ(put->size_bytes(), 10);
  clock_.Advance(absl::Hours(1));
  const auto again = store_->PutFile(kTenant, kHash, bytes);
  EXPECT_EQ(again->create_time().seconds(), 1000000);
  Open();
  EXPECT_EQ(*store_->ReadFile(kFileName), bytes);
  EXPECT_EQ(store_->GetFile(kFileName)->size_bytes(), 10);
  EXPECT_EQ(store_->ListFiles(kTenant, 0, "")->items.size(), 1u);
  EXPECT_EQ(store_->ListFiles("tenants/b", 0, "")->items.size(), 0u);
  EXPECT_EQ(store_->PutFile("tenants/none", kHash, "x").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_->ReadFile("tenants/b/files/" + kHash).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(FilesTest, CampaignsAreCountedAndKeepTheirFiles) {
  ASSERT_TRUE(store_->PutFile(kTenant, kHash, "x").ok());
  ASSERT_TRUE(Campaign("c1", {kFileName, kFileName}, {"id", "hash"}).ok());
  ASSERT_TRUE(Campaign("c1", {kFileName, kFileName}, {"id", "hash"}).ok()) << "repeated";
  EXPECT_EQ(store_->GetFile(kFileName)->campaigns(), 1) << "once per campaign";
  ASSERT_TRUE(Campaign("c2", {kFileName}).ok());
  EXPECT_EQ(store_->GetFile(kFileName)->campaigns(), 2);
  EXPECT_EQ(ReasonOf(store_->DeleteFile(kFileName)), "FILE_IN_USE");
  EXPECT_EQ(*store_->ReadFile(kFileName), "x");
}

TEST_F(FilesTest, ACampaignWithoutItsFileIsRefusedByPlace) {
  ASSERT_TRUE(store_->PutFile(kTenant, kHash, "x").ok());
  ASSERT_TRUE(store_->PutFile("tenants/b", kHash, "x").ok());
  for (const std::string& missing : {absl::StrCat(kTenant, "/files/none"), "tenants/b/files/" + kHash}) {
    const absl::Status refused = Campaign("c", {kFileName, missing});
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition) << missing;
    EXPECT_THAT(std::string(refused.message()), testing::StartsWith("campaign.content.attachments[1].file: "));
    EXPECT_EQ(ReasonOf(refused), "FILE_NOT_FOUND");
  }
  EXPECT_EQ(store_->GetFile(kFileName)->campaigns(), 0) << "nothing of a refused campaign stays";
  EXPECT_EQ(store_->GetCampaign(absl::StrCat(kTenant, "/campaigns/c")).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(FilesTest, AFileThatNobodyUsesGoesWithItsBytes) {
  ASSERT_TRUE(store_->PutFile(kTenant, kHash, "x").ok());
  ASSERT_TRUE(store_->DeleteFile(kFileName).ok());
  EXPECT_EQ(store_->GetFile(kFileName).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_->ReadFile(kFileName).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_->DeleteFile(kFileName).code(), absl::StatusCode::kNotFound);
}

TEST_F(FilesTest, NumberAndBytesAreLimitedPerTenant) {
  for (int i = 0; i < Store::kFilesMax; ++i) {
    ASSERT_TRUE(store_->PutFile(kTenant, absl::StrCat("f", i), "x").ok());
  }
  EXPECT_EQ(ReasonOf(store_->PutFile(kTenant, "one-more", "x").status()), "TOO_MANY_FILES");
  EXPECT_TRUE(store_->PutFile(kTenant, "f0", "x").ok()) << "it is there already";
  EXPECT_TRUE(store_->PutFile("tenants/b", "one-more", "x").ok());
  ASSERT_TRUE(store_->DeleteFile(absl::StrCat(kTenant, "/files/f0")).ok());
  EXPECT_TRUE(store_->PutFile(kTenant, "one-more", "x").ok());
}

// What was written before files had a column family is read, and the family is made.
TEST(OldFolderTest, AFolderOfBeforeTheFilesIsTakenOver) {
  const std::string path = absl::StrCat(testing::TempDir(), "wavepost_store_old");
  std::filesystem::remove_all(path);
  std::vector<std::string> families = FamilyNames();
  const auto of_files = std::find(families.begin(), families.end(), "file_bytes");
  ASSERT_NE(of_files, families.end());
  families.erase(of_files, families.end());
  cluster::v1::StoredTenant tenant;
  tenant.mutable_tenant()->set_name(kTenant);
  // Field 2 was the private key in clear text.
  const std::string domain =
      std::string("\x0a\x2a\x0a\x28") + "tenants/acme/sendingDomains/acme.example" + "\x12\x03key";
  {
    auto db = Db::Open({.path = path, .kind = "coordinator", .column_families = families});
    ASSERT_TRUE(db.ok()) << db.status();
    rocksdb::WriteBatch batch;
    batch.Put((*db)->cf(kNames), NameKey(NameKind::kTenant, kTenant), tenant.SerializeAsString());
    batch.Put((*db)->cf(kNames), NameKey(NameKind::kDomain, "tenants/acme/sendingDomains/acme.example"), domain);
    ASSERT_TRUE((*db)->Write(&batch).ok());
    ASSERT_TRUE((*db)->Sync().ok());
  }
  ManualClock clock(absl::FromUnixSeconds(1));
  auto store = OpenRocksStore({.data_dir = path, .memory_bytes = 4 << 20, .clock = &clock});
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_TRUE((*store)->GetTenant(kTenant).ok());
  const auto read = (*store)->GetSendingDomain("tenants/acme/sendingDomains/acme.example");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->domain().name(), "tenants/acme/sendingDomains/acme.example");
  EXPECT_TRUE((*store)->PutFile(kTenant, kHash, "x").ok());
  store->reset();
  std::filesystem::remove_all(path);
}

}  // namespace
}  // namespace wavepost
