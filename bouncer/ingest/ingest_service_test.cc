#include "bouncer/ingest/ingest_service.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "bouncer/intake/intake.h"
#include "common/rpc/server.h"
#include "wavepost/v1/ingest_service.grpc.pb.h"

namespace wavepost {
namespace {

class IngestStore final : public ReportStore {
 public:
  void Append(std::vector<cluster::v1::BounceReport> reports, Done done) override {
    absl::Status status;
    {
      const std::lock_guard lock(mutex_);
      if (stored_ >= room_) {
        status = absl::ResourceExhaustedError("the outbox is full");
      } else {
        stored_ += reports.size();
      }
    }
    done(status);
  }
  void Room(size_t room) {
    const std::lock_guard lock(mutex_);
    room_ = room;
  }
  size_t stored() {
    const std::lock_guard lock(mutex_);
    return stored_;
  }

 private:
  std::mutex mutex_;
  size_t stored_ = 0;
  size_t room_ = 1'000'000;
};

class IngestServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto rpc = StartRpcServer("127.0.0.1:0", {}, {ingest_.service()});
    ASSERT_TRUE(rpc.ok()) << rpc.status();
    rpc_ = *std::move(rpc);
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    stub_ = v1::IngestService::NewStub(grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", rpc_.port),
                                                                 grpc::InsecureChannelCredentials(), arguments));
  }
  void TearDown() override {
    rpc_.server->Shutdown(std::chrono::system_clock::now());
    intake_.Stop();
  }

  static v1::IngestReportRequest Request(const std::string& id, const std::string& recipient) {
    v1::IngestReportRequest request;
    request.set_id(id);
    request.set_envelope_recipient(recipient);
    request.set_message("Subject: away\r\nAuto-Submitted: auto-replied\r\n\r\nback on Monday\r\n");
    return request;
  }

  const SystemClock clock_;
  const TokenKeys keys_ = TokenKeys::ForTest();
  IngestStore store_;
  Intake intake_{&keys_, &store_, nullptr, &clock_};
  IngestServer ingest_{&intake_, false};
  RpcServer rpc_;
  std::unique_ptr<v1::IngestService::Stub> stub_;
};

TEST_F(IngestServiceTest, AnswersInOrderWhatItMadeOfThem) {
  grpc::ClientContext context;
  const auto stream = stub_->IngestReport(&context);
  const std::string genuine = absl::StrCat("b+", MakeToken(keys_, {3, 4}, 1), "@b.example");
  constexpr int kCount = 300;  // several windows
  std::thread writer([&] {
    for (int i = 0; i < kCount; ++i) {
      ASSERT_TRUE(stream->Write(Request(absl::StrCat("n", i), i % 2 == 0 ? genuine : "other@b.example")));
    }
    stream->WritesDone();
  });
  v1::IngestReportResponse response;
  for (int i = 0; i < kCount; ++i) {
    ASSERT_TRUE(stream->Read(&response)) << i;
    EXPECT_EQ(response.id(), absl::StrCat("n", i));
    EXPECT_EQ(response.status().code(), 0);
    ASSERT_EQ(response.reports_size(), 1);
    EXPECT_EQ(response.reports(0).recipient_id(), i % 2 == 0 ? "w3-4" : "");
    EXPECT_EQ(response.reports(0).bounce_class(), v1::AUTO_REPLY);
  }
  EXPECT_FALSE(stream->Read(&response));
  writer.join();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(store_.stored(), static_cast<size_t>(kCount));
  EXPECT_EQ(ingest_.messages(), kCount);
}

TEST_F(IngestServiceTest, WhatIsNotStoredIsSaid) {
  store_.Room(1);
  grpc::ClientContext context;
  const auto stream = stub_->IngestReport(&context);
  auto large = Request("large", "");
  large.set_message(std::string(IngestServer::kMessageBytesMax + 1, 'x'));
  for (const auto& request : {Request("first", ""), Request("second", ""), large}) ASSERT_TRUE(stream->Write(request));
  stream->WritesDone();
  std::vector<int> codes;
  v1::IngestReportResponse response;
  while (stream->Read(&response)) {
    codes.push_back(response.status().code());
    EXPECT_EQ(response.reports_size(), response.status().code() == 0 ? 1 : 0);
  }
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_THAT(codes,
              ::testing::ElementsAre(0, grpc::StatusCode::RESOURCE_EXHAUSTED, grpc::StatusCode::INVALID_ARGUMENT));
}

TEST_F(IngestServiceTest, AStreamThatBreaksOffLeavesNothingBehind) {
  for (int round = 0; round < 20; ++round) {
    grpc::ClientContext context;
    const auto stream = stub_->IngestReport(&context);
    for (int i = 0; i < 50; ++i) {
      if (!stream->Write(Request("x", ""))) break;
    }
    context.TryCancel();
    stream->Finish();
  }
  // Places come free as the server notices; all of them do.
  bool taken = false;
  while (!taken) {
    grpc::ClientContext context;
    const auto stream = stub_->IngestReport(&context);
    stream->Write(Request("last", ""));
    stream->WritesDone();
    v1::IngestReportResponse response;
    taken = stream->Read(&response);
    EXPECT_EQ(stream->Finish().ok(), taken);
  }
}

TEST_F(IngestServiceTest, ThereIsALimitOfStreams) {
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReaderWriter<v1::IngestReportRequest, v1::IngestReportResponse>>> streams;
  v1::IngestReportResponse response;
  for (int i = 0; i < IngestServer::kStreamsMax; ++i) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    streams.push_back(stub_->IngestReport(contexts.back().get()));
    ASSERT_TRUE(streams.back()->Write(Request("a", "")));
    ASSERT_TRUE(streams.back()->Read(&response));
  }
  grpc::ClientContext context;
  const auto one_more = stub_->IngestReport(&context);
  EXPECT_FALSE(one_more->Read(&response));
  EXPECT_EQ(one_more->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  for (auto& stream : streams) {
    stream->WritesDone();
    EXPECT_TRUE(stream->Finish().ok());
  }
}

}  // namespace
}  // namespace wavepost
