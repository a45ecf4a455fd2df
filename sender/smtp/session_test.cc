#include "sender/smtp/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/read_until.hpp>
#include <asio/streambuf.hpp>
#include <asio/write.hpp>
#include <string>
#include <vector>

namespace wavepost {
namespace {

using asio::ip::tcp;
using testing::HasSubstr;
using Failure = AttemptResult::Failure;

// A line of the peer's script: waits until the client has sent `expect` (as the next bytes), then says `say`.
// An empty `expect` speaks at once; say "<close>" hangs up.
struct Line {
  std::string expect;
  std::string say;
};

// A scripted mail host on loopback. Records what the client sent.
class Peer {
 public:
  explicit Peer(asio::io_context& io) : acceptor_(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {}

  tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }
  const std::string& heard() const { return heard_; }

  Awaitable<void> Play(std::vector<Line> script) {
    auto [error, socket] = co_await acceptor_.async_accept(use_tuple);
    if (error) co_return;
    for (const Line& line : script) {
      std::string got;
      while (got.size() < line.expect.size()) {
        char byte;
        auto [read_error, count] = co_await socket.async_read_some(asio::buffer(&byte, 1), use_tuple);
        if (read_error) co_return;
        got.push_back(byte);
        heard_.push_back(byte);
      }
      EXPECT_EQ(got, line.expect);
      if (line.say == "<close>") co_return;
      co_await asio::async_write(socket, asio::buffer(line.say), use_tuple);
    }
    char byte;
    co_await socket.async_read_some(asio::buffer(&byte, 1), use_tuple);  // until the client hangs up
  }

 private:
  tcp::acceptor acceptor_;
  std::string heard_;
};

constexpr char kMessage[] = "Subject: x\r\n\r\nhello\r\n.\r\n";
constexpr char kEhloPlain[] = "250 mx.test\r\n";
constexpr char kEhloPipelining[] = "250-mx.test\r\n250-PIPELINING\r\n250 SIZE 1000\r\n";

struct Played {
  std::optional<AttemptResult> open;
  std::optional<AttemptResult> send;
  bool usable = false;
  int marks = 0;
};

// Runs a session against the script: open, and if that went well one transaction (or `transactions`).
Played PlayOut(std::vector<Line> script, int transactions = 1, bool mark = true) {
  asio::io_context io;
  Peer peer(io);
  Played played;
  Session session(io, {.route = {.source = asio::ip::address_v4::loopback(), .ehlo_name = "out.test"}});
  asio::co_spawn(io, peer.Play(std::move(script)), asio::detached);
  auto client = [](Session* s, Peer* p, Played* out, int count, bool mark_result) -> Awaitable<void> {
    SessionTarget target{.endpoint = p->endpoint(), .host_name = "mx.test", .tls = {}};
    out->open = co_await s->Open(target);
    for (int i = 0; i < count && !out->open.has_value() && s->usable(); ++i) {
      OutgoingMessage message{.canonical = std::make_shared<const std::string>(kMessage, sizeof kMessage - 4)};
      Envelope envelope{.return_path = "b+t@bounce.test", .recipient = "u@a.test"};
      std::function<Awaitable<bool>()> before = [out, mark_result]() -> Awaitable<bool> {
        ++out->marks;
        co_return mark_result;
      };
      out->send = co_await s->Send(envelope, message, before);
    }
    out->usable = s->usable();
    s->connection().Close();
  };
  asio::co_spawn(io, client(&session, &peer, &played, transactions, mark), asio::detached);
  io.run_for(std::chrono::seconds(10));
  return played;
}

const Line kGreeting{"", "220 mx.test ESMTP\r\n"};

TEST(SessionTest, OneCommandAtATime) {
  const Played played = PlayOut({kGreeting,
                                 {"EHLO out.test\r\n", kEhloPlain},
                                 {"MAIL FROM:<b+t@bounce.test>\r\n", "250 ok\r\n"},
                                 {"RCPT TO:<u@a.test>\r\n", "250 ok\r\n"},
                                 {"DATA\r\n", "354 go\r\n"},
                                 {kMessage, "250 2.0.0 queued as X\r\n"}});
  ASSERT_TRUE(played.send.has_value());
  EXPECT_EQ(played.send->phase, Phase::kEndOfData);
  EXPECT_EQ(played.send->reply->code, 250);
  EXPECT_TRUE(played.usable);
  EXPECT_EQ(played.marks, 1);
}

TEST(SessionTest, PipelinesTheEnvelopeAndResetsAfterARefusal) {
  const std::string group = "MAIL FROM:<b+t@bounce.test> SIZE=21\r\nRCPT TO:<u@a.test>\r\nDATA\r\n";
  const Played played = PlayOut({kGreeting,
                                 {"EHLO out.test\r\n", kEhloPipelining},
                                 {group, "250 ok\r\n550 5.1.1 no such user\r\n503 no recipients\r\n"},
                                 {"RSET\r\n" + group, "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"},
                                 {kMessage, "250 ok\r\n"}},
                                2);
  ASSERT_TRUE(played.send.has_value());
  EXPECT_EQ(played.send->reply->code, 250);
  EXPECT_EQ(played.marks, 1) << "a refused recipient never reaches the point of no return";
}

TEST(SessionTest, RefusedRecipientIsTheAnswer) {
  const Played played = PlayOut({kGreeting,
                                 {"EHLO out.test\r\n", kEhloPlain},
                                 {"MAIL FROM:<b+t@bounce.test>\r\n", "250 ok\r\n"},
                                 {"RCPT TO:<u@a.test>\r\n", "450 4.2.0 greylisted\r\n"}});
  ASSERT_TRUE(played.send.has_value());
  EXPECT_EQ(played.send->phase, Phase::kRcpt);
  EXPECT_EQ(played.send->reply->code, 450);
  EXPECT_FALSE(played.send->maybe_delivered);
  EXPECT_TRUE(played.usable);
}

TEST(SessionTest, FallsBackToHelo) {
  const Played played =
      PlayOut({kGreeting, {"EHLO out.test\r\n", "502 what?\r\n"}, {"HELO out.test\r\n", "250 hi\r\n"}}, 0);
  EXPECT_FALSE(played.open.has_value());
  EXPECT_TRUE(played.usable);
}

TEST(SessionTest, BadGreetingsEndTheAttempt) {
  EXPECT_EQ(PlayOut({{"", "554 go away\r\n"}}).open->reply->code, 554);
  EXPECT_EQ(PlayOut({{"", "421 4.7.0 too many\r\n"}}).open->phase, Phase::kGreeting);
  EXPECT_EQ(PlayOut({{"", "<close>"}}).open->failure, Failure::kLost);
  EXPECT_EQ(PlayOut({{"", "HTTP/1.1 400 Bad Request\r\n"}}).open->failure, Failure::kLost);
}

TEST(SessionTest, LostAfterTheDotMayBeDelivered) {
  const Played played = PlayOut({kGreeting,
                                 {"EHLO out.test\r\n", kEhloPlain},
                                 {"MAIL FROM:<b+t@bounce.test>\r\n", "250 ok\r\n"},
                                 {"RCPT TO:<u@a.test>\r\n", "250 ok\r\n"},
                                 {"DATA\r\n", "354 go\r\n"},
                                 {kMessage, "<close>"}});
  EXPECT_EQ(played.send->failure, Failure::kLost);
  EXPECT_EQ(played.send->phase, Phase::kEndOfData);
  EXPECT_TRUE(played.send->maybe_delivered);
  EXPECT_FALSE(played.usable);
}

TEST(SessionTest, LostBeforeTheMessageIsNot) {
  const Played played = PlayOut({kGreeting,
                                 {"EHLO out.test\r\n", kEhloPlain},
                                 {"MAIL FROM:<b+t@bounce.test>\r\n", "250 ok\r\n"},
                                 {"RCPT TO:<u@a.test>\r\n", "<close>"}});
  EXPECT_EQ(played.send->failure, Failure::kLost);
  EXPECT_EQ(played.send->phase, Phase::kRcpt);
  EXPECT_FALSE(played.send->maybe_delivered);
}

TEST(SessionTest, WithdrawnBeforeTheDotSendsNothing) {
  const Played played = PlayOut({kGreeting,
                                 {"EHLO out.test\r\n", kEhloPlain},
                                 {"MAIL FROM:<b+t@bounce.test>\r\n", "250 ok\r\n"},
                                 {"RCPT TO:<u@a.test>\r\n", "250 ok\r\n"},
                                 {"DATA\r\n", "354 go\r\n"}},
                                1, /*mark=*/false);
  EXPECT_EQ(played.send->failure, Failure::kLost);
  EXPECT_FALSE(played.send->maybe_delivered);
  EXPECT_FALSE(played.usable);
}

TEST(SessionTest, HostThatTakesAMessageWithoutRecipientIsLeft) {
  const Played played = PlayOut({kGreeting,
                                 {"EHLO out.test\r\n", kEhloPipelining},
                                 {"MAIL FROM:<b+t@bounce.test> SIZE=21\r\nRCPT TO:<u@a.test>\r\nDATA\r\n",
                                  "250 ok\r\n550 5.1.1 no\r\n354 go on\r\n"}});
  EXPECT_EQ(played.send->reply->code, 550);
  EXPECT_FALSE(played.usable);
  EXPECT_EQ(played.marks, 0);
}

TEST(SessionTest, SizeLimitIsObeyedWithoutAsking) {
  const Played played = PlayOut({kGreeting, {"EHLO out.test\r\n", "250-mx.test\r\n250 SIZE 10\r\n"}});
  EXPECT_EQ(played.send->reply->code, 552);
  EXPECT_TRUE(played.usable);
}

TEST(SessionTest, ClosingReplyEndsTheSession) {
  const Played played = PlayOut({kGreeting,
                                 {"EHLO out.test\r\n", kEhloPlain},
                                 {"MAIL FROM:<b+t@bounce.test>\r\n", "421 4.3.2 shutting down\r\n"}});
  EXPECT_EQ(played.send->reply->code, 421);
  EXPECT_EQ(played.send->phase, Phase::kMail);
  EXPECT_FALSE(played.usable);
}

}  // namespace
}  // namespace wavepost
