// STARTTLS, LMTP and addresses, over real sockets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "bouncer/inbound/certificates.h"
#include "bouncer/inbound/testing/self_signed.h"
#include "bouncer/inbound/testing/server_fixture.h"

namespace wavepost {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ServerTlsTest : public ServerFixture {
 protected:
  ServerTlsTest() : path_(testing::TempDir() + "wavepost_tls_" + std::to_string(::getpid())) {
    fs::remove_all(path_);
    fs::create_directories(path_);
    pem_ = path_ + "/mx.pem";
    WriteSelfSigned(pem_, "mx.bounce.example");
    certificate_ = {pem_, pem_};
  }
  ~ServerTlsTest() override {
    Stop();
    fs::remove_all(path_);
  }

  // Up to the 220 to STARTTLS.
  static void ToHandshake(TestClient* client) {
    EXPECT_THAT(client->Reply(), StartsWith("220"));
    EXPECT_THAT(client->Command("EHLO c"), StartsWith("250"));
    EXPECT_THAT(client->Command("STARTTLS"), StartsWith("220 2.0.0"));
  }

  const std::string path_;
  std::string pem_;
};

TEST_F(ServerTlsTest, TakesAMessage) {
  TestClient client(Start());
  ToHandshake(&client);
  ASSERT_TRUE(client.Handshake());
  EXPECT_EQ(client.subject(), "mx.bounce.example");
  EXPECT_THAT(client.Command("MAIL FROM:<>"), StartsWith("503"));
  EXPECT_THAT(client.Command("EHLO c"), StartsWith("250"));
  client.Send("MAIL FROM:<>\r\nRCPT TO:<" + TestPath() + ">\r\nBDAT 3 LAST\r\nx\r\nQUIT\r\n");
  held_.Answer(absl::OkStatus());
  for (const char* want : {"250", "250", "250", "221", "closed"}) EXPECT_THAT(client.Reply(), StartsWith(want));
  EXPECT_EQ(server_->counters().handshakes, 1);
  EXPECT_EQ(server_->counters().messages_stored, 1);
}

// Several records of TLS, each way.
TEST_F(ServerTlsTest, ALargeMessage) {
  TestClient client(Start());
  ToHandshake(&client);
  ASSERT_TRUE(client.Handshake());
  client.Command("EHLO c");
  client.Command("MAIL FROM:<>");
  client.Command("RCPT TO:<postmaster>");
  client.Command("DATA");
  std::string content;
  for (int i = 0; i < 20'000; ++i) absl::StrAppend(&content, "line ", i, "\r\n");
  client.Send(content + ".\r\n");
  held_.Answer(absl::OkStatus());
  EXPECT_THAT(client.Reply(), StartsWith("250"));
  EXPECT_EQ(held_.message(0).head, content);
}

TEST_F(ServerTlsTest, OldVersionsAreRefused) {
  TestClient client(Start());
  ToHandshake(&client);
  EXPECT_FALSE(client.Handshake(TLS1_1_VERSION));
  EXPECT_EQ(client.Reply(), "closed");
  Stop();
  EXPECT_EQ(server_->counters().handshakes_failed, 1);
}

// What was sent behind STARTTLS in the same packet must never be carried out, neither before nor after the handshake.
TEST_F(ServerTlsTest, InjectedCommandsAreDropped) {
  held_.AnswerAtOnce();
  TestClient client(Start());
  client.Reply();
  client.Command("EHLO c");
  client.Send("STARTTLS\r\nEHLO evil\r\nMAIL FROM:<evil@evil.example>\r\nRCPT TO:<" + TestPath() +
              ">\r\nDATA\r\nx\r\n.\r\n");
  EXPECT_THAT(client.Reply(), StartsWith("220"));
  if (client.Handshake()) {
    EXPECT_THAT(client.Command("RSET"), StartsWith("250 2.0.0 OK"));
  }
  Stop();
  EXPECT_EQ(held_.stored(), 0u);
}

TEST_F(ServerTlsTest, ClearTextInsteadOfAHandshakeEndsIt) {
  TestClient client(Start());
  ToHandshake(&client);
  client.Send("MAIL FROM:<>\r\n");
  EXPECT_EQ(client.Reply().find("250"), std::string::npos);
  Stop();
  EXPECT_EQ(server_->counters().handshakes_failed, 1);
}

TEST_F(ServerTlsTest, SilenceInTheHandshakeTimesOut) {
  InboundLimits limits;
  limits.handshake_timeout = absl::Milliseconds(50);
  TestClient client(Start(limits));
  ToHandshake(&client);
  EXPECT_EQ(client.Reply(), "closed");
}

TEST_F(ServerTlsTest, StopSays421OverTls) {
  TestClient client(Start());
  ToHandshake(&client);
  ASSERT_TRUE(client.Handshake());
  EXPECT_THAT(client.Command("EHLO c"), StartsWith("250"));
  std::thread stop([this] { Stop(); });
  EXPECT_THAT(client.Reply(), StartsWith("421"));
  stop.join();
}

TEST_F(ServerTlsTest, LmtpOverAPath) {
  lmtp_ = "unix:" + path_ + "/lmtp";
  Start();
  TestClient client(path_ + "/lmtp");
  EXPECT_EQ(client.Reply(), "220 mx.bounce.example LMTP Wavepost bouncer");
  client.Send("LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<" + TestPath() + ">\r\nRCPT TO:<postmaster>\r\nDATA\r\nx\r\n.\r\n");
  for (const char* want : {"250", "250", "250", "250", "354"}) EXPECT_THAT(client.Reply(), StartsWith(want));
  held_.Answer(absl::OkStatus());
  EXPECT_THAT(client.Reply(), StartsWith("250 2.0.0"));
  EXPECT_THAT(client.Reply(), StartsWith("250 2.0.0"));
  struct stat info {};
  ASSERT_EQ(::stat((path_ + "/lmtp").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0660u);
  // Somebody listens there; nothing is taken away from him.
  InboundServer other(io_, {.hostname = "h"}, Mailboxes({.domain = "b.example"}, TokenKeys::ForTest()), &held_);
  EXPECT_EQ(other.Listen(lmtp_, Dialogue::Protocol::kLmtp).code(), absl::StatusCode::kUnavailable);
}

TEST_F(ServerTlsTest, PathsAndPorts) {
  InboundServer server(io_, {.hostname = "h"}, Mailboxes({.domain = "b.example"}, TokenKeys::ForTest()), &held_);
  std::ofstream(path_ + "/file") << "x";
  EXPECT_EQ(server.Listen("unix:" + path_ + "/file").code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(fs::exists(path_ + "/file"));
  for (const std::string& bad : {std::string("unix:"), std::string("unix:here"), "unix:/" + std::string(200, 'x')}) {
    EXPECT_EQ(server.Listen(bad).code(), absl::StatusCode::kInvalidArgument) << bad;
  }
  for (const char* bad : {"127.0.0.1:25", "[::1]:25"}) {
    EXPECT_EQ(server.Listen(bad, Dialogue::Protocol::kLmtp).code(), absl::StatusCode::kInvalidArgument) << bad;
  }
  {  // left behind
    asio::local::stream_protocol::acceptor(io_, asio::local::stream_protocol::endpoint(path_ + "/stale"));
  }
  EXPECT_TRUE(server.Listen("unix:" + path_ + "/stale").ok());
}

class CertificatesTest : public ServerTlsTest {
 protected:
  static std::string NameOf(const Certificates::Context& context) {
    char name[256] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_CTX_get0_certificate(context->native_handle())), NID_commonName,
                              name, sizeof(name));
    return name;
  }
  // A file system may count time in steps that are larger than the test is long.
  void Touch(int seconds) { fs::last_write_time(pem_, fs::last_write_time(pem_) + std::chrono::seconds(seconds)); }
};

TEST_F(CertificatesTest, ReadAgainWhenItChanges) {
  Certificates::Time now{std::chrono::hours(1)};
  auto certificates = Certificates::Load(certificate_, now);
  ASSERT_TRUE(certificates.ok()) << certificates.status();
  const Certificates::Context first = (*certificates)->Current(now);
  WriteSelfSigned(pem_, "renewed.example");
  Touch(5);
  EXPECT_EQ((*certificates)->Current(now + std::chrono::seconds(9)), first);  // not looked at yet
  now += std::chrono::seconds(10);
  EXPECT_EQ(NameOf((*certificates)->Current(now)), "renewed.example");

  std::ofstream(pem_) << "half a renewal";
  Touch(10);
  now += std::chrono::seconds(10);
  EXPECT_EQ(NameOf((*certificates)->Current(now)), "renewed.example");
  WriteSelfSigned(pem_, "whole.example");
  Touch(20);
  now += std::chrono::seconds(10);
  EXPECT_EQ(NameOf((*certificates)->Current(now)), "whole.example");
}

TEST_F(CertificatesTest, ErrorsNameTheFile) {
  const std::string other = path_ + "/other.pem";
  WriteSelfSigned(other, "other.example");
  std::ofstream(path_ + "/rubbish.pem") << "rubbish";
  struct Row {
    std::string certificate, key;
    absl::StatusCode want;
  };
  for (const Row& row : {Row{path_ + "/none.pem", pem_, absl::StatusCode::kNotFound},
                         Row{pem_, path_ + "/none.pem", absl::StatusCode::kNotFound},
                         Row{path_ + "/rubbish.pem", pem_, absl::StatusCode::kInvalidArgument},
                         Row{pem_, path_ + "/rubbish.pem", absl::StatusCode::kInvalidArgument},
                         Row{pem_, other, absl::StatusCode::kInvalidArgument}}) {
    const auto loaded = Certificates::Load({row.certificate, row.key}, {});
    EXPECT_EQ(loaded.status().code(), row.want) << loaded.status();
    EXPECT_THAT(std::string(loaded.status().message()), HasSubstr(path_));
  }
}

// Without a callback of ours OpenSSL asks whoever started the server.
TEST_F(CertificatesTest, NobodyIsAskedForAPassphrase) {
  const auto plain = Certificates::Load(certificate_, {});
  ASSERT_TRUE(plain.ok()) << plain.status();
  const pem_password_cb* const callback = SSL_CTX_get_default_passwd_cb((*plain)->Current({})->native_handle());
  ASSERT_NE(callback, nullptr);
  char buffer[16];
  EXPECT_EQ(callback(buffer, sizeof(buffer), 0, nullptr), 0);

  const std::string locked = path_ + "/locked.pem";
  WriteSelfSigned(locked, "locked.example", "secret");
  const auto loaded = Certificates::Load({locked, locked}, {});
  EXPECT_EQ(loaded.status().code(), absl::StatusCode::kInvalidArgument) << loaded.status();
  EXPECT_THAT(std::string(loaded.status().message()), HasSubstr(locked));
}

}  // namespace
}  // namespace wavepost
