// Uploads: who gets in, and what becomes of the bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/rpc/status.h"
#include "coordinator/api/api_context.h"
#include "coordinator/api/upload_gate.h"
#include "coordinator/api/upload_stream.h"
#include "coordinator/store/store_test_util.h"

namespace wavepost {
namespace {

using testing::ElementsAre;

TEST(UploadGateTest, LetsSoManyInAndOthersInTheirTurn) {
  UploadGate gate;
  std::vector<char> names(100);
  std::vector<int> entered;
  const auto enter = [&](int who) { return gate.Enter(&names[who], [&entered, who] { entered.push_back(who); }); };
  const int most = UploadGate::kUploadsMax + UploadGate::kWaitingMax;
  for (int i = 0; i < most; ++i) EXPECT_TRUE(enter(i)) << i;
  EXPECT_FALSE(enter(most));
  EXPECT_EQ(entered.size(), UploadGate::kUploadsMax);

  entered.clear();
  gate.Leave(&names[9]);   // one that waits
  gate.Leave(&names[99]);  // one that never came
  EXPECT_THAT(entered, ElementsAre());
  gate.Leave(&names[0]);
  gate.Leave(&names[0]);
  EXPECT_THAT(entered, ElementsAre(8));
  gate.Leave(&names[8]);
  EXPECT_THAT(entered, ElementsAre(8, 10));
  EXPECT_TRUE(enter(most));
}

class UploaderTest : public StoreTest {
 protected:
  UploaderTest() {
    Open();
    EXPECT_TRUE(MakeDraft(store_.get()).ok());
    api_.store = store_.get();
    auth_ = std::make_unique<Authenticator>(store_.get(), std::vector<std::string>());
    api_.auth = auth_.get();
  }

  static v1::UploadFileRequest Chunk(std::string data, const std::string& parent = kTenant) {
    v1::UploadFileRequest chunk;
    chunk.set_parent(parent);
    chunk.set_data(std::move(data));
    return chunk;
  }

  std::unique_ptr<Authenticator> auth_;
  ApiContext api_;
};

TEST_F(UploaderTest, StoresUnderTheHashOfAllChunks) {
  Uploader uploader(&api_, std::nullopt);
  ASSERT_TRUE(uploader.Take(Chunk("hello ")).ok());
  ASSERT_TRUE(uploader.Take(Chunk("world", "ignored")).ok());
  const auto file = uploader.Finish();
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->name(), "tenants/acme/files/b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9");
  EXPECT_EQ(file->size_bytes(), 11);
  EXPECT_EQ(*store_->ReadFile(file->name()), "hello world");
}

TEST_F(UploaderTest, TakesTenMegabytesAndNotAByteMore) {
  Uploader uploader(&api_, std::nullopt);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(uploader.Take(Chunk(std::string(kUploadChunkBytesMax, 'x'))).ok());
  // At the limit, not when all of 100 MB have come.
  const absl::Status refused = uploader.Take(Chunk("y"));
  ASSERT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ViolationsOf(refused).at(0).field, "data");
  EXPECT_EQ(ViolationsOf(refused).at(0).description,
            "the file has more than 10 MB; mail with it would be refused by most receivers: put it on a web server and "
            "link to it");
  EXPECT_EQ(store_->ListFiles(kTenant, 10, "")->items.size(), 0u);
}

struct UploadRow {
  const char* name;
  std::string parent;
  size_t bytes;  // of the only chunk
  absl::StatusCode code;
  const char* field;
};

class BadUploadTest : public UploaderTest, public testing::WithParamInterface<UploadRow> {};

TEST_P(BadUploadTest, IsRefusedAndLeavesNothing) {
  Uploader uploader(&api_, std::nullopt);
  absl::Status status = uploader.Take(Chunk(std::string(GetParam().bytes, 'x'), GetParam().parent));
  if (status.ok()) status = uploader.Finish().status();
  EXPECT_EQ(status.code(), GetParam().code) << status;
  const auto violations = ViolationsOf(status);
  EXPECT_EQ(violations.empty() ? "" : violations[0].field, GetParam().field);
  EXPECT_EQ(store_->ListFiles(kTenant, 10, "")->items.size(), 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, BadUploadTest,
    testing::Values(UploadRow{"Empty", kTenant, 0, absl::StatusCode::kInvalidArgument, "data"},
                    UploadRow{"ChunkTooLarge", kTenant, kUploadChunkBytesMax + 1, absl::StatusCode::kInvalidArgument,
                              "data"},
                    UploadRow{"NoParent", "", 5, absl::StatusCode::kInvalidArgument, "parent"},
                    UploadRow{"BadParent", "tenants/A/files", 5, absl::StatusCode::kInvalidArgument, "parent"},
                    UploadRow{"NoSuchTenant", "tenants/nobody", 5, absl::StatusCode::kNotFound, ""}),
    [](const auto& row) { return row.param.name; });

TEST_F(UploaderTest, NeedsTheTenantsKey) {
  Authenticator strict(store_.get(), {Sha256("an operator's key")});
  api_.auth = &strict;
  Uploader uploader(&api_, "Bearer wp_wrong");
  EXPECT_EQ(uploader.Take(Chunk("x")).code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(uploader.bytes(), 0u);
}

}  // namespace
}  // namespace wavepost
