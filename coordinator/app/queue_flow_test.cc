// Pauses, flushes, drops, questions and priority over real gRPC, with nodes that the test plays.
#include <gmock/gmock.h>

#include <map>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/base/recipient_id.h"
#include "common/rpc/status.h"
#include "coordinator/app/cluster_test_util.h"
#include "wavepost/v1/queue_service.grpc.pb.h"

namespace wavepost {
namespace {

using cluster::v1::CoordinatorMessage;
using cluster::v1::NodeMessage;

bool IsOrders(const CoordinatorMessage& message) {
  return message.has_orders();
}
bool IsQuestion(const CoordinatorMessage& message) {
  return message.has_question();
}

class QueueFlowTest : public ClusterTest {
 protected:
  void Start(std::vector<std::string> operator_keys = {}) {
    StartCoordinator(std::move(operator_keys));
    queue_ = v1::QueueService::NewStub(channel_);
  }

  absl::StatusOr<v1::Pause> Pause(const v1::QueueSelector& selector, const std::string& key = "") {
    v1::CreatePauseRequest request;
    *request.mutable_pause()->mutable_selector() = selector;
    request.mutable_pause()->set_reason("because");
    v1::Pause pause;
    absl::Status status = CheckCall(queue_->CreatePause(NewCall(key).get(), request, &pause));
    if (!status.ok()) return status;
    return pause;
  }

  absl::Status Resume(const std::string& name, const std::string& key = "") {
    v1::DeletePauseRequest request;
    request.set_name(name);
    v1::DeletePauseResponse response;
    return CheckCall(queue_->DeletePause(NewCall(key).get(), request, &response));
  }

  std::vector<std::string> Pauses(const std::string& key = "") {
    v1::ListPausesResponse response;
    const absl::Status status = CheckCall(queue_->ListPauses(NewCall(key).get(), {}, &response));
    EXPECT_TRUE(status.ok()) << status;
    std::vector<std::string> names;
    for (const v1::Pause& pause : response.pauses()) names.push_back(pause.name());
    return names;
  }

  absl::StatusOr<v1::QueueOrder> Drop(const v1::QueueSelector& selector, const std::string& key = "") {
    v1::DropRequest request;
    *request.mutable_selector() = selector;
    v1::QueueOrder order;
    absl::Status status = CheckCall(queue_->Drop(NewCall(key).get(), request, &order));
    if (!status.ok()) return status;
    return order;
  }

  static v1::QueueSelector Domain(const std::string& domain) {
    v1::QueueSelector selector;
    selector.set_domain(domain);
    return selector;
  }
  static v1::QueueSelector Campaign(const std::string& campaign) {
    v1::QueueSelector selector;
    selector.set_campaign(campaign);
    return selector;
  }

  // A wave of `count` recipients of the tenant, started.
  std::string Running(int count, const std::string& tenant = "tenants/default") {
    const std::string wave = MakeWave(tenant);
    for (int from = 0; from < count; from += 1000) {
      v1::ImportRecipientsRequest chunk;
      chunk.set_parent(wave);
      for (int i = from; i < std::min(count, from + 1000); ++i) AddRow(&chunk, absl::StrCat("p", i, "@a.example"));
      const auto imported = Import(chunk);
      EXPECT_TRUE(imported.ok()) << imported.status();
    }
    const auto started = StartWave(wave);
    EXPECT_TRUE(started.ok()) << started.status();
    return wave;
  }

  std::string MakeTenant(const std::string& id, const std::string& operator_key, std::string* key) {
    v1::CreateTenantRequest request;
    request.set_tenant_id(id);
    v1::Tenant tenant;
    EXPECT_TRUE(CheckCall(tenants_->CreateTenant(NewCall(operator_key).get(), request, &tenant)).ok());
    if (key == nullptr) return tenant.name();
    v1::CreateApiKeyRequest ask;
    ask.set_parent(tenant.name());
    v1::CreateApiKeyResponse made;
    EXPECT_TRUE(CheckCall(tenants_->CreateApiKey(NewCall(operator_key).get(), ask, &made)).ok());
    *key = made.secret();
    return tenant.name();
  }

  void AwaitState(const std::string& wave, const std::function<bool(const v1::Wave&)>& wanted) {
    const auto context = NewCall();
    v1::WatchWaveRequest request;
    request.set_name(wave);
    request.mutable_interval()->set_nanos(100'000'000);
    const auto reader = campaigns_->WatchWave(context.get(), request);
    v1::Wave seen;
    while (reader->Read(&seen)) {
      if (wanted(seen)) break;
    }
    EXPECT_TRUE(wanted(seen)) << seen.ShortDebugString();
    context->TryCancel();
    reader->Finish();
  }

  std::unique_ptr<v1::QueueService::Stub> queue_;
};

TEST_F(QueueFlowTest, PausesReachNodesAndStandUntilTheyAreResumed) {
  Start();
  FakeNode early(channel_, "sender-0", {"127.0.0.11"}, 1000);
  EXPECT_EQ(early.Until(IsOrders).orders().orders(0).order_case(), cluster::v1::Order::ORDER_NOT_SET) << "its place";
  const auto pause = Pause(Domain("Example.COM"));
  ASSERT_TRUE(pause.ok()) << pause.status();
  EXPECT_EQ(pause->selector().domain(), "example.com");
  EXPECT_EQ(pause->creator(), "operator");
  const auto pushed = early.Until(IsOrders);
  ASSERT_EQ(pushed.orders().orders_size(), 1);
  EXPECT_EQ(pushed.orders().orders(0).pause().name(), pause->name());
  ASSERT_TRUE(Pause(Domain("other.example")).ok());
  early.Until(IsOrders);
  ASSERT_TRUE(Resume(pause->name()).ok());
  EXPECT_EQ(early.Until(IsOrders).orders().orders(0).resume(), pause->name());
  EXPECT_EQ(ReasonOf(Resume(pause->name())), "NOT_FOUND");
  EXPECT_THAT(Pauses(), testing::ElementsAre("pauses/3"));

  // A node that has nothing gets what stands, and the place.
  FakeNode late(channel_, "sender-1", {"127.0.0.12"}, 1000);
  const auto all = late.Until(IsOrders);
  ASSERT_EQ(all.orders().orders_size(), 2);
  EXPECT_EQ(all.orders().orders(0).pause().name(), "pauses/3");
  EXPECT_EQ(all.orders().orders(1).order_case(), cluster::v1::Order::ORDER_NOT_SET);
  EXPECT_EQ(all.orders().orders(1).sequence(), 4);
  StopCoordinator();
  Start();
  EXPECT_THAT(Pauses(), testing::ElementsAre("pauses/3"));
}

TEST_F(QueueFlowTest, TenantsTouchTheirOwnOnly) {
  Start({"operator-key"});
  std::string acme, other;
  MakeTenant("acme", "operator-key", &acme);
  MakeTenant("other", "operator-key", &other);
  MakeWave("tenants/acme", acme);
  MakeWave("tenants/other", other);
  const auto mine = Pause(Campaign("tenants/acme/campaigns/c"), acme);
  ASSERT_TRUE(mine.ok()) << mine.status();
  EXPECT_EQ(mine->selector().tenant(), "tenants/acme");
  const auto by_domain = Pause(Domain("a.example"), acme);
  ASSERT_TRUE(by_domain.ok()) << by_domain.status();
  EXPECT_EQ(by_domain->selector().tenant(), "tenants/acme") << "their own mail to that domain";
  EXPECT_EQ(Pause(Campaign("tenants/other/campaigns/c"), acme).status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Drop(Campaign("tenants/other/campaigns/c"), acme).status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ViolationsOf(Pause(Campaign("tenants/acme/campaigns/none"), acme).status()).at(0).field,
            "pause.selector.campaign");
  EXPECT_TRUE(Pauses(other).empty());
  EXPECT_EQ(Pauses(acme).size(), 2u);
  EXPECT_EQ(Pauses("operator-key").size(), 2u);
  EXPECT_EQ(ReasonOf(Resume(mine->name(), other)), "NOT_FOUND");
  EXPECT_TRUE(Resume(mine->name(), acme).ok());
  EXPECT_TRUE(Resume(by_domain->name(), "operator-key").ok());
  EXPECT_EQ(ReasonOf(Pause(Domain("a.example"), "wrong").status()), "UNAUTHENTICATED");

  v1::TraceRequest trace;
  trace.set_domain("a.example");
  const auto context = NewCall(acme);
  v1::TraceLine line;
  const auto reader = queue_->Trace(context.get(), trace);
  EXPECT_FALSE(reader->Read(&line));
  EXPECT_EQ(CheckCall(reader->Finish()).code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(QueueFlowTest, ADropEndsWhatTheCoordinatorHoldsAndWhatTheNodeReports) {
  Start();
  FakeNode node(channel_, "sender-0", {"127.0.0.11"}, 500);
  node.Until([](const auto& message) { return message.has_welcome(); });
  const std::string wave = Running(3000);
  const auto batch = node.NextBatch();
  EXPECT_EQ(batch.campaign(), "tenants/default/campaigns/c");
  EXPECT_EQ(batch.priority(), v1::BULK);
  EXPECT_EQ(batch.after_order(), 1) << "the log's first place: no order is older";
  node.Ack(batch);
  ASSERT_TRUE(Drop(Campaign("tenants/default/campaigns/c")).ok());
  node.Until(IsOrders);  // its place
  const auto orders = node.Until(IsOrders);
  EXPECT_EQ(orders.orders().orders(0).queue().kind(), v1::QueueOrder::DROP);
  AwaitState(wave, [](const v1::Wave& w) { return w.counts().cancelled() == 2500; });
  std::vector<uint64_t> held;
  for (const auto& recipient : batch.recipients()) held.push_back(recipient.recipient_id());
  ASSERT_EQ(held.size(), 500u);
  node.Report(held, v1::CANCELLED);
  AwaitState(wave, [](const v1::Wave& w) { return w.state() == v1::Wave::COMPLETED; });
  EXPECT_EQ(GetWave(wave).counts().cancelled(), 3000);
  EXPECT_TRUE(Audit(wave)->balanced()) << Audit(wave)->ShortDebugString();
}

TEST_F(QueueFlowTest, ADropGoesOnAfterARestart) {
  Start();
  {
    FakeNode node(channel_, "sender-0", {"127.0.0.11"}, 0);
    node.Until([](const auto& m) { return m.has_welcome(); });
  }
  const std::string wave = Running(30'000);
  ASSERT_TRUE(Drop(Campaign("tenants/default/campaigns/c")).ok());
  StopCoordinator();
  Start();
  AwaitState(wave, [](const v1::Wave& w) { return w.state() == v1::Wave::COMPLETED; });
  EXPECT_EQ(GetWave(wave).counts().cancelled(), 30'000);
  EXPECT_TRUE(Audit(wave)->balanced());
}

// A million would take too long here; what counts is that the backlog is many batches.
TEST_F(QueueFlowTest, UrgentMailGoesBeforeTheBacklogAndASecondTenantBesideIt) {
  Start();
  FakeNode node(channel_, "sender-0", {"127.0.0.11"}, 0);
  node.Until([](const auto& message) { return message.has_welcome(); });
  MakeTenant("second", "", nullptr);
  const std::string big = Running(20'000);
  AwaitState(big, [](const v1::Wave& w) { return w.counts().assigned() == 20'000; });
  const std::string small = Running(300, "tenants/second");
  AwaitState(small, [](const v1::Wave& w) { return w.counts().assigned() == 300; });

  v1::CreateCampaignRequest request;
  request.set_parent("tenants/default");
  request.set_campaign_id("reset");
  request.mutable_campaign()->set_priority(v1::URGENT);
  request.mutable_campaign()->mutable_content()->set_subject("Reset");
  request.mutable_campaign()->mutable_content()->set_from_address("a@example.com");
  request.mutable_campaign()->mutable_content()->set_html("<p>x</p>");
  v1::Campaign campaign;
  ASSERT_TRUE(CheckCall(campaigns_->CreateCampaign(NewCall().get(), request, &campaign)).ok());
  v1::CreateWaveRequest wave_request;
  wave_request.set_parent(campaign.name());
  wave_request.set_wave_id("w");
  v1::Wave wave;
  ASSERT_TRUE(CheckCall(campaigns_->CreateWave(NewCall().get(), wave_request, &wave)).ok());
  v1::ImportRecipientsRequest chunk;
  chunk.set_parent(wave.name());
  AddRow(&chunk, "one@b.example");
  ASSERT_TRUE(Import(chunk).ok());
  ASSERT_TRUE(StartWave(wave.name()).ok());
  AwaitState(wave.name(), [](const v1::Wave& w) { return w.counts().assigned() == 1; });

  node.Status(100'000);
  const auto first = node.NextBatch();
  EXPECT_EQ(first.priority(), v1::URGENT);
  EXPECT_EQ(first.campaign(), campaign.name());
  std::set<std::string> campaigns;
  for (int i = 0; i < 3; ++i) campaigns.insert(node.NextBatch().campaign());
  EXPECT_TRUE(campaigns.contains("tenants/second/campaigns/c")) << "does not stand behind the 20,000";
}

TEST_F(QueueFlowTest, UrgentWavesAreSmall) {
  Start();
  FakeNode node(channel_, "sender-0", {"127.0.0.11"}, 0);
  node.Until([](const auto& message) { return message.has_welcome(); });
  v1::CreateCampaignRequest request;
  request.set_parent("tenants/default");
  request.set_campaign_id("c2");
  request.mutable_campaign()->set_priority(v1::URGENT);
  request.mutable_campaign()->mutable_content()->set_subject("Reset");
  request.mutable_campaign()->mutable_content()->set_from_address("a@example.com");
  request.mutable_campaign()->mutable_content()->set_html("<p>x</p>");
  v1::Campaign campaign;
  ASSERT_TRUE(CheckCall(campaigns_->CreateCampaign(NewCall().get(), request, &campaign)).ok());
  v1::CreateWaveRequest wave_request;
  wave_request.set_parent(campaign.name());
  wave_request.set_wave_id("w");
  v1::Wave wave;
  ASSERT_TRUE(CheckCall(campaigns_->CreateWave(NewCall().get(), wave_request, &wave)).ok());
  for (int from : {0, 1000}) {
    v1::ImportRecipientsRequest chunk;
    chunk.set_parent(wave.name());
    for (int i = 0; i < (from == 0 ? 1000 : 1); ++i) AddRow(&chunk, absl::StrCat("p", from + i, "@a.example"));
    ASSERT_TRUE(Import(chunk).ok());
  }
  EXPECT_EQ(ReasonOf(StartWave(wave.name()).status()), "TOO_LARGE_FOR_URGENT");
}

TEST_F(QueueFlowTest, ExplainJoinsTheNodesAndHidesOtherTenants) {
  Start({"operator-key"});
  std::string acme;
  MakeTenant("acme", "operator-key", &acme);
  v1::ExplainRequest request;
  request.set_address("Jane@A.example");
  v1::ExplainResponse response;
  EXPECT_EQ(ReasonOf(CheckCall(queue_->Explain(NewCall(acme).get(), request, &response))), "NO_NODE");

  FakeNode node(channel_, "sender-0", {"127.0.0.11"}, 0);
  FakeNode mute(channel_, "sender-1", {"127.0.0.12"}, 0);
  for (FakeNode* each : {&node, &mute}) each->Until([](const auto& message) { return message.has_welcome(); });
  std::thread answers([&] {
    const auto question = node.Until(IsQuestion).question();
    EXPECT_EQ(question.explain().address(), "Jane@a.example");
    EXPECT_EQ(question.tenant(), "tenants/acme");
    NodeMessage message;
    message.mutable_answer()->set_id(question.id());
    auto& path = *message.mutable_answer()->mutable_explanation()->add_paths();
    path.set_egress_ip("127.0.0.11");
    path.add_waiting()->set_recipient("w1-0");
    path.set_summary("sent at once");
    node.Write(message);
    mute.Until(IsQuestion);
    mute.Vanish();
  });
  const absl::Status explained = CheckCall(queue_->Explain(NewCall(acme).get(), request, &response));
  answers.join();
  ASSERT_TRUE(explained.ok()) << explained;
  ASSERT_EQ(response.paths_size(), 1);
  EXPECT_EQ(response.paths(0).node(), "nodes/sender-0");
  EXPECT_EQ(response.paths(0).summary(), "Nothing of yours waits.");
  EXPECT_EQ(response.paths(0).waiting_size(), 0) << "wave 1 is nobody's";
  EXPECT_THAT(response.silent_nodes(), testing::ElementsAre("nodes/sender-1"));
  request.set_address("nonsense");
  EXPECT_EQ(ReasonOf(CheckCall(queue_->Explain(NewCall(acme).get(), request, &response))), "BAD_ADDRESS");
}

TEST_F(QueueFlowTest, TraceBringsLinesAndStopsWhenTheCallerGoes) {
  Start();
  FakeNode node(channel_, "sender-0", {"127.0.0.11"}, 0);
  node.Until([](const auto& message) { return message.has_welcome(); });
  v1::TraceRequest request;
  request.set_domain("A.example");
  const auto context = NewCall();
  const auto reader = queue_->Trace(context.get(), request);
  const auto question = node.Until(IsQuestion).question();
  EXPECT_EQ(question.trace().domain(), "a.example");
  EXPECT_EQ(question.trace().duration().seconds(), 600);
  NodeMessage message;
  message.mutable_answer()->set_id(question.id());
  for (const char* text : {"EHLO a", "250 ok"}) message.mutable_answer()->mutable_trace()->add_lines()->set_text(text);
  node.Write(message);
  v1::TraceLine line;
  ASSERT_TRUE(reader->Read(&line));
  EXPECT_EQ(line.text(), "EHLO a");
  ASSERT_TRUE(reader->Read(&line));
  EXPECT_EQ(line.text(), "250 ok");
  context->TryCancel();
  EXPECT_EQ(node.Until(IsQuestion).question().stop_trace(), question.id());
  reader->Finish();
}

TEST_F(QueueFlowTest, EstimateAsksWhoHoldsTheWave) {
  Start();
  FakeNode node(channel_, "sender-0", {"127.0.0.11"}, 0);
  node.Until([](const auto& message) { return message.has_welcome(); });
  const std::string wave = Running(1200);
  v1::EstimateWaveRequest request;
  request.set_name(wave);
  std::thread answers([&] {
    const auto question = node.Until(IsQuestion).question();
    ASSERT_EQ(question.forecast().loads_size(), 1);
    EXPECT_EQ(question.forecast().loads(0).domain(), "a.example");
    EXPECT_EQ(question.forecast().loads(0).egress_ip(), "127.0.0.11");
    EXPECT_EQ(question.forecast().loads(0).recipients(), 1200);
    NodeMessage message;
    message.mutable_answer()->set_id(question.id());
    auto& site = *message.mutable_answer()->mutable_forecast()->add_slowest();
    site.set_site("a.example");
    site.mutable_through_time()->set_seconds(4'000'000'000);
    node.Write(message);
  });
  v1::EstimateWaveResponse response;
  const absl::Status estimated = CheckCall(queue_->EstimateWave(NewCall().get(), request, &response));
  answers.join();
  ASSERT_TRUE(estimated.ok()) << estimated;
  EXPECT_EQ(response.open(), 1200);
  EXPECT_TRUE(response.exact());
  EXPECT_EQ(response.through_time().seconds(), 4'000'000'000);
  request.set_name("tenants/default/campaigns/c/waves/none");
  EXPECT_EQ(ReasonOf(CheckCall(queue_->EstimateWave(NewCall().get(), request, &response))), "NOT_FOUND");
}

class NamedNode {
 public:
  NamedNode(const std::shared_ptr<grpc::Channel>& channel, const std::string& data_id, const std::string& address)
      : stub_(cluster::v1::DispatchService::NewStub(channel)), stream_(stub_->Attach(&context_)) {
    NodeMessage message;
    message.mutable_hello()->set_node_id("sender-0");
    message.mutable_hello()->set_data_id(data_id);
    message.mutable_hello()->add_egress_ips()->set_address(address);
    stream_->Write(message);
  }
  ~NamedNode() { context_.TryCancel(); }
  // Its epoch; 0: it was refused.
  int64_t Epoch() {
    CoordinatorMessage message;
    return stream_->Read(&message) ? message.welcome().epoch() : 0;
  }
  absl::Status End() { return CheckCall(stream_->Finish()); }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<cluster::v1::DispatchService::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<NodeMessage, CoordinatorMessage>> stream_;
};

TEST_F(QueueFlowTest, TwoProcessesWithOneNameDoNotThrowEachOtherOut) {
  Start();
  const std::string one(16, '1'), two(16, '2');
  NamedNode first(channel_, one, "127.0.0.11");
  EXPECT_EQ(first.Epoch(), 1);
  NamedNode other(channel_, two, "127.0.0.11");
  EXPECT_EQ(other.Epoch(), 0);
  const absl::Status refused = other.End();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(refused), "NODE_ID_IN_USE");
  NamedNode restarted(channel_, one, "127.0.0.11");
  EXPECT_EQ(restarted.Epoch(), 2);
  EXPECT_EQ(first.Epoch(), 0);
  EXPECT_EQ(ReasonOf(first.End()), "REPLACED");
  NamedNode again(channel_, two, "127.0.0.11");
  EXPECT_EQ(again.Epoch(), 0) << "the lease of the first runs";
}

}  // namespace
}  // namespace wavepost
