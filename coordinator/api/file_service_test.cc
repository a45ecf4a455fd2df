// FileService over the wire, on a loopback port.
#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/impl/codegen/service_type.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/server.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/rpc/server.h"
#include "common/rpc/status.h"
#include "coordinator/api/api_context.h"
#include "coordinator/api/live_streams.h"
#include "coordinator/api/services.h"
#include "coordinator/api/upload_gate.h"
#include "coordinator/api/upload_stream.h"
#include "coordinator/rpc/auth.h"
#include "coordinator/store/store_test_util.h"
#include "wavepost/v1/files_service.grpc.pb.h"

namespace wavepost {
namespace {

using testing::HasSubstr;

class FileServiceTest : public StoreTest {
 protected:
  FileServiceTest() {
    Open();
    EXPECT_TRUE(MakeDraft(store_.get()).ok());
    auth_ = std::make_unique<Authenticator>(store_.get(), std::vector<std::string>());
    api_.store = store_.get();
    api_.auth = auth_.get();
    api_.clock = &clock_;
    api_.calls = &calls_;
    api_.imports = &imports_;
    api_.streams = &streams_;
    service_ = MakeFileService(&api_, &live_);
    auto server = StartRpcServer("127.0.0.1:0", {}, {service_.get()});
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    stub_ = v1::FileService::NewStub(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", server_.port), grpc::InsecureChannelCredentials()));
  }

  ~FileServiceTest() override {
    live_.Shutdown();
    server_.server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(5));
    server_.server->Wait();
    server_.server.reset();
    calls_.Stop();
    imports_.Stop();
    streams_.Stop();
  }

  // An upload under way.
  struct Upload {
    grpc::ClientContext context;
    v1::File file;
    std::unique_ptr<grpc::ClientWriter<v1::UploadFileRequest>> writer;

    bool Send(std::string data) {
      v1::UploadFileRequest chunk;
      chunk.set_parent(kTenant);
      chunk.set_data(std::move(data));
      return writer->Write(chunk);
    }
    absl::Status Finish() { return FromGrpc(writer->Finish()); }
  };

  std::unique_ptr<Upload> Begin() {
    auto upload = std::make_unique<Upload>();
    upload->context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    upload->writer = stub_->UploadFile(&upload->context, &upload->file);
    return upload;
  }

  std::unique_ptr<Authenticator> auth_;
  EventThread streams_;
  LiveStreams live_{&streams_};
  WorkerPool calls_{1, 100};
  WorkerPool imports_{2, 100};
  ApiContext api_;
  std::unique_ptr<grpc::Service> service_;
  RpcServer server_;
  std::unique_ptr<v1::FileService::Stub> stub_;
};

TEST_F(FileServiceTest, StoresListsAndForgets) {
  auto upload = Begin();
  EXPECT_TRUE(upload->Send("hello "));
  EXPECT_TRUE(upload->Send("world"));
  upload->writer->WritesDone();
  const absl::Status done = upload->Finish();
  ASSERT_TRUE(done.ok()) << done;
  EXPECT_EQ(upload->file.size_bytes(), 11);
  EXPECT_EQ(*store_->ReadFile(upload->file.name()), "hello world");

  grpc::ClientContext list_context;
  v1::ListFilesRequest list;
  list.set_parent(kTenant);
  v1::ListFilesResponse listed;
  ASSERT_TRUE(stub_->ListFiles(&list_context, list, &listed).ok());
  ASSERT_EQ(listed.files_size(), 1);
  EXPECT_EQ(listed.files(0).name(), upload->file.name());

  grpc::ClientContext delete_context;
  v1::DeleteFileRequest drop;
  drop.set_name(upload->file.name());
  v1::DeleteFileResponse dropped;
  ASSERT_TRUE(stub_->DeleteFile(&delete_context, drop, &dropped).ok());

  grpc::ClientContext get_context;
  v1::GetFileRequest get;
  get.set_name(upload->file.name());
  v1::File file;
  const absl::Status gone = FromGrpc(stub_->GetFile(&get_context, get, &file));
  EXPECT_EQ(gone.code(), absl::StatusCode::kNotFound) << gone;
}

// The answer comes while the rest is still on its way.
TEST_F(FileServiceTest, RefusesAHundredMegabytesAtTheLimit) {
  auto upload = Begin();
  const std::string megabyte(kUploadChunkBytesMax, 'x');
  int sent = 0;
  while (sent < 100 && upload->Send(megabyte)) ++sent;
  EXPECT_LT(sent, 100);
  const absl::Status refused = upload->Finish();
  ASSERT_EQ(refused.code(), absl::StatusCode::kInvalidArgument) << refused;
  EXPECT_EQ(ReasonOf(refused), "BAD_FILE");
  ASSERT_EQ(ViolationsOf(refused).size(), 1u);
  EXPECT_EQ(ViolationsOf(refused)[0].field, "data");
  EXPECT_THAT(ViolationsOf(refused)[0].description, HasSubstr("put it on a web server and link to it"));
  EXPECT_EQ(store_->ListFiles(kTenant, 10, "")->items.size(), 0u);
}

TEST_F(FileServiceTest, TakesSoManyAtOnceAndSaysSo) {
  std::vector<std::unique_ptr<Upload>> uploads;
  for (size_t i = 0; i < UploadGate::kUploadsMax + UploadGate::kWaitingMax + 1; ++i) {
    uploads.push_back(Begin());
    EXPECT_TRUE(uploads.back()->Send("some"));
  }
  // Which one finds the house full is up to the network: it is the one that can send no more.
  for (bool full = false; !full;) {
    for (auto& upload : uploads) full = !upload->Send("x") || full;
  }
  for (auto& upload : uploads) upload->writer->WritesDone();
  int refused = 0, stored = 0;
  for (auto& upload : uploads) {
    const absl::Status done = upload->Finish();
    stored += done.ok() ? 1 : 0;
    refused += ReasonOf(done) == "BUSY" ? 1 : 0;
  }
  EXPECT_EQ(refused, 1);
  EXPECT_EQ(stored, static_cast<int>(UploadGate::kUploadsMax + UploadGate::kWaitingMax));
}

TEST_F(FileServiceTest, ACallerThatLeavesMakesRoom) {
  std::vector<std::unique_ptr<Upload>> uploads;
  for (size_t i = 0; i < UploadGate::kUploadsMax; ++i) {
    uploads.push_back(Begin());
    EXPECT_TRUE(uploads.back()->Send("some"));
  }
  auto waiting = Begin();
  EXPECT_TRUE(waiting->Send("more"));
  waiting->writer->WritesDone();
  for (auto& upload : uploads) {
    upload->context.TryCancel();
    EXPECT_EQ(upload->Finish().code(), absl::StatusCode::kCancelled);
  }
  const absl::Status done = waiting->Finish();
  EXPECT_TRUE(done.ok()) << done;
}

TEST_F(FileServiceTest, AStopEndsUploads) {
  auto upload = Begin();
  EXPECT_TRUE(upload->Send("some"));
  EXPECT_TRUE(upload->Send("more"));
  live_.Shutdown();
  const absl::Status stopped = upload->Finish();
  EXPECT_EQ(ReasonOf(stopped), stopped.code() == absl::StatusCode::kUnavailable ? "STOPPING" : "BUSY") << stopped;
}

}  // namespace
}  // namespace wavepost
