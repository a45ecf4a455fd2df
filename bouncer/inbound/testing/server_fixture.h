// A real server on loopback, a sink that waits for the test, and a client that blocks.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <spdlog/spdlog.h>

#include <asio/buffer.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/generic/stream_protocol.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/ssl/stream.hpp>
#include <asio/write.hpp>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bouncer/inbound/server.h"
#include "common/base/clock.h"

namespace wavepost {

// A return path with a genuine token.
inline std::string TestPath() {
  return ReturnPath(MakeToken(TokenKeys::ForTest(), {7, 42}, 1), "bounce.example");
}

// Holds every message until the test answers it.
class HeldSink final : public MessageSink {
 public:
  // From now on all are answered with OK as they come: for tests that expect none, which would otherwise wait for ever
  // where they should fail.
  void AnswerAtOnce() {
    std::lock_guard lock(mutex_);
    at_once_ = true;
  }

  void Take(TakenMessage message, std::string /*client*/, Done done) override {
    std::lock_guard lock(mutex_);
    if (at_once_) {
      messages_.push_back(std::move(message));
      return done(absl::OkStatus());
    }
    messages_.push_back(std::move(message));
    waiting_.push_back(std::move(done));
    arrived_.notify_all();
  }

  void WaitForOne() {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(arrived_.wait_for(lock, std::chrono::seconds(30), [this] { return !waiting_.empty(); }));
  }

  void Answer(absl::Status status) {
    WaitForOne();
    Done done;
    {
      std::lock_guard lock(mutex_);
      done = std::move(waiting_.front());
      waiting_.erase(waiting_.begin());
    }
    done(std::move(status));
  }

  TakenMessage message(size_t i) {
    std::lock_guard lock(mutex_);
    return messages_.at(i);
  }

  size_t stored() {
    std::lock_guard lock(mutex_);
    return messages_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  bool at_once_ = false;
  std::vector<Done> waiting_;
  std::vector<TakenMessage> messages_;
};

// A blocking client.
class TestClient {
 public:
  explicit TestClient(int port) : socket_(io_) {
    socket_.connect(asio::ip::tcp::endpoint(asio::ip::make_address("127.0.0.1"), static_cast<uint16_t>(port)));
  }
  explicit TestClient(const std::string& path) : socket_(io_) {
    socket_.connect(asio::local::stream_protocol::endpoint(path));
  }

  // After the 220 to STARTTLS; false: it failed. Speaks TLS from then on.
  bool Handshake(int version_max = TLS1_3_VERSION) {
    SSL_CTX_set_max_proto_version(context_.native_handle(), version_max);
    tls_.emplace(socket_, context_);
    asio::error_code error;
    tls_->handshake(asio::ssl::stream_base::client, error);
    return !error;
  }
  std::string subject() {
    X509* const certificate = SSL_get0_peer_certificate(tls_->native_handle());
    char name[256] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof(name));
    return name;
  }

  void Send(const std::string& bytes) {
    asio::error_code ignored;
    tls_.has_value() ? asio::write(*tls_, asio::buffer(bytes), ignored)
                     : asio::write(socket_, asio::buffer(bytes), ignored);
  }

  // The last line of the next reply without CRLF; "closed" at the end of the stream.
  std::string Reply() {
    for (;;) {
      const size_t end = buffer_.find("\r\n");
      if (end != std::string::npos) {
        const std::string line = buffer_.substr(0, end);
        buffer_.erase(0, end + 2);
        if (line.size() > 3 && line[3] == '-') continue;
        return line;
      }
      char bytes[4096];
      asio::error_code error;
      const size_t got = tls_.has_value() ? tls_->read_some(asio::buffer(bytes), error)
                                          : socket_.read_some(asio::buffer(bytes), error);
      if (error) return "closed";
      buffer_.append(bytes, got);
    }
  }

  std::string Command(const std::string& line) {
    Send(line + "\r\n");
    return Reply();
  }

  // Up to and with the 354.
  void ToData() {
    EXPECT_THAT(Reply(), ::testing::StartsWith("220 mx.bounce.example"));
    EXPECT_THAT(Command("EHLO client.example"), ::testing::StartsWith("250"));
    EXPECT_THAT(Command("MAIL FROM:<>"), ::testing::StartsWith("250 2.1.0"));
    EXPECT_THAT(Command("RCPT TO:<" + TestPath() + ">"), ::testing::StartsWith("250 2.1.5"));
    EXPECT_THAT(Command("DATA"), ::testing::StartsWith("354"));
  }

  void Close() { socket_.close(); }
  void Reset() {
    socket_.set_option(asio::socket_base::linger(true, 0));
    socket_.close();
  }

 private:
  asio::io_context io_;
  asio::generic::stream_protocol::socket socket_;
  asio::ssl::context context_{asio::ssl::context::tls_client};
  std::optional<asio::ssl::stream<asio::generic::stream_protocol::socket&>> tls_;
  std::string buffer_;
};

// A server on loopback, with a sink that waits for the test.
class ServerFixture : public ::testing::Test {
 protected:
  ServerFixture() { spdlog::set_level(spdlog::level::off); }
  ~ServerFixture() override { Stop(); }

  int Start(InboundLimits limits = {}, MessageSink* sink = nullptr) {
    server_ = std::make_unique<InboundServer>(
        io_, InboundServer::Options{.hostname = "mx.bounce.example", .limits = limits, .certificate = certificate_},
        Mailboxes({.domain = "bounce.example"}, TokenKeys::ForTest()), sink == nullptr ? &held_ : sink);
    EXPECT_TRUE(server_->Start().ok());
    EXPECT_TRUE(server_->Listen("127.0.0.1:0").ok());
    EXPECT_TRUE(server_->Listen("127.0.0.1:0").ok());
    if (!lmtp_.empty()) {
      EXPECT_TRUE(server_->Listen(lmtp_, Dialogue::Protocol::kLmtp).ok());
    }
    thread_ = std::thread([this] { io_.run(); });
    return server_->port();
  }

  void Stop() {
    if (!thread_.joinable()) return;
    std::promise<void> done;
    server_->Stop([&] { done.set_value(); });
    done.get_future().wait();
    work_.reset();
    thread_.join();
  }

  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(io_);
  CertificateFiles certificate_;
  std::string lmtp_;  // third listener
  ManualClock clock_;
  HeldSink held_;
  std::unique_ptr<InboundServer> server_;
  std::thread thread_;
};

}  // namespace wavepost
