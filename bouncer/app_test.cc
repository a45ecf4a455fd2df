#include "bouncer/app.h"

#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/mail/verp.h"
#include "wavepost/v1/ingest_service.grpc.pb.h"

namespace wavepost {
namespace {

constexpr char kKeys[] = "1 0101010101010101010101010101010101010101010101010101010101010101\n";

class BouncerAppTest : public ::testing::Test {
 protected:
  BouncerAppTest() : path_(testing::TempDir() + "wavepost_bouncer_app_" + std::to_string(::getpid())) {
    spdlog::set_level(spdlog::level::off);
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
    std::ofstream(path_ + "/keys") << kKeys;
    config_.data_dir = path_ + "/data";
    config_.listen = {"127.0.0.1:0"};
    config_.hostname = config_.return_path_domain = "bounce.example";
    config_.token_keys = path_ + "/keys";
    config_.coordinator = "127.0.0.1:1";  // nobody: it must not matter
    config_.status_listen = "127.0.0.1:0";
  }
  ~BouncerAppTest() override { std::filesystem::remove_all(path_); }

  // Everything the server says until it closes.
  static std::string Converse(int port, const std::string& bytes) {
    asio::io_context io;
    asio::ip::tcp::socket socket(io);
    socket.connect({asio::ip::make_address("127.0.0.1"), static_cast<uint16_t>(port)});
    asio::write(socket, asio::buffer(bytes));
    std::string out;
    char buffer[4096];
    asio::error_code error;
    while (!error) out.append(buffer, socket.read_some(asio::buffer(buffer), error));
    return out;
  }

  const std::string path_;
  BouncerConfig config_;
};

TEST_F(BouncerAppTest, TakesAReportAndKeepsItAcrossARestart) {
  const TokenKeys keys = TokenKeys::Load(path_ + "/keys").value();
  {
    auto app = BouncerApp::Start(config_);
    ASSERT_TRUE(app.ok()) << app.status();
    EXPECT_GT((*app)->status_port(), 0);
    const std::string said =
        Converse((*app)->smtp_port(), absl::StrCat("EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<",
                                                   ReturnPath(MakeToken(keys, {1, 2}, 1), "bounce.example"),
                                                   ">\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\nQUIT\r\n"));
    EXPECT_THAT(said, ::testing::HasSubstr("354 end with CRLF.CRLF\r\n250 2.0.0 OK\r\n221"));
    EXPECT_EQ((*app)->waiting(), 1);
    EXPECT_EQ((*app)->counters().messages_stored, 1);
    EXPECT_FALSE((*app)->feed_connected());
    (*app)->Stop();
  }
  auto app = BouncerApp::Start(config_);
  ASSERT_TRUE(app.ok()) << app.status();
  EXPECT_EQ((*app)->waiting(), 1);
}

TEST_F(BouncerAppTest, StatusPortAnswers) {
  auto app = BouncerApp::Start(config_);
  ASSERT_TRUE(app.ok()) << app.status();
  auto channel =
      grpc::CreateChannel(absl::StrCat("127.0.0.1:", (*app)->status_port()), grpc::InsecureChannelCredentials());
  EXPECT_TRUE(channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(30)));
}

TEST_F(BouncerAppTest, EveryDoorLeadsIntoTheOutbox) {
  config_.unsubscribe.listen = config_.ingest_listen = config_.metrics_listen = "127.0.0.1:0";
  const TokenKeys keys = TokenKeys::Load(path_ + "/keys").value();
  const std::string token = MakeToken(keys, {1, 2}, 1);
  auto app = BouncerApp::Start(config_);
  ASSERT_TRUE(app.ok()) << app.status();

  httplib::Client page("127.0.0.1", (*app)->page_port());
  const auto unsubscribed = page.Post("/u/" + UnsubscribeToken(token).value(), "List-Unsubscribe=One-Click",
                                      "application/x-www-form-urlencoded");
  ASSERT_TRUE(unsubscribed);
  EXPECT_EQ(unsubscribed->status, 200);
  EXPECT_EQ((*app)->waiting(), 1);

  const auto stub = v1::IngestService::NewStub(
      grpc::CreateChannel(absl::StrCat("127.0.0.1:", (*app)->ingest_port()), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  const auto stream = stub->IngestReport(&context);
  v1::IngestReportRequest request;
  request.set_message("Subject: x\r\n\r\nx\r\n");
  request.set_envelope_recipient(ReturnPath(token, "bounce.example"));
  ASSERT_TRUE(stream->Write(request));
  v1::IngestReportResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.reports(0).recipient_id(), "w1-2");
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ((*app)->waiting(), 2);

  httplib::Client figures("127.0.0.1", (*app)->metrics_port());
  const auto text = figures.Get("/metrics");
  ASSERT_TRUE(text);
  EXPECT_THAT(text->body, ::testing::HasSubstr("wavepost_bouncer_reports_total{class=\"unsubscribe\"} 1"));
  EXPECT_THAT(text->body, ::testing::HasSubstr("wavepost_bouncer_reports_by_source_total{source=\"ingest\"} 1"));
  EXPECT_THAT(text->body, ::testing::HasSubstr("wavepost_bouncer_outbox_waiting 2"));
  (*app)->Stop();
}

TEST_F(BouncerAppTest, FailuresToStartSayWhat) {
  auto first = BouncerApp::Start(config_);
  ASSERT_TRUE(first.ok()) << first.status();

  EXPECT_EQ(BouncerApp::Start(config_).status().code(), absl::StatusCode::kFailedPrecondition);  // data folder in use

  BouncerConfig second = config_;
  second.data_dir = path_ + "/other";
  second.listen = {absl::StrCat("127.0.0.1:", (*first)->smtp_port())};
  EXPECT_EQ(BouncerApp::Start(second).status().code(), absl::StatusCode::kUnavailable);

  second.listen = {"127.0.0.1:0"};
  second.status_listen = absl::StrCat("127.0.0.1:", (*first)->status_port());
  EXPECT_EQ(BouncerApp::Start(second).status().code(), absl::StatusCode::kUnavailable);

  second.status_listen.clear();
  second.token_keys = path_ + "/nokeys";
  EXPECT_EQ(BouncerApp::Start(second).status().code(), absl::StatusCode::kNotFound);

  second.token_keys = config_.token_keys;
  second.coordinator = "192.0.2.1:7000";
  EXPECT_EQ(BouncerApp::Start(second).status().code(), absl::StatusCode::kFailedPrecondition);  // clear text

  second.coordinator = config_.coordinator;
  auto fine = BouncerApp::Start(second);  // nothing of the failed starts is left
  ASSERT_TRUE(fine.ok()) << fine.status();
  EXPECT_EQ((*fine)->status_port(), 0);
}

}  // namespace
}  // namespace wavepost
