#include "bouncer/unsubscribe/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

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

TEST_F(UnsubscribeServerTest, StopAnswersWhatIsWithTheStore) {
  Start();
  store_.Hold();
  int status = 0;
  std::thread poster([&] {
    auto client = Client();
    const auto done = client.Post(Path({1, 2}), kOneClick, kForm);
    if (done) status = done->status;
  });
  while (store_.stored().empty()) std::this_thread::yield();
  std::thread stopper([&] { server_->Stop(); });
  store_.Release();
  stopper.join();
  poster.join();
  EXPECT_EQ(server_->counters().unsubscribed.load(), 1);
  EXPECT_TRUE(status == 200 || status == 0);  // the connection may be closed over the answer
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
