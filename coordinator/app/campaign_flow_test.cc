// A campaign from create to COMPLETED over real gRPC, with a node that the test plays.
#include <gmock/gmock.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/recipient_id.h"
#include "common/mail/verp.h"
#include "common/rpc/status.h"
#include "coordinator/app/cluster_test_util.h"

namespace wavepost {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class CampaignFlowTest : public ClusterTest {
 protected:
  CampaignFlowTest() { StartCoordinator(); }
};

std::vector<uint64_t> IdsOf(const cluster::v1::Batch& batch) {
  std::vector<uint64_t> ids;
  for (const auto& recipient : batch.recipients()) ids.push_back(recipient.recipient_id());
  return ids;
}

TEST_F(CampaignFlowTest, BadRowsAreNamedAndTheRestIsKept) {
  v1::ImportRecipientsRequest chunk;
  chunk.set_parent(MakeWave());
  chunk.set_first_position(2);
  chunk.set_request_id("chunk-1");
  AddRow(&chunk, "jane@Example.COM");
  AddRow(&chunk, "no at sign");
  AddRow(&chunk, "jane@example.com");
  AddRow(&chunk, "nameless@example.com");
  chunk.mutable_recipients(3)->mutable_attributes()->erase("name");
  AddRow(&chunk, "blank@example.com");
  (*chunk.mutable_recipients(4)->mutable_attributes())["name"] = " ";
  AddRow(&chunk, "large@example.com");
  (*chunk.mutable_recipients(5)->mutable_attributes())["name"] = std::string(5000, 'x');
  AddRow(&chunk, "lines@example.com");
  (*chunk.mutable_recipients(6)->mutable_attributes())["name"] = "Jane\r\nBcc: all@example.com";
  AddRow(&chunk, "fine@example.com");
  (*chunk.mutable_recipients(7)->mutable_attributes())["unused"] = std::string(5000, 'x');

  const auto response = Import(chunk);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->accepted(), 2);
  EXPECT_EQ(response->request_id(), "chunk-1");
  std::vector<std::string> refusals;
  for (const auto& refusal : response->refusals()) {
    refusals.push_back(absl::StrCat(refusal.position(), " ", refusal.reason()));
    EXPECT_NE(refusal.description(), "");
  }
  EXPECT_THAT(refusals, ElementsAre("3 MALFORMED_ADDRESS", "4 DUPLICATE", "5 MISSING_ATTRIBUTE", "6 MISSING_ATTRIBUTE",
                                    "7 ATTRIBUTE_TOO_LARGE", "8 BAD_ATTRIBUTE"));

  // The same chunk again gets the same answer and is not counted twice.
  const auto again = Import(chunk);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->SerializeAsString(), response->SerializeAsString());
  const v1::Wave wave = GetWave(chunk.parent());
  EXPECT_EQ(wave.counts().accepted(), 2);
  EXPECT_EQ(wave.counts().refused(), 6);

  // Another chunk under its id is an error.
  chunk.mutable_recipients(0)->set_address("other@example.com");
  EXPECT_FALSE(Import(chunk).ok());
}

TEST_F(CampaignFlowTest, ImportLimitsAndErrors) {
  v1::ImportRecipientsRequest chunk;
  chunk.set_parent("tenants/default/campaigns/c/waves/none");
  AddRow(&chunk, "a@example.com");
  EXPECT_EQ(Import(chunk).status().code(), absl::StatusCode::kNotFound);
  chunk.set_parent("nonsense");
  EXPECT_EQ(ViolationsOf(Import(chunk).status()).at(0).field, "parent");
  chunk.set_parent(MakeWave());
  for (int i = 0; i < 5000; ++i) AddRow(&chunk, absl::StrCat("p", i, "@example.com"));
  EXPECT_EQ(ReasonOf(Import(chunk).status()), "CHUNK_TOO_LARGE");
  chunk.clear_recipients();
  AddRow(&chunk, "a@example.com");
  (*chunk.mutable_recipients(0)->mutable_attributes())["unused"] = std::string(5 << 20, 'x');
  EXPECT_EQ(ReasonOf(Import(chunk).status()), "CHUNK_TOO_LARGE");
}

TEST_F(CampaignFlowTest, StartNeedsRecipientsAndAnEgressIp) {
  const std::string wave = MakeWave();
  const absl::Status no_ip = StartWave(wave).status();
  EXPECT_EQ(no_ip.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(no_ip), "NO_EGRESS_IP");
  EXPECT_THAT(std::string(no_ip.message()), HasSubstr("wavepost-sender"));
  FakeNode node(channel_, "sender-0", {"127.0.0.11"}, 1000);
  ASSERT_TRUE(node.Next()->has_welcome());
  EXPECT_EQ(StartWave(wave).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(CampaignFlowTest, FromCreateToCompleted) {
  v1::CreateSendingDomainRequest domain;
  domain.set_parent("tenants/default");
  domain.set_domain("Example.com");
  v1::SendingDomain made;
  ASSERT_TRUE(CheckCall(domains_->CreateSendingDomain(NewCall().get(), domain, &made)).ok());
  EXPECT_THAT(made.dns_records(0).data(), HasSubstr("v=DKIM1"));

  const std::string wave = MakeWave();
  v1::ImportRecipientsRequest chunk;
  chunk.set_parent(wave);
  for (int i = 0; i < 1200; ++i) AddRow(&chunk, absl::StrCat("p", i, "@d", i % 5, ".example"));
  ASSERT_EQ(Import(chunk)->accepted(), 1200);

  FakeNode node(channel_, "sender-0", {"127.0.0.11", "127.0.0.12"}, 5000);
  const auto welcome = node.Next();
  ASSERT_TRUE(welcome.has_value() && welcome->has_welcome());
  EXPECT_EQ(welcome->welcome().epoch(), 1);
  EXPECT_THAT(welcome->welcome().outstanding_batch_ids(), IsEmpty());

  const auto watch_context = NewCall();
  v1::WatchWaveRequest watch_request;
  watch_request.set_name(wave);
  watch_request.mutable_interval()->set_nanos(100'000'000);
  const auto watch = campaigns_->WatchWave(watch_context.get(), watch_request);

  ASSERT_TRUE(StartWave(wave).ok());
  EXPECT_TRUE(StartWave(wave).ok()) << "twice is harmless";

  ASSERT_TRUE(node.Next()->has_orders()) << "its place in the order log, before everything else";
  const auto content = node.Next();
  ASSERT_TRUE(content->has_content()) << content->ShortDebugString();
  EXPECT_THAT(content->content().columns(), ElementsAre("name", "plan"));
  EXPECT_EQ(content->content().tenant(), "tenants/default");
  const auto keys = node.Next();
  ASSERT_TRUE(keys->has_key_set());
  EXPECT_EQ(keys->key_set().tenant(), "tenants/default");
  EXPECT_EQ(keys->key_set().domain(), "example.com");
  EXPECT_EQ(keys->key_set().keys_size(), 0) << "nobody has seen the records of " << made.dkim_selector();

  std::set<uint64_t> seen;
  std::set<std::string> ips;
  while (seen.size() < 1200) {
    const cluster::v1::Batch batch = node.NextBatch();
    ASSERT_LE(batch.recipients_size(), 500);
    EXPECT_EQ(batch.content_id(), content->content().content_id());
    for (const auto& recipient : batch.recipients()) {
      EXPECT_TRUE(seen.insert(recipient.recipient_id()).second);
      ips.insert(recipient.egress_ip());
      EXPECT_THAT(recipient.values(), ElementsAre("Jane", ""));
      const std::string local = recipient.return_path().substr(0, recipient.return_path().find('@'));
      const auto token = CheckToken(TokenKeys::ForTest(), TokenOf(local).value_or(""));
      ASSERT_TRUE(token.ok()) << recipient.return_path();
      EXPECT_EQ(token->packed(), recipient.recipient_id());
    }
    node.Ack(batch);
    const auto forget = node.Until([](const auto& message) { return message.has_batch_forget(); });
    EXPECT_THAT(forget.batch_forget().batch_ids(), ElementsAre(batch.batch_id()));
    std::vector<uint64_t> ids = IdsOf(batch);
    const uint64_t bounced = ids.back();
    ids.pop_back();
    node.Report(ids, v1::DELIVERED);
    node.Report({bounced}, v1::BOUNCED, v1::HARD);
    const int64_t through = node.next_sequence - 1;
    node.Until([&](const auto& message) { return message.report_ack().through_sequence() == through; });
    node.Status(5000);
  }
  EXPECT_EQ(ips.size(), 2u);

  v1::Wave last;
  int64_t before = -1;
  while (watch->Read(&last)) {
    EXPECT_GE(last.counts().delivered(), before);
    before = last.counts().delivered();
  }
  EXPECT_TRUE(watch->Finish().ok());
  EXPECT_EQ(last.state(), v1::Wave::COMPLETED);
  EXPECT_EQ(last.counts().open(), 0);
  EXPECT_EQ(last.counts().delivered() + last.counts().bounced(), 1200);
  const auto audit = Audit(wave);
  ASSERT_TRUE(audit.ok());
  EXPECT_TRUE(audit->balanced()) << audit->ShortDebugString();

  // A hard bounce is a suppression, and the node hears of it.
  v1::ListSuppressionsRequest list;
  list.set_parent("tenants/default");
  v1::ListSuppressionsResponse suppressed;
  ASSERT_TRUE(CheckCall(suppressions_->ListSuppressions(NewCall().get(), list, &suppressed)).ok());
  EXPECT_EQ(suppressed.suppressions_size(), last.counts().bounced());

  v1::ListRecipientsRequest recipients;
  recipients.set_parent(wave);
  recipients.set_page_size(700);
  recipients.add_outcomes(v1::DELIVERED);
  int listed = 0;
  do {
    v1::ListRecipientsResponse page;
    ASSERT_TRUE(CheckCall(campaigns_->ListRecipients(NewCall().get(), recipients, &page)).ok());
    listed += page.recipients_size();
    recipients.set_page_token(page.next_page_token());
  } while (!recipients.page_token().empty());
  EXPECT_EQ(listed, last.counts().delivered());
}

// The stream breaks with batches sent and not acknowledged: they come again, whole, and nothing else does.
TEST_F(CampaignFlowTest, ReconnectSendsWhatWasNotAcknowledged) {
  const std::string wave = MakeWave();
  v1::ImportRecipientsRequest chunk;
  chunk.set_parent(wave);
  for (int i = 0; i < 1500; ++i) AddRow(&chunk, absl::StrCat("p", i, "@example.com"));
  ASSERT_EQ(Import(chunk)->accepted(), 1500);
  std::set<uint64_t> acked;
  std::set<std::string> unacked;
  {
    FakeNode node(channel_, "sender-0", {"127.0.0.11"}, 100'000);
    ASSERT_TRUE(node.Next()->has_welcome());
    ASSERT_TRUE(StartWave(wave).ok());
    const cluster::v1::Batch first = node.NextBatch();
    unacked.insert(node.NextBatch().batch_id());
    unacked.insert(node.NextBatch().batch_id());
    node.Ack(first);
    node.Until([](const auto& message) { return message.has_batch_forget(); });
    for (const uint64_t id : IdsOf(first)) acked.insert(id);
    node.Vanish();
  }
  StopCoordinator();
  StartCoordinator();
  FakeNode node(channel_, "sender-0", {"127.0.0.11"}, 100'000);
  const auto welcome = node.Next();
  ASSERT_TRUE(welcome->has_welcome());
  EXPECT_EQ(welcome->welcome().epoch(), 2);
  const std::set<std::string> outstanding(welcome->welcome().outstanding_batch_ids().begin(),
                                          welcome->welcome().outstanding_batch_ids().end());
  EXPECT_EQ(outstanding, unacked);
  std::set<uint64_t> all = acked;
  for (int i = 0; i < 2; ++i) {
    const cluster::v1::Batch batch = node.NextBatch();
    EXPECT_EQ(unacked.erase(batch.batch_id()), 1u);
    node.Ack(batch);
    for (const uint64_t id : IdsOf(batch)) EXPECT_TRUE(all.insert(id).second) << "sent although it was acknowledged";
  }
  EXPECT_EQ(all.size(), 1500u);
  node.Report(std::vector<uint64_t>(all.begin(), std::next(all.begin(), 900)), v1::DELIVERED);
  node.Report(std::vector<uint64_t>(std::next(all.begin(), 900), all.end()), v1::DELIVERED);
  node.Until([](const auto& message) { return message.report_ack().through_sequence() == 1500; });
  EXPECT_EQ(GetWave(wave).state(), v1::Wave::COMPLETED);
  EXPECT_TRUE(Audit(wave)->balanced());
}

// Credit is not overdrawn, and a suppression that comes before a batch is read keeps the recipient out of it.
TEST_F(CampaignFlowTest, CreditAndSuppressionsAreHonoured) {
  const std::string wave = MakeWave();
  v1::ImportRecipientsRequest chunk;
  chunk.set_parent(wave);
  for (int i = 0; i < 1000; ++i) AddRow(&chunk, absl::StrCat("p", i, "@example.com"));
  ASSERT_EQ(Import(chunk)->accepted(), 1000);
  FakeNode node(channel_, "sender-0", {"127.0.0.11"}, 600);
  ASSERT_TRUE(node.Next()->has_welcome());
  ASSERT_TRUE(StartWave(wave).ok());
  const cluster::v1::Batch first = node.NextBatch();
  ASSERT_EQ(first.recipients_size(), 500);
  // 100 of credit are left: the other batch waits. The suppression must come first.
  v1::CreateSuppressionRequest request;
  request.set_parent("tenants/default");
  request.mutable_suppression()->set_address("P999@Example.com");
  v1::Suppression suppression;
  ASSERT_TRUE(CheckCall(suppressions_->CreateSuppression(NewCall().get(), request, &suppression)).ok());
  EXPECT_EQ(suppression.name(), "tenants/default/suppressions/p999@example.com");
  EXPECT_EQ(suppression.cause(), v1::Suppression::MANUAL);
  const auto push = node.Until([](const auto& message) { return message.has_suppressions(); });
  EXPECT_EQ(push.suppressions().changes(0).address(), "p999@example.com");
  EXPECT_EQ(push.suppressions().changes(0).tenant(), "tenants/default");
  node.Ack(first);
  node.Status(500, 500);
  const cluster::v1::Batch second = node.NextBatch();
  EXPECT_EQ(second.recipients_size(), 499);
  node.Ack(second);
  node.Report(IdsOf(first), v1::DELIVERED);
  node.Report(IdsOf(second), v1::DELIVERED);
  node.Until([](const auto& message) { return message.report_ack().through_sequence() == 999; });
  const v1::Wave done = GetWave(wave);
  EXPECT_EQ(done.state(), v1::Wave::COMPLETED);
  EXPECT_EQ(done.counts().suppressed(), 1);
  EXPECT_TRUE(Audit(wave)->balanced());

  // A node that comes back from before gets the log from its place.
  FakeNode later(channel_, "sender-1", {"127.0.0.21"}, 0, 0);
  EXPECT_EQ(later.Until([](const auto& message) { return message.has_suppressions(); }).suppressions().changes_size(),
            1);
}

TEST_F(CampaignFlowTest, SecondStreamOfANodeEndsTheFirst) {
  FakeNode first(channel_, "sender-0", {"127.0.0.11"}, 10);
  ASSERT_TRUE(first.Next()->has_welcome());
  FakeNode second(channel_, "sender-0", {"127.0.0.11"}, 10);
  EXPECT_EQ(second.Next()->welcome().epoch(), 2);
  while (first.Next().has_value()) {  // what was on its way
  }
  EXPECT_EQ(first.Finish().code(), absl::StatusCode::kAborted);

  FakeNode thief(channel_, "sender-1", {"127.0.0.11"}, 10);
  EXPECT_FALSE(thief.Next().has_value());
  const absl::Status refused = thief.Finish();
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(refused), "ADDRESS_IN_USE");

  v1::ListNodesResponse nodes;
  ASSERT_TRUE(CheckCall(nodes_->ListNodes(NewCall().get(), {}, &nodes)).ok());
  ASSERT_THAT(nodes.nodes(), SizeIs(1));
  EXPECT_EQ(nodes.nodes(0).name(), "nodes/sender-0");
  EXPECT_TRUE(nodes.nodes(0).attached());
  EXPECT_EQ(nodes.nodes(0).egress_ips(0).pool(), "default");
}

TEST_F(CampaignFlowTest, BouncesFromTheFeedMoveRecipients) {
  const std::string wave = MakeWave();
  v1::ImportRecipientsRequest chunk;
  chunk.set_parent(wave);
  AddRow(&chunk, "a@example.com");
  AddRow(&chunk, "b@example.com");
  ASSERT_TRUE(Import(chunk).ok());
  FakeNode node(channel_, "sender-0", {"127.0.0.11"}, 600);
  ASSERT_TRUE(node.Next()->has_welcome());
  ASSERT_TRUE(StartWave(wave).ok());
  const cluster::v1::Batch batch = node.NextBatch();
  node.Ack(batch);
  node.Report(IdsOf(batch), v1::DELIVERED);
  node.Until([](const auto& message) { return message.has_report_ack(); });

  const auto feed = cluster::v1::BounceFeedService::NewStub(channel_);
  const auto context = NewCall();
  const auto stream = feed->Feed(context.get());
  cluster::v1::BounceFeedRequest message;
  message.mutable_hello()->set_bouncer_id("bouncer-0");
  stream->Write(message);
  cluster::v1::BounceFeedResponse response;
  ASSERT_TRUE(stream->Read(&response));  // the hello is answered, though nothing is known of the bouncer
  EXPECT_EQ(response.through_sequence(), 0);
  auto& report = *message.mutable_reports()->add_reports();
  report.set_sequence(1);
  report.set_recipient_id(batch.recipients(0).recipient_id());
  report.set_bounce_class(v1::HARD);
  stream->Write(message);
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.through_sequence(), 1);
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(GetWave(wave).counts().bounced(), 1);
  EXPECT_EQ(GetWave(wave).counts().delivered(), 1);
  EXPECT_TRUE(Audit(wave)->balanced());
  EXPECT_TRUE(node.Until([](const auto& m) { return m.has_suppressions(); }).suppressions().changes_size() == 1);
}

TEST_F(CampaignFlowTest, StopEndsStreamsInGoodOrder) {
  FakeNode node(channel_, "sender-0", {"127.0.0.11"}, 10);
  ASSERT_TRUE(node.Next()->has_welcome());
  const auto context = NewCall();
  const auto follow = events_->FollowEvents(context.get(), {});
  v1::Event event;
  ASSERT_TRUE(follow->Read(&event));
  EXPECT_EQ(event.kind(), v1::Event::NODE_CHANGED);
  StopCoordinator();
  EXPECT_EQ(node.Finish().code(), absl::StatusCode::kUnavailable);
  while (follow->Read(&event)) {
  }
  EXPECT_EQ(CheckCall(follow->Finish()).code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace wavepost
