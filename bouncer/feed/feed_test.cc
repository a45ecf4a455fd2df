#include "bouncer/feed/feed.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "wavepost/cluster/v1/bounce_feed_service.grpc.pb.h"

namespace wavepost {
namespace {

using cluster::v1::BounceFeedRequest;
using cluster::v1::BounceFeedResponse;
using cluster::v1::BounceReport;

// The coordinator's side of the stream: keeps what arrives, acknowledges when told to.
class FakeCoordinator final : public cluster::v1::BounceFeedService::Service {
 public:
  grpc::Status Feed(grpc::ServerContext* /*context*/,
                    grpc::ServerReaderWriter<BounceFeedResponse, BounceFeedRequest>* stream) override {
    BounceFeedRequest request;
    if (!stream->Read(&request) || !request.has_hello()) return {grpc::StatusCode::INVALID_ARGUMENT, "hello first"};
    {
      std::lock_guard lock(mutex_);
      ++streams_;
      hello_ = request.hello().bouncer_id();
      hellos_.push_back(hello_);
      first_of_stream_ = 0;
      changed_.notify_all();
    }
    if (only_greeted_name_.empty() || only_greeted_name_ == hello_) {
      if (greet_with_ >= 0) Acknowledge(stream, greet_with_);
    } else {
      Acknowledge(stream, 0);
    }
    while (stream->Read(&request)) {
      int64_t last = 0;
      bool cut = false;
      {
        std::lock_guard lock(mutex_);
        for (const BounceReport& report : request.reports().reports()) {
          last = report.sequence();
          if (first_of_stream_ == 0) first_of_stream_ = last;
          if (first_of_stream_ != last) in_order_ = in_order_ && last == previous_of_stream_ + 1;
          previous_of_stream_ = last;
          seen_.push_back(last);
          through_ = std::max(through_, last);
        }
        cut = cut_after_ > 0 && through_ >= cut_after_;
        if (cut) cut_after_ = 0;
        if (cut) greet_with_ = stored_at_cut_;
        changed_.notify_all();
      }
      if (cut) return {grpc::StatusCode::UNAVAILABLE, "cut by the test"};
      if (acknowledge_) Acknowledge(stream, last);
    }
    return grpc::Status::OK;
  }

  void Acknowledge(grpc::ServerReaderWriter<BounceFeedResponse, BounceFeedRequest>* stream, int64_t through) {
    BounceFeedResponse response;
    response.set_through_sequence(through);
    stream->Write(response);
  }

  // Waits until `condition` holds; it is asked under the lock.
  bool Wait(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), condition);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<int64_t> seen_;
  int64_t through_ = 0;
  int64_t first_of_stream_ = 0;
  int64_t previous_of_stream_ = 0;
  int streams_ = 0;
  bool in_order_ = true;
  std::string hello_;
  std::vector<std::string> hellos_;
  // Set before it serves.
  std::string only_greeted_name_;  // other names get 0; empty: greet_with_ is for all
  std::atomic<bool> acknowledge_{true};
  int64_t cut_after_ = 0;
  int64_t stored_at_cut_ = 0;           // the next hello is answered with it
  std::atomic<int64_t> greet_with_{0};  // -1: not at all
};

class FeedTest : public ::testing::Test {
 protected:
  FeedTest() : path_(testing::TempDir() + "wavepost_feed_" + std::to_string(::getpid())) {
    spdlog::set_level(spdlog::level::off);
    std::filesystem::remove_all(path_);
    OpenOutbox();
  }
  ~FeedTest() override {
    StopFeed();
    StopServer();
    outbox_.reset();
    std::filesystem::remove_all(path_);
  }

  void OpenOutbox() {
    outbox_.reset();
    auto outbox = Outbox::Open({.path = path_});
    EXPECT_TRUE(outbox.ok()) << outbox.status();
    outbox_ = std::move(outbox).value();
    outbox_->OnDurable([this] {
      if (Feed* feed = feed_for_wake_) feed->Wake();
    });
  }

  void StartServer() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort(absl::StrCat("127.0.0.1:", port_), grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&coordinator_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    port_ = port;
  }

  void StopServer() {
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
    server_.reset();
  }

  void StartFeed(absl::Duration acknowledge_timeout = absl::Seconds(30)) {
    auto feed = Feed::Start({.bouncer_id = "bouncer-7",
                             .coordinator = absl::StrCat("127.0.0.1:", port_),
                             .backoff_min = absl::Milliseconds(5),
                             .backoff_max = absl::Milliseconds(50),
                             .acknowledge_timeout = acknowledge_timeout},
                            outbox_.get());
    ASSERT_TRUE(feed.ok()) << feed.status();
    feed_ = std::move(feed).value();
    feed_for_wake_ = feed_.get();
  }

  void StopFeed() {
    feed_for_wake_ = nullptr;
    feed_.reset();
  }

  void Append(int count) {
    std::vector<BounceReport> reports(static_cast<size_t>(count));
    std::promise<absl::Status> result;
    outbox_->Append(std::move(reports), [&](absl::Status status) { result.set_value(std::move(status)); });
    ASSERT_TRUE(result.get_future().get().ok());
  }

  // The acknowledgement is on its way when the fake has seen the reports: wait for the outbox to hear of it.
  bool WaitForgotten(int64_t through) {
    for (int i = 0; i < 30'000 && outbox_->forgotten_through() < through; ++i) {
      std::unique_lock lock(coordinator_.mutex_);
      coordinator_.changed_.wait_for(lock, std::chrono::milliseconds(1));
    }
    return outbox_->forgotten_through() >= through;
  }

  const std::string path_;
  std::unique_ptr<Outbox> outbox_;
  FakeCoordinator coordinator_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  std::unique_ptr<Feed> feed_;
  std::atomic<Feed*> feed_for_wake_{nullptr};
};

TEST_F(FeedTest, TellsInOrderAndForgets) {
  StartServer();
  Append(3);  // before it starts
  StartFeed();
  EXPECT_TRUE(WaitForgotten(3));
  Append(1);
  Append(2);
  EXPECT_TRUE(WaitForgotten(6));
  std::lock_guard lock(coordinator_.mutex_);
  EXPECT_EQ(coordinator_.hello_, "bouncer-7");
  EXPECT_EQ(coordinator_.seen_, (std::vector<int64_t>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(coordinator_.streams_, 1);
  EXPECT_TRUE(feed_->connected());
}

TEST_F(FeedTest, WindowIsBounded) {
  coordinator_.acknowledge_ = false;
  StartServer();
  Append(static_cast<int>(Feed::kWindow) + 500);
  StartFeed();
  EXPECT_TRUE(coordinator_.Wait([&] { return coordinator_.through_ >= static_cast<int64_t>(Feed::kWindow); }));
  Append(1);  // wakes it: still nothing may go out
  StopFeed();
  std::lock_guard lock(coordinator_.mutex_);
  EXPECT_EQ(coordinator_.through_, static_cast<int64_t>(Feed::kWindow));
  EXPECT_EQ(outbox_->forgotten_through(), 0);
}

TEST_F(FeedTest, SendsALongBacklogThroughTheWindow) {
  StartServer();
  Append(5000);
  StartFeed();
  EXPECT_TRUE(WaitForgotten(5000));
  std::lock_guard lock(coordinator_.mutex_);
  EXPECT_EQ(coordinator_.seen_.size(), 5000u);
  EXPECT_TRUE(coordinator_.in_order_);
}

TEST_F(FeedTest, ResendsWhatWasNotAcknowledged) {
  coordinator_.acknowledge_ = false;
  coordinator_.cut_after_ = 5;
  StartServer();
  Append(5);
  StartFeed();
  EXPECT_TRUE(coordinator_.Wait([&] { return coordinator_.streams_ >= 1 && coordinator_.through_ >= 5; }));
  coordinator_.acknowledge_ = true;
  EXPECT_TRUE(WaitForgotten(5));
  Append(1);
  EXPECT_TRUE(WaitForgotten(6));
  std::lock_guard lock(coordinator_.mutex_);
  EXPECT_GE(coordinator_.streams_, 2);
  EXPECT_EQ(coordinator_.seen_, (std::vector<int64_t>{1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 6}));
}

TEST_F(FeedTest, SurvivesACoordinatorThatComesLateAndGoesAgain) {
  StartServer();
  StopServer();  // the port is known now, and nobody listens
  Append(2);
  StartFeed();
  while (feed_->streams_opened() < 3) std::this_thread::yield();
  EXPECT_FALSE(feed_->connected());
  StartServer();
  EXPECT_TRUE(WaitForgotten(2));
  StopServer();
  Append(2);
  while (feed_->connected()) std::this_thread::yield();
  StartServer();
  EXPECT_TRUE(WaitForgotten(4));
  std::lock_guard lock(coordinator_.mutex_);
  EXPECT_EQ(coordinator_.through_, 4);
}

TEST_F(FeedTest, CutsAStreamThatAcknowledgesNothing) {
  coordinator_.acknowledge_ = false;
  StartServer();
  Append(1);
  StartFeed(absl::Milliseconds(100));
  EXPECT_TRUE(coordinator_.Wait([&] { return coordinator_.streams_ >= 2; }));
  coordinator_.acknowledge_ = true;
  EXPECT_TRUE(WaitForgotten(1));
}

TEST_F(FeedTest, TakesTheAcknowledgementOfAnEarlierLife) {
  coordinator_.greet_with_ = 3;
  StartServer();
  ASSERT_TRUE(outbox_->Greeted().ok());
  Append(4);
  OpenOutbox();  // it held four when it was opened: three of them may well have been told
  StartFeed();
  EXPECT_TRUE(WaitForgotten(4));
  std::lock_guard lock(coordinator_.mutex_);
  EXPECT_EQ(coordinator_.seen_, (std::vector<int64_t>{4}));
}

TEST_F(FeedTest, TakesTheGreetingOfALaterStream) {
  coordinator_.cut_after_ = 5;
  coordinator_.stored_at_cut_ = 3;
  StartServer();
  Append(5);
  StartFeed();
  EXPECT_TRUE(WaitForgotten(5));
  std::lock_guard lock(coordinator_.mutex_);
  EXPECT_EQ(coordinator_.seen_, (std::vector<int64_t>{1, 2, 3, 4, 5, 4, 5}));
  EXPECT_EQ(coordinator_.hellos_, (std::vector<std::string>{"bouncer-7", "bouncer-7"}));
}

TEST_F(FeedTest, TellsNothingBeforeTheGreeting) {
  coordinator_.greet_with_ = -1;
  StartServer();
  Append(3);
  StartFeed(absl::Milliseconds(100));
  EXPECT_TRUE(coordinator_.Wait([&] { return coordinator_.streams_ >= 3; }));  // it is cut, and tried again
  {
    std::lock_guard lock(coordinator_.mutex_);
    EXPECT_TRUE(coordinator_.seen_.empty());
  }
  coordinator_.greet_with_ = 0;
  EXPECT_TRUE(WaitForgotten(3));
}

// The folder held 100 reports, and the coordinator has 5,000 of its other life. Those that come before the feed gets
// through have numbers that the coordinator takes for repetitions: each must be told nevertheless.
TEST_F(FeedTest, AFolderFromAnOldCopyLosesNothingThatCameSince) {
  coordinator_.greet_with_ = 5000;
  coordinator_.only_greeted_name_ = "bouncer-7";
  StartServer();
  Append(100);
  ASSERT_TRUE(outbox_->Forget(100).ok());
  OpenOutbox();
  Append(6000);  // durable_through() is above the mark now
  OpenOutbox();  // a restart without a coordinator makes the folder no younger
  StartFeed();
  EXPECT_TRUE(WaitForgotten(6100));
  StopFeed();
  std::lock_guard lock(coordinator_.mutex_);
  EXPECT_EQ(coordinator_.seen_.size(), 6000u);
  EXPECT_EQ(coordinator_.seen_.front(), 101);
  EXPECT_TRUE(coordinator_.in_order_);
  ASSERT_EQ(coordinator_.hellos_.size(), 2u);
  EXPECT_EQ(coordinator_.hellos_[0], "bouncer-7");
  EXPECT_EQ(coordinator_.hellos_[1], "bouncer-7-" + outbox_->id());
  EXPECT_EQ(outbox_->id().size(), 8u);
}

TEST(NameAtCoordinatorTest, IsANameOfTheFolder) {
  EXPECT_EQ(NameAtCoordinator("bouncer-0", ""), "bouncer-0");  // of an earlier version
  EXPECT_EQ(NameAtCoordinator("bouncer-0", "0badcafe"), "bouncer-0-0badcafe");
  EXPECT_EQ(NameAtCoordinator(std::string(63, 'b'), "0badcafe").size(), 63u);
}

TEST_F(FeedTest, RefusesClearTextBeyondLoopback) {
  const auto feed = Feed::Start({.bouncer_id = "b", .coordinator = "192.0.2.1:7000"}, outbox_.get());
  EXPECT_EQ(feed.status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace wavepost
