#include "bouncer/unsubscribe/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

using ::testing::HasSubstr;

// Answers when it is told to, on a thread of its own.
class PageStore final : public ReportStore {
 public:
  void Append(std::vector<cluster::v1::BounceReport> reports, Done done) override {
    const std::lock_guard lock(mutex_);
    for (auto& report : reports) stored_.push_back(std::move(report));
    threads_.emplace_back([this, done = std::move(done)] {
      std::unique_lock wait(mutex_);
      released_.wait(wait, [this] { return open_; });
      const absl::Status status = status_;
      wait.unlock();
      done(status);
    });
  }
  ~PageStore() override {
    for (std::thread& thread : threads_) thread.join();
  }
  void Hold() {
    const std::lock_guard lock(mutex_);
    open_ = false;
  }
  void Release() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    released_.notify_all();
  }
  void Fail() {
    const std::lock_guard lock(mutex_);
    status_ = absl::UnavailableError("disk");
  }
  std::vector<cluster::v1::BounceReport> stored() {
    const std::lock_guard lock(mutex_);
    return stored_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable released_;
  bool open_ = true;
  absl::Status status_;
  std::vector<cluster::v1::BounceReport> stored_;
  std::vector<std::thread> threads_;
};

class UnsubscribeServerTest : public ::testing::Test {
 protected:
  void Start(UnsubscribeServer::Options options = {}) {
    options.listen = "127.0.0.1:0";
    auto server = UnsubscribeServer::Start(std::move(options), &keys_, &store_, &clock_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  httplib::Client Client() const {
    httplib::Client client("127.0.0.1", server_->port());
    client.set_read_timeout(20);
    return client;
  }
  std::string Path(RecipientId id) const { return "/u/" + UnsubscribeToken(MakeToken(keys_, id, 1)).value(); }

  const SystemClock clock_;
  const TokenKeys keys_ = TokenKeys::ForTest();
  PageStore store_;
  std::unique_ptr<UnsubscribeServer> server_;
};

constexpr char kOneClick[] = "List-Unsubscribe=One-Click";
constexpr char kForm[] = "application/x-www-form-urlencoded";

TEST_F(UnsubscribeServerTest, GetShowsPostUnsubscribes) {
  Start();
  auto client = Client();
  const auto page = client.Get(Path({1, 2}));
  ASSERT_TRUE(page);
  EXPECT_EQ(page->status, 200);
  EXPECT_THAT(page->body, HasSubstr("<form"));
  EXPECT_EQ(page->get_header_value("Referrer-Policy"), "no-referrer");
  EXPECT_EQ(page->get_header_value("Cache-Control"), "no-store");
  EXPECT_TRUE(store_.stored().empty());

  const auto done = client.Post(Path({1, 2}), kOneClick, kForm);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->status, 200);
  ASSERT_EQ(store_.stored().size(), 1u);
  EXPECT_EQ(RecipientId::FromPacked(store_.stored()[0].recipient_id()), (RecipientId{1, 2}));
  EXPECT_EQ(store_.stored()[0].bounce_class(), v1::UNSUBSCRIBE);
  EXPECT_EQ(server_->counters().unsubscribed.load(), 1);
  EXPECT_EQ(server_->counters().pages.load(), 1);
}

TEST_F(UnsubscribeServerTest, TheAnswerWaitsForTheDisk) {
  Start();
  store_.Hold();
  std::atomic<bool> answered{false};
  std::thread poster([&] {
    auto client = Client();
    const auto done = client.Post(Path({1, 2}), kOneClick, kForm);
    ASSERT_TRUE(done);
    EXPECT_EQ(done->status, 200);
    answered = true;
  });
  while (store_.stored().empty()) std::this_thread::yield();
  // Others are served meanwhile.
  auto other = Client();
  EXPECT_TRUE(other.Get(Path({1, 3})));
  EXPECT_FALSE(answered);
  store_.Release();
  poster.join();
  EXPECT_TRUE(answered);
}

TEST_F(UnsubscribeServerTest, WhatIsNotStoredIsNotConfirmed) {
  Start();
  store_.Fail();
  auto client = Client();
  const auto answer = client.Post(Path({1, 2}), kOneClick, kForm);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->get_header_value("Retry-After"), "120");
  EXPECT_EQ(server_->counters().not_stored.load(), 1);
  EXPECT_EQ(server_->counters().unsubscribed.load(), 0);
}

TEST_F(UnsubscribeServerTest, TooMuchIsRefused) {
  Start({.posts_waiting_max = 0});
  auto client = Client();
  EXPECT_EQ(client.Post(Path({1, 2}), std::string(5000, 'x'), kForm)->status, 413);
  EXPECT_EQ(client.Post(Path({1, 2}), kOneClick, kForm)->status, 503);
  EXPECT_EQ(client.Put(Path({1, 2}), kOneClick, kForm)->status, 405);
  const auto long_header = client.Get(Path({1, 2}), {{"X", std::string(40'000, 'x')}});
  EXPECT_TRUE(!long_header || long_header->status == 431);
  EXPECT_TRUE(store_.stored().empty());
}

// A connection that stays open goes on posting while the server stops: that ends in no crash, and what was confirmed is
// stored.
TEST_F(UnsubscribeServerTest, StopsWhileClientsPost) {
  Start({.client_requests_per_minute = 0, .recipient_posts_per_hour = 0});
  std::atomic<bool> stop{false};
  std::atomic<int64_t> confirmed{0};
  std::vector<std::thread> clients;
  for (uint32_t n = 0; n < 4; ++n) {
    clients.emplace_back([&, n] {
      auto client = Client();
      client.set_keep_alive(true);
      while (!stop) {
        const auto done = client.Post(Path({1, n}), kOneClick, kForm);
        if (!done) return;
        if (done->status == 200) confirmed.fetch_add(1);
      }
    });
  }
  while (confirmed < 20) std::this_thread::yield();
  server_->Stop();
  stop = true;
  for (std::thread& client : clients) client.join();
  EXPECT_LE(confirmed.load(), server_->counters().unsubscribed.load());
}

TEST_F(UnsubscribeServerTest, StopWaitsForTheStore) {
  Start();
  store_.Hold();
  std::thread poster([&] {
    auto client = Client();
    client.Post(Path({1, 2}), kOneClick, kForm);
  });
  while (store_.stored().empty()) std::this_thread::yield();
  std::atomic<bool> stopped{false};
  const int port = server_->port();
  std::thread stopper([&] {
    server_->Stop();
    stopped = true;
  });
  // Once it takes no more connections it has begun.
  while (httplib::Client("127.0.0.1", port).Get("/")) std::this_thread::yield();
  EXPECT_FALSE(stopped);
  store_.Release();
  stopper.join();
  poster.join();
  EXPECT_EQ(server_->counters().unsubscribed.load(), 1);
}

TEST_F(UnsubscribeServerTest, RepeatedPostsAreAnsweredButNotStored) {
  Start({.recipient_posts_per_hour = 3});
  auto client = Client();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(client.Post(Path({1, 2}), kOneClick, kForm)->status, 200);
  EXPECT_EQ(store_.stored().size(), 3u);
  EXPECT_EQ(server_->counters().repeated.load(), 7);
  EXPECT_EQ(client.Post(Path({1, 3}), kOneClick, kForm)->status, 200);
  EXPECT_EQ(store_.stored().size(), 4u);
}

TEST_F(UnsubscribeServerTest, WhatTheDiskRefusedIsNoRepetition) {
  Start({.recipient_posts_per_hour = 1});
  store_.Fail();
  auto client = Client();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.Post(Path({1, 2}), kOneClick, kForm)->status, 503);
}

TEST_F(UnsubscribeServerTest, OneClientAsksOnlySoOften) {
  Start({.client_requests_per_minute = 5});
  auto client = Client();
  int refused = 0;
  for (int i = 0; i < 8; ++i) refused += client.Get(Path({1, 2}))->status == 429 ? 1 : 0;
  EXPECT_EQ(refused, 3);
  EXPECT_EQ(server_->counters().too_many.load(), 3);
}

TEST_F(UnsubscribeServerTest, SlowClientsMakeRoom) {
  Start({.connections_max = 8, .connections_per_address_max = 8, .request_max = absl::ZeroDuration()});
  asio::io_context io;
  std::vector<asio::ip::tcp::socket> slow;
  for (int i = 0; i < 7; ++i) {
    slow.emplace_back(io).connect({asio::ip::make_address("127.0.0.1"), static_cast<uint16_t>(server_->port())});
    asio::write(slow.back(), asio::buffer("GET / HTTP/1.1\r\nX: ", 19));
  }
  // Those that came first are cut for the others.
  httplib::Result page = Client().Get(Path({1, 2}));
  while (!page) page = Client().Get(Path({1, 2}));
  EXPECT_EQ(page->status, 200);
  asio::error_code error;
  char byte = 0;
  slow.front().read_some(asio::buffer(&byte, 1), error);
  EXPECT_TRUE(error);
}

TEST_F(UnsubscribeServerTest, ABodyWithoutEndEndsTheConnection) {
  Start();
  auto client = Client();
  EXPECT_FALSE(client.Post(Path({1, 2}), std::string(1 << 20, 'x'), kForm));
}

TEST_F(UnsubscribeServerTest, BadAddressesAreNamed) {
  for (const char* listen : {"", "127.0.0.1", "localhost:80", "127.0.0.1:99999", ":80", "[::1:80"}) {
    const auto server = UnsubscribeServer::Start({.listen = listen}, &keys_, &store_, &clock_);
    ASSERT_FALSE(server.ok()) << listen;
    EXPECT_THAT(std::string(server.status().message()), HasSubstr("unsubscribe.listen")) << listen;
  }
  const auto no_files = UnsubscribeServer::Start(
      {.listen = "127.0.0.1:0", .certificate = "none.pem", .key = "none.pem"}, &keys_, &store_, &clock_);
  ASSERT_FALSE(no_files.ok());
  EXPECT_THAT(std::string(no_files.status().message()), HasSubstr("none.pem"));
}

TEST_F(UnsubscribeServerTest, ATakenPortIsNamed) {
  Start();
  const std::string taken = "127.0.0.1:" + std::to_string(server_->port());
  const auto second = UnsubscribeServer::Start({.listen = taken}, &keys_, &store_, &clock_);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(taken));
}

}  // namespace
}  // namespace wavepost
