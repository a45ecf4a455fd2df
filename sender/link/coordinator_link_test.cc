#include "sender/link/coordinator_link.h"

#include <gmock/gmock.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>

#include "wavepost/cluster/v1/dispatch_service.grpc.pb.h"

namespace wavepost {
namespace {

using cluster::v1::CoordinatorMessage;
using cluster::v1::NodeMessage;

constexpr auto kPatience = std::chrono::seconds(20);  // bounds a broken test; nothing waits this long

// A coordinator that does what the test says: hands over what the node sent, sends what the test gives it.
class FakeCoordinator final : public cluster::v1::DispatchService::Service {
 public:
  using Stream = grpc::ServerReaderWriter<CoordinatorMessage, NodeMessage>;

  explicit FakeCoordinator(int port = 0) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:" + std::to_string(port), grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~FakeCoordinator() override { Shutdown(); }

  void Shutdown() {
    if (server_ == nullptr) return;
    server_->Shutdown(std::chrono::system_clock::now());
    server_.reset();
  }
  int port() const { return port_; }

  grpc::Status Attach(grpc::ServerContext* context, Stream* stream) override {
    {
      std::lock_guard lock(mutex_);
      stream_ = stream;
      context_ = context;
      ++streams_;
    }
    NodeMessage message;
    while (stream->Read(&message)) {
      std::lock_guard lock(mutex_);
      received_.push_back(message);
      wake_.notify_all();
    }
    std::lock_guard lock(mutex_);
    if (stream_ == stream) stream_ = nullptr;
    return grpc::Status::OK;
  }

  // The next message for which `wanted` holds; others before it are dropped.
  std::optional<NodeMessage> Next(const std::function<bool(const NodeMessage&)>& wanted) {
    std::unique_lock lock(mutex_);
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    for (;;) {
      while (!received_.empty()) {
        NodeMessage message = received_.front();
        received_.pop_front();
        if (wanted(message)) return message;
      }
      if (wake_.wait_until(lock, deadline) == std::cv_status::timeout) return std::nullopt;
    }
  }

  void Send(const CoordinatorMessage& message) {
    std::lock_guard lock(mutex_);
    ASSERT_NE(stream_, nullptr);
    stream_->Write(message);
  }
  void Hangup() {
    std::lock_guard lock(mutex_);
    if (stream_ != nullptr) context_->TryCancel();
  }

  void Welcome() {
    ASSERT_TRUE(Next([](const NodeMessage& m) { return m.has_hello(); }).has_value());
    CoordinatorMessage message;
    message.mutable_welcome()->set_epoch(1);
    message.mutable_welcome()->mutable_lease()->set_seconds(3600);
    Send(message);
  }

 private:
  int port_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_;
  Stream* stream_ = nullptr;
  grpc::ServerContext* context_ = nullptr;
  int streams_ = 0;
  std::deque<NodeMessage> received_;
  std::unique_ptr<grpc::Server> server_;
};

class CoordinatorLinkTest : public ::testing::Test {
 protected:
  CoordinatorLinkTest() : dir_(testing::TempDir() + "wavepost_link_" + std::to_string(::getpid())) {
    std::filesystem::remove_all(dir_);
    auto store = QueueStore::Open({.data_dir = dir_}, absl::UnixEpoch() + absl::Hours(1), absl::Minutes(5));
    EXPECT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }
  ~CoordinatorLinkTest() override {
    if (link_ != nullptr) link_->Stop();
    store_->Stop();
    link_.reset();
    store_.reset();
    std::filesystem::remove_all(dir_);
  }

  void StartLink(int port) {
    LinkOptions options{.target = "127.0.0.1:" + std::to_string(port), .node_id = "sender-0"};
    options.backoff_min = absl::Milliseconds(5);
    options.backoff_max = absl::Milliseconds(50);
    v1::EgressIp ip;
    ip.set_address("127.0.0.11");
    options.egress_ips.push_back(ip);
    CoordinatorLink::Hooks hooks{
        .lanes_added = [this](std::vector<LaneDue> lanes) { lanes_ += static_cast<int>(lanes.size()); },
        .connections = [] { return int64_t{0}; },
        .keys_changed = [] {},
        .apply_orders = apply_orders_,
        .order_cursor = [] { return int64_t{41}; },
        .data_id = [] { return std::string(16, 'd'); },
        .ask = ask_};
    auto link = CoordinatorLink::Create(options, store_.get(), hooks);
    ASSERT_TRUE(link.ok()) << link.status();
    link_ = *std::move(link);
    link_->Start();
  }

  static CoordinatorMessage BatchOf(const std::string& id, uint32_t index) {
    CoordinatorMessage message;
    cluster::v1::Batch* batch = message.mutable_batch();
    batch->set_batch_id(id);
    batch->set_content_id(std::string(32, 'c'));
    auto* recipient = batch->add_recipients();
    recipient->set_recipient_id(RecipientId{1, index}.packed());
    recipient->set_address("u" + std::to_string(index) + "@a.test");
    recipient->set_egress_ip("127.0.0.11");
    return message;
  }

  static std::function<bool(const NodeMessage&)> AckOf(const std::string& id) {
    return [id](const NodeMessage& m) { return m.has_batch_ack() && m.batch_ack().batch_id() == id; };
  }

  void FinishOne(uint32_t index) {
    auto page = store_->ReadLane({.egress_ip = "127.0.0.11", .domain = "a.test", .wave = 1}, nullptr, INT64_MAX, 100);
    ASSERT_TRUE(page.ok());
    for (const QueueItem& item : page->items) {
      if (item.id.index != index) continue;
      cluster::v1::Report report;
      report.set_recipient_id(item.id.packed());
      report.set_outcome(v1::DELIVERED);
      store_->Finish(item, report, nullptr);
    }
  }

  const std::string dir_;
  std::unique_ptr<QueueStore> store_;
  std::unique_ptr<CoordinatorLink> link_;
  std::atomic<int> lanes_ = 0;
  decltype(CoordinatorLink::Hooks::apply_orders) apply_orders_;
  decltype(CoordinatorLink::Hooks::ask) ask_;
};

const std::string kFirstId(16, '1');
const std::string kSecondId(16, '2');

TEST_F(CoordinatorLinkTest, AcknowledgesABatchThatIsStoredAndKnowsARepeat) {
  FakeCoordinator coordinator;
  StartLink(coordinator.port());
  coordinator.Welcome();
  coordinator.Send(BatchOf(kFirstId, 1));
  EXPECT_TRUE(coordinator.Next(AckOf(kFirstId)).has_value());
  EXPECT_EQ(store_->queued(), 1);
  coordinator.Send(BatchOf(kFirstId, 1));
  EXPECT_TRUE(coordinator.Next(AckOf(kFirstId)).has_value());
  EXPECT_EQ(store_->queued(), 1);
  EXPECT_EQ(lanes_, 1);
}

TEST_F(CoordinatorLinkTest, HelloSaysWhoAndWhatItCanTake) {
  FakeCoordinator coordinator;
  StartLink(coordinator.port());
  const auto hello = coordinator.Next([](const NodeMessage& m) { return m.has_hello(); });
  ASSERT_TRUE(hello.has_value());
  EXPECT_EQ(hello->hello().node_id(), "sender-0");
  EXPECT_EQ(hello->hello().egress_ips(0).address(), "127.0.0.11");
  EXPECT_EQ(hello->hello().status().credit(), 50'000);
  EXPECT_EQ(hello->hello().order_cursor(), 41);
  EXPECT_EQ(hello->hello().data_id(), std::string(16, 'd'));
}

CoordinatorMessage OrdersOf(std::vector<int64_t> sequences) {
  CoordinatorMessage message;
  for (const int64_t sequence : sequences) {
    auto* order = message.mutable_orders()->add_orders();
    order->set_sequence(sequence);
    order->set_resume("pauses/1");
  }
  return message;
}

CoordinatorMessage QuestionOf(int64_t id) {
  CoordinatorMessage message;
  message.mutable_question()->set_id(id);
  message.mutable_question()->mutable_explain()->set_address("a@example.com");
  return message;
}

TEST_F(CoordinatorLinkTest, OrdersAreAcknowledgedWhenTheyAreStored) {
  FakeCoordinator coordinator;
  std::mutex mutex;
  std::vector<int64_t> stored;
  apply_orders_ = [&](std::vector<cluster::v1::Order> orders, QueueStore::Done done) {
    const std::lock_guard lock(mutex);
    for (const auto& order : orders) stored.push_back(order.sequence());
    done(absl::OkStatus());
  };
  StartLink(coordinator.port());
  coordinator.Welcome();
  coordinator.Send(OrdersOf({42, 44}));
  const auto ack = coordinator.Next([](const NodeMessage& m) { return m.has_order_ack(); });
  ASSERT_TRUE(ack.has_value());
  EXPECT_EQ(ack->order_ack().through_sequence(), 44);
  const std::lock_guard lock(mutex);
  EXPECT_THAT(stored, testing::ElementsAre(42, 44));
}

TEST_F(CoordinatorLinkTest, NothingOfAStreamIsAcknowledgedAfterAnOrderThatCouldNotBeStored) {
  FakeCoordinator coordinator;
  std::atomic<int> calls = 0;
  apply_orders_ = [&](const std::vector<cluster::v1::Order>&, const QueueStore::Done& done) {
    done(++calls == 1 ? absl::ResourceExhaustedError("disk full") : absl::OkStatus());
  };
  StartLink(coordinator.port());
  coordinator.Welcome();
  coordinator.Send(OrdersOf({42}));
  coordinator.Send(OrdersOf({43}));
  coordinator.Send(QuestionOf(1));  // answered after the orders were taken
  const auto next = coordinator.Next([](const NodeMessage& m) { return m.has_order_ack() || m.has_answer(); });
  ASSERT_TRUE(next.has_value());
  EXPECT_TRUE(next->has_answer()) << "order 43 leans on 42";
  EXPECT_EQ(calls, 2);
}

TEST_F(CoordinatorLinkTest, QuestionsAreAnsweredFromAnyThread) {
  FakeCoordinator coordinator;
  std::vector<std::thread> threads;
  ask_ = [&](cluster::v1::Question question, const std::function<void(cluster::v1::Answer)>& answer) {
    threads.emplace_back([address = question.explain().address(), answer] {
      cluster::v1::Answer out;
      out.mutable_explanation()->add_paths()->set_summary(address);
      answer(std::move(out));
    });
  };
  StartLink(coordinator.port());
  coordinator.Welcome();
  coordinator.Send(QuestionOf(5));
  const auto answer = coordinator.Next([](const NodeMessage& m) { return m.has_answer(); });
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->answer().id(), 5);
  EXPECT_EQ(answer->answer().explanation().paths(0).summary(), "a@example.com");
  link_->Stop();
  for (std::thread& thread : threads) thread.join();
}

TEST_F(CoordinatorLinkTest, WithoutHooksItSaysSo) {
  FakeCoordinator coordinator;
  StartLink(coordinator.port());
  coordinator.Welcome();
  coordinator.Send(OrdersOf({42}));
  coordinator.Send(QuestionOf(5));
  const auto next = coordinator.Next([](const NodeMessage& m) { return m.has_order_ack() || m.has_answer(); });
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->answer().problem(), "the node answers no questions");
}

TEST_F(CoordinatorLinkTest, TracesEndWhenAskedToAndWithTheStream) {
  FakeCoordinator coordinator;
  std::mutex mutex;
  std::condition_variable wake;
  std::vector<std::string> heard;
  ask_ = [&](const cluster::v1::Question& question, const std::function<void(cluster::v1::Answer)>& answer) {
    {
      const std::lock_guard lock(mutex);
      heard.push_back(question.has_trace() ? "trace " + std::to_string(question.id())
                                           : "stop " + std::to_string(question.stop_trace()));
    }
    wake.notify_all();
    cluster::v1::Answer line;
    line.mutable_trace()->add_lines()->set_text("EHLO");
    if (question.has_trace()) answer(std::move(line));
  };
  StartLink(coordinator.port());
  coordinator.Welcome();
  for (const int64_t id : {1, 2}) {
    CoordinatorMessage trace;
    trace.mutable_question()->set_id(id);
    trace.mutable_question()->mutable_trace()->set_domain("example.com");
    coordinator.Send(trace);
    const auto answer = coordinator.Next([](const NodeMessage& m) { return m.has_answer(); });
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->answer().id(), id);
  }
  CoordinatorMessage stop;
  stop.mutable_question()->set_stop_trace(1);
  coordinator.Send(stop);
  coordinator.Send(QuestionOf(3));  // the ask hook does not answer it
  const auto told = [&](const std::string& what) {
    std::unique_lock lock(mutex);
    return wake.wait_for(lock, kPatience, [&] { return std::count(heard.begin(), heard.end(), what) > 0; });
  };
  EXPECT_TRUE(told("stop 1"));
  coordinator.Hangup();
  EXPECT_TRUE(told("stop 2"));
}

TEST_F(CoordinatorLinkTest, ReportsAreRepeatedUntilAcknowledged) {
  FakeCoordinator coordinator;
  StartLink(coordinator.port());
  coordinator.Welcome();
  coordinator.Send(BatchOf(kFirstId, 1));
  ASSERT_TRUE(coordinator.Next(AckOf(kFirstId)).has_value());
  FinishOne(1);
  const auto is_report = [](const NodeMessage& m) { return m.has_reports(); };
  auto reports = coordinator.Next(is_report);
  ASSERT_TRUE(reports.has_value());
  EXPECT_EQ(reports->reports().reports(0).sequence(), 1);

  coordinator.Hangup();  // without an acknowledgement
  coordinator.Welcome();
  reports = coordinator.Next(is_report);
  ASSERT_TRUE(reports.has_value());
  EXPECT_EQ(reports->reports().reports(0).sequence(), 1);
  CoordinatorMessage ack;
  ack.mutable_report_ack()->set_through_sequence(1);
  coordinator.Send(ack);

  coordinator.Send(BatchOf(kSecondId, 2));
  ASSERT_TRUE(coordinator.Next(AckOf(kSecondId)).has_value());
  FinishOne(2);
  reports = coordinator.Next(is_report);
  ASSERT_TRUE(reports.has_value());
  EXPECT_EQ(reports->reports().reports(0).sequence(), 2) << "the first one is forgotten";
}

TEST_F(CoordinatorLinkTest, WorksThroughAnOutage) {
  auto coordinator = std::make_unique<FakeCoordinator>();
  const int port = coordinator->port();
  StartLink(port);
  coordinator->Welcome();
  coordinator->Send(BatchOf(kFirstId, 1));
  ASSERT_TRUE(coordinator->Next(AckOf(kFirstId)).has_value());
  coordinator.reset();
  FinishOne(1);
  FakeCoordinator again(port);
  again.Welcome();
  const auto reports = again.Next([](const NodeMessage& m) { return m.has_reports(); });
  ASSERT_TRUE(reports.has_value());
  EXPECT_EQ(reports->reports().reports(0).recipient_id(), (RecipientId{1, 1}).packed());
}

TEST_F(CoordinatorLinkTest, SuppressionsWithdrawAndAreAcknowledged) {
  FakeCoordinator coordinator;
  StartLink(coordinator.port());
  coordinator.Welcome();
  CoordinatorMessage content;
  content.mutable_content()->set_content_id(std::string(32, 'c'));
  content.mutable_content()->set_tenant("tenants/default");
  coordinator.Send(content);
  coordinator.Send(BatchOf(kFirstId, 1));
  ASSERT_TRUE(coordinator.Next(AckOf(kFirstId)).has_value());
  CoordinatorMessage push;
  auto* change = push.mutable_suppressions()->add_changes();
  change->set_sequence(7);
  change->set_tenant("tenants/default");
  change->set_address("u1@a.test");
  coordinator.Send(push);
  const auto ack = coordinator.Next([](const NodeMessage& m) { return m.has_suppression_ack(); });
  ASSERT_TRUE(ack.has_value());
  EXPECT_EQ(ack->suppression_ack().through_sequence(), 7);
  EXPECT_EQ(store_->queued(), 0);
  EXPECT_EQ(store_->suppression_cursor(), 7);
}

TEST_F(CoordinatorLinkTest, TheLeaseRunsFromTheCoordinatorsLastWord) {
  EXPECT_EQ(store_->lease_end(), absl::InfinitePast());
  FakeCoordinator coordinator;
  StartLink(coordinator.port());
  EXPECT_LT(link_->lease_end(), absl::UnixEpoch() + absl::Hours(24));
  coordinator.Welcome();
  coordinator.Send(BatchOf(kFirstId, 1));
  ASSERT_TRUE(coordinator.Next(AckOf(kFirstId)).has_value());
  EXPECT_GT(link_->lease_end(), absl::UnixEpoch() + absl::Hours(24));
  EXPECT_GT(store_->lease_end(), absl::UnixEpoch() + absl::Hours(24)) << "stored, for a restart";
}

}  // namespace
}  // namespace wavepost
