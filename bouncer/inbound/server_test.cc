#include "bouncer/inbound/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <future>
#include <mutex>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "bouncer/inbound/testing/server_fixture.h"
#include "bouncer/intake/intake.h"
#include "bouncer/outbox/outbox.h"

namespace wavepost {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class ServerTest : public ServerFixture {};
using Client = TestClient;

TEST_F(ServerTest, No250BeforeItIsStored) {
  Client client(Start());
  client.ToData();
  client.Send("Subject: x\r\n\r\nx\r\n.\r\n");
  held_.WaitForOne();
  EXPECT_EQ(server_->counters().messages_stored, 0);
  held_.Answer(absl::OkStatus());
  EXPECT_THAT(client.Reply(), StartsWith("250 2.0.0"));
  EXPECT_EQ(server_->counters().messages_stored, 1);
  EXPECT_THAT(client.Command("QUIT"), StartsWith("221"));
  EXPECT_EQ(client.Reply(), "closed");
}

TEST_F(ServerTest, FailedStoreIsA451AndTheNextMessageWorks) {
  Client client(Start());
  client.ToData();
  client.Send("x\r\n.\r\n");
  held_.Answer(absl::UnavailableError("sync failed"));
  EXPECT_THAT(client.Reply(), StartsWith("451 4.3.0"));
  EXPECT_EQ(server_->counters().messages_not_stored, 1);
  client.Send("MAIL FROM:<>\r\nRCPT TO:<" + TestPath() + ">\r\nDATA\r\n");
  for (const char* want : {"250", "250", "354"}) EXPECT_THAT(client.Reply(), StartsWith(want));
  client.Send("x\r\n.\r\n");
  held_.Answer(absl::OkStatus());
  EXPECT_THAT(client.Reply(), StartsWith("250"));
}

// The real outbox over a disk that fails to sync.
TEST_F(ServerTest, FailedSyncIsA451) {
  const std::string path = testing::TempDir() + "wavepost_inbound_" + std::to_string(::getpid());
  std::filesystem::remove_all(path);
  auto outbox = Outbox::Open({.path = path, .sync = [] { return absl::UnavailableError("input/output error"); }});
  ASSERT_TRUE(outbox.ok()) << outbox.status();
  const TokenKeys keys = TokenKeys::ForTest();
  Intake sink(&keys, outbox->get(), nullptr, &clock_);
  {
    Client client(Start({}, &sink));
    client.ToData();
    client.Send("x\r\n.\r\n");
    EXPECT_THAT(client.Reply(), StartsWith("451"));
    EXPECT_EQ((*outbox)->durable_through(), 0);
  }
  Stop();
  outbox->reset();
  std::filesystem::remove_all(path);
}

TEST_F(ServerTest, BadTokenIsRefusedAtRcpt) {
  Client client(Start());
  client.Reply();
  client.Command("EHLO c");
  client.Command("MAIL FROM:<>");
  EXPECT_EQ(client.Command("RCPT TO:<b+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@bounce.example>"), "550 5.1.1 no such address");
  EXPECT_THAT(client.Command("DATA"), StartsWith("554"));
  client.Command("QUIT");
  EXPECT_EQ(client.Reply(), "closed");
  Stop();
  EXPECT_EQ(server_->counters().recipients_refused, 1);
  EXPECT_EQ(held_.stored(), 0u);
}

TEST_F(ServerTest, TokensOfUnknownKeysAreCounted) {
  Client client(Start());
  client.Reply();
  client.Command("EHLO c");
  client.Command("MAIL FROM:<>");
  EXPECT_THAT(client.Command("RCPT TO:<b+eaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@bounce.example>"), StartsWith("450 4.7.1"));
  client.Command("QUIT");
  Stop();
  EXPECT_EQ(server_->counters().unknown_keys, 1);
  EXPECT_EQ(server_->counters().recipients_refused, 0);
}

TEST_F(ServerTest, DisconnectBeforeTheDotStoresNothing) {
  const int port = Start();
  for (const bool reset : {false, true}) {
    Client client(port);
    client.ToData();
    client.Send("Subject: x\r\n\r\nhalf of a message\r\n.");
    reset ? client.Reset() : client.Close();
  }
  Stop();  // waits until both are gone
  EXPECT_EQ(held_.stored(), 0u);
}

TEST_F(ServerTest, DisconnectWhileStoringIsHarmless) {
  {
    Client client(Start());
    client.ToData();
    client.Send("x\r\n.\r\n");
    held_.WaitForOne();
    client.Reset();
  }
  held_.Answer(absl::OkStatus());
  Stop();
  EXPECT_EQ(held_.stored(), 1u);
}

TEST_F(ServerTest, SmuggledMessageIsRefusedAndTheConnectionClosed) {
  Client client(Start());
  client.ToData();
  client.Send("x\r\n\r\nbody\n.\r\nMAIL FROM:<>\r\nRCPT TO:<" + TestPath() + ">\r\nDATA\r\ny\r\n.\r\n");
  EXPECT_THAT(client.Reply(), StartsWith("554 5.6.0"));
  EXPECT_EQ(client.Reply(), "closed");
  EXPECT_EQ(held_.stored(), 0u);
}

TEST_F(ServerTest, OversizeIsA552) {
  InboundLimits limits;
  limits.message_bytes_max = 64 * 1024;
  Client client(Start(limits));
  client.ToData();
  std::string line(998, 'x');
  line += "\r\n";
  for (int i = 0; i < 100; ++i) client.Send(line);
  client.Send(".\r\n");
  EXPECT_THAT(client.Reply(), StartsWith("552 5.3.4"));
  EXPECT_THAT(client.Command("NOOP"), StartsWith("250"));
  EXPECT_EQ(held_.stored(), 0u);
}

TEST_F(ServerTest, PipelinedTransactions) {
  Client client(Start());
  std::string all = "EHLO c\r\n";
  constexpr int kMessages = 50;
  for (int i = 0; i < kMessages; ++i) all += "MAIL FROM:<>\r\nRCPT TO:<" + TestPath() + ">\r\nDATA\r\nx\r\n.\r\n";
  client.Send(all + "QUIT\r\n");
  for (int i = 0; i < kMessages; ++i) held_.Answer(absl::OkStatus());
  std::string codes;
  for (std::string reply = client.Reply(); reply != "closed"; reply = client.Reply()) codes += reply.substr(0, 3) + " ";
  std::string want = "220 250 ";
  for (int i = 0; i < kMessages; ++i) want += "250 250 354 250 ";
  EXPECT_EQ(codes, want + "221 ");
}

TEST_F(ServerTest, ConnectionLimits) {
  InboundLimits limits;
  limits.connections_per_client_max = 2;
  const int port = Start(limits);
  Client first(port);
  Client second(port);
  EXPECT_THAT(first.Reply(), StartsWith("220"));
  EXPECT_THAT(second.Reply(), StartsWith("220"));
  Client third(port);
  EXPECT_THAT(third.Reply(), StartsWith("421 4.7.0"));
  EXPECT_EQ(third.Reply(), "closed");
  first.Command("QUIT");
  EXPECT_EQ(first.Reply(), "closed");
  // The place is free as soon as the server has seen the end.
  std::string reply;
  for (int i = 0; i < 1000 && !reply.starts_with("220"); ++i) reply = Client(port).Reply();
  EXPECT_THAT(reply, StartsWith("220"));
  EXPECT_GE(server_->counters().connections_refused, 1);
}

TEST_F(ServerTest, TotalConnectionLimit) {
  InboundLimits limits;
  limits.connections_max = 1;
  Start(limits);
  Client first(server_->port(0));
  EXPECT_THAT(first.Reply(), StartsWith("220"));
  Client second(server_->port(1));
  EXPECT_THAT(second.Reply(), StartsWith("421"));
}

TEST_F(ServerTest, SilentClientTimesOut) {
  InboundLimits limits;
  limits.command_timeout = absl::Milliseconds(50);
  Client client(Start(limits));
  EXPECT_THAT(client.Reply(), StartsWith("220"));
  EXPECT_THAT(client.Reply(), StartsWith("421 4.4.2"));
  EXPECT_EQ(client.Reply(), "closed");
  EXPECT_EQ(server_->counters().timeouts, 1);
}

TEST_F(ServerTest, TricklingACommandDoesNotExtendItsTime) {
  InboundLimits limits;
  limits.command_timeout = absl::Milliseconds(200);
  Client client(Start(limits));
  EXPECT_THAT(client.Reply(), StartsWith("220"));
  // A byte every 10 ms for up to 10 s; ends when the reply is there.
  constexpr int kBytes = 1000;
  std::mutex mutex;
  std::condition_variable changed;
  bool answered = false;
  int sent = 0;
  std::thread trickle([&] {
    std::unique_lock lock(mutex);
    while (sent < kBytes && !changed.wait_for(lock, std::chrono::milliseconds(10), [&] { return answered; })) {
      client.Send("X");
      ++sent;
    }
  });
  EXPECT_THAT(client.Reply(), StartsWith("421 4.4.2"));
  {
    std::lock_guard lock(mutex);
    answered = true;
    EXPECT_LT(sent, kBytes);
  }
  changed.notify_all();
  trickle.join();
}

TEST_F(ServerTest, SilenceInAMessageTimesOut) {
  InboundLimits limits;
  limits.data_timeout = absl::Milliseconds(50);
  Client client(Start(limits));
  client.ToData();
  client.Send("Subject: x\r\n");
  EXPECT_THAT(client.Reply(), StartsWith("421 4.4.2"));
  EXPECT_EQ(held_.stored(), 0u);
}

TEST_F(ServerTest, StopLetsAMessageFinish) {
  const int port = Start();
  Client idle(port);
  EXPECT_THAT(idle.Reply(), StartsWith("220"));
  Client busy(port);
  busy.ToData();
  std::promise<void> done;
  server_->Stop([&] { done.set_value(); });
  EXPECT_EQ(idle.Reply(), "421 4.3.2 shutting down, closing connection");
  busy.Send("x\r\n.\r\n");
  held_.Answer(absl::OkStatus());
  EXPECT_THAT(busy.Reply(), StartsWith("250"));
  EXPECT_THAT(busy.Reply(), StartsWith("421 4.3.2"));
  done.get_future().wait();
  work_.reset();
  thread_.join();
}

TEST_F(ServerTest, StopDoesNotWaitForEver) {
  InboundLimits limits;
  limits.drain_timeout = absl::Milliseconds(50);
  Client client(Start(limits));
  client.ToData();
  Stop();
  EXPECT_EQ(client.Reply(), "closed");
  EXPECT_EQ(held_.stored(), 0u);
}

TEST_F(ServerTest, ListenErrorsSayWhich) {
  const int port = Start();
  InboundServer other(io_, {.hostname = "h"}, Mailboxes({.domain = "bounce.example"}, TokenKeys::ForTest()), &held_);
  const absl::Status taken = other.Listen(absl::StrCat("127.0.0.1:", port));
  EXPECT_EQ(taken.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(taken.message()), HasSubstr(absl::StrCat("127.0.0.1:", port)));
  for (const char* bad : {"", "127.0.0.1", "localhost:25", "127.0.0.1:x", "127.0.0.1:70000", ":25", "[::1:25"}) {
    EXPECT_EQ(other.Listen(bad).code(), absl::StatusCode::kInvalidArgument) << bad;
  }
}

}  // namespace
}  // namespace wavepost
