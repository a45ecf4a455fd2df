#include "coordinator/dispatch/node_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/rpc/status.h"

namespace wavepost {
namespace {

using cluster::v1::CoordinatorMessage;
using cluster::v1::Hello;
using cluster::v1::NodeMessage;
using cluster::v1::StoredNode;
using cluster::v1::SuppressionChange;
using testing::ElementsAre;
using testing::HasSubstr;

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

Hello HelloWith(int64_t credit) {
  Hello hello;
  hello.set_node_id("sender-0");
  hello.add_egress_ips()->set_address("192.0.2.1");
  hello.mutable_status()->set_credit(credit);
  hello.mutable_status()->set_queued(1);
  return hello;
}

StoredNode Node() {
  StoredNode node;
  node.set_epoch(7);
  return node;
}

PendingHead Pending(const std::string& id, int64_t sequence, int64_t recipients) {
  return {.batch_id = id, .sequence = sequence, .wave = 1, .recipients = recipients, .tenant = "tenants/a"};
}

LoadedBatch Loaded(const std::string& id, int recipients, const std::string& content = "content-1") {
  LoadedBatch loaded;
  loaded.batch.set_batch_id(id);
  loaded.batch.set_content_id(content);
  for (int i = 0; i < recipients; ++i) loaded.batch.add_recipients()->set_recipient_id(static_cast<uint64_t>(i));
  auto made = std::make_shared<cluster::v1::Content>();
  made->set_content_id(content);
  loaded.content = made;
  auto key = std::make_shared<cluster::v1::SigningKey>();
  key->set_domain("example.com");
  key->set_selector("wp1");
  loaded.signing_key = key;
  return loaded;
}

SuppressionChange Change(int64_t sequence) {
  SuppressionChange change;
  change.set_sequence(sequence);
  return change;
}

NodeMessage AckOf(const std::string& id) {
  NodeMessage message;
  message.mutable_batch_ack()->set_batch_id(id);
  return message;
}

NodeMessage StatusOf(int64_t credit, int64_t queued = 1) {
  NodeMessage message;
  message.mutable_status()->set_credit(credit);
  message.mutable_status()->set_queued(queued);
  return message;
}

// What was done, a word per effect.
std::vector<std::string> Words(const NodeSession::Effects& effects) {
  std::vector<std::string> out;
  for (const CoordinatorMessage& message : effects.send) {
    switch (message.message_case()) {
      case CoordinatorMessage::kWelcome:
        out.push_back(absl::StrCat("welcome ", message.welcome().outstanding_batch_ids_size()));
        break;
      case CoordinatorMessage::kBatch:
        out.push_back(absl::StrCat("batch ", message.batch().batch_id()));
        break;
      case CoordinatorMessage::kContent:
        out.push_back(absl::StrCat("content ", message.content().content_id()));
        break;
      case CoordinatorMessage::kSigningKey:
        out.push_back(absl::StrCat("key ", message.signing_key().selector()));
        break;
      case CoordinatorMessage::kSuppressions:
        out.push_back(absl::StrCat("suppressions ", message.suppressions().changes_size()));
        break;
      case CoordinatorMessage::kOrders:
        out.push_back(absl::StrCat("orders ", message.orders().orders_size()));
        break;
      case CoordinatorMessage::kQuestion:
        out.push_back(absl::StrCat("question ", message.question().id()));
        break;
      case CoordinatorMessage::kReportAck:
        out.push_back(absl::StrCat("report_ack ", message.report_ack().through_sequence()));
        break;
      case CoordinatorMessage::kBatchForget:
        out.push_back(absl::StrCat("forget ", message.batch_forget().batch_ids_size()));
        break;
      case CoordinatorMessage::kLeaseRenewal:
        out.push_back("lease");
        break;
      default:
        out.push_back("?");
    }
  }
  for (const std::string& id : effects.acknowledge) out.push_back(absl::StrCat("acknowledge ", id));
  for (const auto& reports : effects.apply) out.push_back(absl::StrCat("apply ", reports.size()));
  if (effects.load_heads_after.has_value()) out.push_back(absl::StrCat("heads>", *effects.load_heads_after));
  if (effects.load_batch.has_value()) out.push_back(absl::StrCat("read ", effects.load_batch->batch_id));
  if (effects.load_suppressions_after.has_value())
    out.push_back(absl::StrCat("log>", *effects.load_suppressions_after));
  if (effects.load_orders_after.has_value()) out.push_back(absl::StrCat("orders>", *effects.load_orders_after));
  if (effects.orders_acknowledged.has_value()) out.push_back(absl::StrCat("ordered ", *effects.orders_acknowledged));
  for (const cluster::v1::Answer& answer : effects.answers) out.push_back(absl::StrCat("answer ", answer.id()));
  if (!effects.close.ok()) out.push_back(absl::StrCat("close ", ReasonOf(effects.close)));
  return out;
}

class NodeSessionTest : public testing::Test {
 protected:
  // A session that has everything and waits, with room in its queue.
  void Settle(int64_t credit) {
    session_ = std::make_unique<NodeSession>(NodeSession::Options{}, HelloWith(credit), Node(), kStart);
    session_->Start({});
    session_->OnSuppressions({});
    session_->OnOrders({});
    Drain();
  }

  void Drain(int messages = 1) {
    for (int i = 0; i < messages; ++i) session_->OnWritten();
  }

  std::vector<std::string> Do(NodeSession::Effects effects) { return Words(effects); }

  std::unique_ptr<NodeSession> session_;
};

TEST_F(NodeSessionTest, StartsWithWelcomeLogAndBatches) {
  session_ = std::make_unique<NodeSession>(NodeSession::Options{}, HelloWith(100), Node(), kStart);
  EXPECT_THAT(Do(session_->Start({"a", "b"})), ElementsAre("welcome 2", "heads>0", "log>0", "orders>0"));
  EXPECT_EQ(session_->follow_after(), std::nullopt);
}

TEST_F(NodeSessionTest, ContentAndKeyOncePerStreamBeforeTheBatch) {
  Settle(1000);
  EXPECT_THAT(Do(session_->OnHeads({Pending("a", 1, 10), Pending("b", 2, 10)})), ElementsAre("read a"));
  EXPECT_THAT(Do(session_->OnBatch(Loaded("a", 10))), ElementsAre("content content-1", "key wp1", "batch a", "read b"));
  EXPECT_THAT(Do(session_->OnBatch(Loaded("b", 10))), ElementsAre("batch b"));
}

TEST_F(NodeSessionTest, NewSelectorIsSentAgain) {
  Settle(1000);
  session_->OnHeads({Pending("a", 1, 10), Pending("b", 2, 10)});
  session_->OnBatch(Loaded("a", 10));
  LoadedBatch second = Loaded("b", 10);
  auto key = std::make_shared<cluster::v1::SigningKey>(*second.signing_key);
  key->set_selector("wp2");
  second.signing_key = key;
  EXPECT_THAT(Do(session_->OnBatch(std::move(second))), ElementsAre("key wp2", "batch b"));
}

TEST_F(NodeSessionTest, NoCreditNoBatch) {
  Settle(0);
  EXPECT_THAT(Do(session_->OnStoreChange(0)), ElementsAre());
  EXPECT_THAT(Do(session_->OnMessage(StatusOf(50), kStart)), ElementsAre("heads>0"));
  EXPECT_THAT(Do(session_->OnHeads({Pending("a", 1, 80)})), ElementsAre()) << "larger than the credit";
  EXPECT_THAT(Do(session_->OnMessage(StatusOf(79), kStart)), ElementsAre());
  EXPECT_THAT(Do(session_->OnMessage(StatusOf(80), kStart)), ElementsAre("read a"));
  session_->OnBatch(Loaded("a", 80));
  EXPECT_EQ(session_->credit(), 0);
}

TEST_F(NodeSessionTest, SmallNodeThatHoldsNothingGetsABatchAllTheSame) {
  Settle(0);
  session_->OnMessage(StatusOf(50, 0), kStart);
  EXPECT_THAT(Do(session_->OnHeads({Pending("a", 1, 80), Pending("b", 2, 10)})), ElementsAre("read a"));
  EXPECT_THAT(Words(session_->OnBatch(Loaded("a", 80))), ElementsAre("content content-1", "key wp1", "batch a"));
  EXPECT_LT(session_->credit(), 0);
}

// What is on its way cannot be in the node's count yet.
TEST_F(NodeSessionTest, UnacknowledgedBatchesAreTakenOffEachStatement) {
  Settle(100);
  session_->OnHeads({Pending("a", 1, 80), Pending("b", 2, 80)});
  session_->OnBatch(Loaded("a", 80));
  EXPECT_THAT(Do(session_->OnMessage(StatusOf(100), kStart)), ElementsAre());
  EXPECT_EQ(session_->credit(), 20);
  Drain(3);
  EXPECT_THAT(Do(session_->OnMessage(AckOf("a"), kStart)), ElementsAre("acknowledge a"));
  EXPECT_THAT(Do(session_->OnMessage(StatusOf(90), kStart)), ElementsAre("read b"));
}

TEST_F(NodeSessionTest, AckIsStoredThenForgotten) {
  Settle(1000);
  session_->OnHeads({Pending("a", 1, 10)});
  session_->OnBatch(Loaded("a", 10));
  Drain(3);
  EXPECT_THAT(Do(session_->OnMessage(AckOf("a"), kStart)), ElementsAre("acknowledge a"));
  EXPECT_THAT(Do(session_->OnForgotten("a")), ElementsAre("forget 1"));
}

TEST_F(NodeSessionTest, AckOfAnUnknownBatchIsAnsweredToo) {
  Settle(1000);
  EXPECT_THAT(Do(session_->OnMessage(AckOf("from before"), kStart)), ElementsAre("acknowledge from before"));
  EXPECT_THAT(Do(session_->OnForgotten("from before")), ElementsAre("forget 1"));
}

// A node that comes back acknowledges what it had stored: that must not go out again, whatever was being read
// meanwhile.
TEST_F(NodeSessionTest, LateAckStopsABatchThatWaits) {
  Settle(10);
  session_->OnHeads({Pending("a", 1, 10), Pending("b", 2, 10)});
  session_->OnMessage(AckOf("b"), kStart);
  session_->OnForgotten("b");
  session_->OnBatch(Loaded("a", 10));
  EXPECT_THAT(Do(session_->OnMessage(StatusOf(1000), kStart)), testing::Not(testing::Contains("read b")));
}

TEST_F(NodeSessionTest, LateAckStopsABatchThatIsBeingRead) {
  Settle(1000);
  EXPECT_THAT(Do(session_->OnHeads({Pending("a", 1, 10)})), ElementsAre("read a"));
  session_->OnMessage(AckOf("a"), kStart);
  session_->OnForgotten("a");
  EXPECT_THAT(Do(session_->OnBatch(Loaded("a", 10))), ElementsAre());
  EXPECT_EQ(session_->credit(), 1000);
}

TEST_F(NodeSessionTest, LateAckStopsABatchWhoseListIsBeingRead) {
  Settle(1000);
  session_->OnMessage(AckOf("a"), kStart);  // the reading of heads from Start() is still under way
  session_->OnForgotten("a");
  EXPECT_THAT(Do(session_->OnHeads({Pending("a", 1, 10), Pending("b", 2, 10)})), ElementsAre("read b"));
}

TEST_F(NodeSessionTest, AsksAgainOnlyWhenTheStoreHasChanged) {
  Settle(1000);
  EXPECT_THAT(Do(session_->OnHeads({})), ElementsAre());
  EXPECT_THAT(Do(session_->OnMessage(StatusOf(1000), kStart)), ElementsAre());
  EXPECT_THAT(Do(session_->OnStoreChange(0)), ElementsAre("heads>0"));
  EXPECT_THAT(Do(session_->OnStoreChange(0)), ElementsAre()) << "one reading at a time";
  EXPECT_THAT(Do(session_->OnHeads({})), ElementsAre("heads>0")) << "it changed while it was read";
}

TEST_F(NodeSessionTest, FullQueueHoldsEverythingBack) {
  Settle(1'000'000);
  std::vector<PendingHead> heads;
  for (int i = 1; i <= 16; ++i) heads.push_back(Pending(absl::StrCat("b", i), i, 10));
  session_->OnHeads(heads);
  size_t sent = 0;
  std::string next = "b1";
  for (int i = 1; i <= 16; ++i) {
    NodeSession::Effects effects = session_->OnBatch(Loaded(absl::StrCat("b", i), 10));
    sent += effects.send.size();
    if (!effects.load_batch.has_value()) break;
  }
  EXPECT_LE(sent, NodeSession::kQueuedMax + 4);
  EXPECT_THAT(Do(session_->OnApplied(5)), ElementsAre()) << "waits for room";
  EXPECT_THAT(Do(session_->OnNewSuppressions({Change(1)}, true)), ElementsAre());
  NodeSession::Effects effects;
  std::vector<std::string> later;
  for (size_t i = 0; i < sent; ++i) {
    for (const std::string& word : Words(session_->OnWritten())) later.push_back(word);
  }
  EXPECT_THAT(later, testing::IsSupersetOf({"report_ack 5", "log>0"}));
}

TEST_F(NodeSessionTest, SuppressionLogInPagesThenLive) {
  session_ = std::make_unique<NodeSession>(NodeSession::Options{}, HelloWith(0), Node(), kStart);
  session_->Start({});
  std::vector<SuppressionChange> page;
  for (int64_t i = 1; i <= 1000; ++i) page.push_back(Change(i));
  EXPECT_THAT(Do(session_->OnSuppressions(page)), ElementsAre("suppressions 1000", "log>1000"));
  EXPECT_THAT(Do(session_->OnNewSuppressions({Change(1001)}, true)), ElementsAre()) << "it reads by itself";
  EXPECT_THAT(Do(session_->OnSuppressions({Change(1001)})), ElementsAre("suppressions 1"));
  EXPECT_EQ(session_->follow_after(), 1001);
  EXPECT_THAT(Do(session_->OnNewSuppressions({Change(1001), Change(1002)}, true)), ElementsAre("suppressions 1"));
  EXPECT_EQ(session_->follow_after(), 1002);
  EXPECT_THAT(Do(session_->OnNewSuppressions({Change(1003)}, false)), ElementsAre("suppressions 1", "log>1003"));
}

TEST_F(NodeSessionTest, ReportsAreAppliedAndAcknowledgedByTheHighest) {
  Settle(0);
  NodeMessage message;
  for (int i = 1; i <= 3; ++i) message.mutable_reports()->add_reports()->set_sequence(i);
  EXPECT_THAT(Do(session_->OnMessage(message, kStart)), ElementsAre("apply 3"));
  EXPECT_THAT(Do(session_->OnApplied(3)), ElementsAre("report_ack 3"));
}

TEST_F(NodeSessionTest, StoredReportsAreAcknowledgedAtOnce) {
  StoredNode node = Node();
  node.set_report_sequence(41);
  session_ = std::make_unique<NodeSession>(NodeSession::Options{}, HelloWith(0), node, kStart);
  EXPECT_THAT(Do(session_->Start({})), ElementsAre("welcome 0", "report_ack 41", "log>0", "orders>0"));
}

TEST_F(NodeSessionTest, ReadsNoMoreThanTheStoreTakes) {
  Settle(0);
  NodeMessage message;
  message.mutable_reports()->add_reports()->set_sequence(1);
  for (size_t i = 0; i < NodeSession::kPendingMax; ++i) {
    EXPECT_TRUE(session_->CanRead());
    session_->OnMessage(message, kStart);
  }
  EXPECT_FALSE(session_->CanRead());
  session_->OnApplied(1);
  EXPECT_TRUE(session_->CanRead());
}

TEST_F(NodeSessionTest, LeaseIsRenewedAndSilenceEndsTheStream) {
  Settle(0);
  EXPECT_THAT(Do(session_->OnTick(kStart + absl::Seconds(9))), ElementsAre());
  EXPECT_THAT(Do(session_->OnTick(kStart + absl::Seconds(10))), ElementsAre("lease"));
  EXPECT_THAT(Do(session_->OnTick(kStart + absl::Seconds(11))), ElementsAre());
  session_->OnMessage(StatusOf(0), kStart + absl::Seconds(50));
  Drain();
  EXPECT_THAT(Do(session_->OnTick(kStart + absl::Seconds(109))), ElementsAre("lease"));
  EXPECT_THAT(Do(session_->OnTick(kStart + absl::Seconds(110))), ElementsAre("close SILENT"));
}

TEST_F(NodeSessionTest, MisuseEndsTheStream) {
  Settle(0);
  NodeMessage hello;
  *hello.mutable_hello() = HelloWith(1);
  EXPECT_THAT(Do(session_->OnMessage(hello, kStart)), ElementsAre("close SECOND_HELLO"));
  NodeMessage many;
  for (size_t i = 0; i <= NodeSession::kReportsMax; ++i) many.mutable_reports()->add_reports();
  EXPECT_THAT(Do(session_->OnMessage(many, kStart)), ElementsAre("close TOO_MANY_REPORTS"));
}

cluster::v1::Order OrderAt(int64_t sequence) {
  cluster::v1::Order order;
  order.set_sequence(sequence);
  order.set_resume("pauses/1");
  return order;
}

TEST_F(NodeSessionTest, OrdersGoOutBeforeTheFirstBatch) {
  session_ = std::make_unique<NodeSession>(NodeSession::Options{}, HelloWith(100), Node(), kStart);
  session_->Start({});
  session_->OnSuppressions({});
  EXPECT_THAT(Do(session_->OnHeads({Pending("a", 1, 10)})), ElementsAre()) << "waits for the orders";
  EXPECT_THAT(Do(session_->OnOrders({OrderAt(3), OrderAt(7)})), ElementsAre("orders 2", "read a"));
  EXPECT_THAT(Do(session_->OnStoreChange(7)), testing::Not(testing::Contains("orders>7"))) << "nothing new";
  EXPECT_THAT(Do(session_->OnStoreChange(8)), testing::Contains("orders>7"));
}

TEST_F(NodeSessionTest, AllThatStandsComesInOneAnswerAndTwoMessages) {
  session_ = std::make_unique<NodeSession>(NodeSession::Options{}, HelloWith(100), Node(), kStart);
  session_->Start({});
  std::vector<cluster::v1::Order> standing;
  for (int64_t i = 1; i <= 1001; ++i) standing.push_back(OrderAt(i));
  EXPECT_THAT(Do(session_->OnOrders(std::move(standing))), ElementsAre("orders 1000", "orders 1"));
}

TEST_F(NodeSessionTest, OrdersInPagesForANodeThatWasAway) {
  Hello hello = HelloWith(0);
  hello.set_order_cursor(5);
  session_ = std::make_unique<NodeSession>(NodeSession::Options{}, hello, Node(), kStart);
  EXPECT_THAT(Do(session_->Start({})), ElementsAre("welcome 0", "log>0", "orders>5"));
  std::vector<cluster::v1::Order> page;
  for (int64_t i = 6; i < 1006; ++i) page.push_back(OrderAt(i));
  EXPECT_THAT(Do(session_->OnOrders(page)), ElementsAre("orders 1000", "orders>1005"));
  EXPECT_THAT(Do(session_->OnOrders({})), ElementsAre());
}

// The wave was started after order 9, which the node does not have: it might drop what it is not meant for.
TEST_F(NodeSessionTest, ABatchWaitsForTheOrdersThatWereBeforeItsWave) {
  Settle(1000);
  session_->OnHeads({Pending("a", 1, 10)});
  LoadedBatch loaded = Loaded("a", 10);
  loaded.after_order = 9;
  EXPECT_THAT(Do(session_->OnBatch(loaded)), ElementsAre("orders>0"));
  EXPECT_THAT(Do(session_->OnOrders({OrderAt(9)})), ElementsAre("orders 1", "read a"));
  EXPECT_THAT(Do(session_->OnBatch(loaded)), ElementsAre("content content-1", "key wp1", "batch a"));
}

TEST_F(NodeSessionTest, AnOrderThatComesWhileOrdersAreReadIsReadToo) {
  Settle(1000);
  EXPECT_THAT(Do(session_->OnStoreChange(4)), ElementsAre("orders>0"));
  EXPECT_THAT(Do(session_->OnStoreChange(5)), ElementsAre());
  EXPECT_THAT(Do(session_->OnOrders({OrderAt(4)})), ElementsAre("orders 1", "orders>4"));
  EXPECT_THAT(Do(session_->OnStoreChange(6)), ElementsAre());
  EXPECT_THAT(Do(session_->OnStoreChange(5)), ElementsAre()) << "news out of order";
  EXPECT_THAT(Do(session_->OnOrders({OrderAt(5)})), ElementsAre("orders 1", "orders>5"));
  EXPECT_THAT(Do(session_->OnOrders({OrderAt(6)})), ElementsAre("orders 1"));
  EXPECT_THAT(Do(session_->OnHeads({Pending("a", 1, 10)})), testing::Contains("read a"));
}

TEST_F(NodeSessionTest, OrderAcksAreStored) {
  Settle(0);
  session_->OnStoreChange(4);
  session_->OnOrders({OrderAt(4)});
  NodeMessage ack;
  ack.mutable_order_ack()->set_through_sequence(99);  // more than it was told
  EXPECT_THAT(Do(session_->OnMessage(ack, kStart)), ElementsAre("ordered 4"));
  EXPECT_THAT(Do(session_->OnOrdersAcknowledged()), ElementsAre());
}

TEST_F(NodeSessionTest, ABatchThatIsGoneIsPassedOver) {
  Settle(1000);
  session_->OnHeads({Pending("a", 1, 10), Pending("b", 2, 10)});
  EXPECT_THAT(Do(session_->OnBatch(std::nullopt)), ElementsAre("read b"));
  EXPECT_EQ(session_->credit(), 1000);
}

// Bulk's turn comes while only the reserve is left: it must not hold up the urgent batch behind it.
TEST_F(NodeSessionTest, BulkThatHasItsTurnMayUseTheReserve) {
  Settle(10'000);
  std::vector<PendingHead> heads;
  for (int i = 1; i <= 19; ++i) {
    heads.push_back(Pending(absl::StrCat("urgent", i), i, 500));
    heads.back().urgent = true;
  }
  heads.push_back(Pending("bulk", 20, 500));
  session_->OnHeads(heads);
  std::vector<std::string> words;
  for (int i = 1; i <= 18; ++i) {
    const auto effects = session_->OnBatch(Loaded(absl::StrCat("urgent", i), 500));
    Drain(static_cast<int>(effects.send.size()));
    words = Words(effects);
  }
  EXPECT_EQ(session_->credit(), 1000);
  EXPECT_THAT(words, testing::Contains("read bulk"));
  EXPECT_THAT(Do(session_->OnBatch(Loaded("bulk", 500))), testing::Contains("read urgent19"));
}

TEST_F(NodeSessionTest, AStalledStreamHoldsAFewQuestions) {
  Settle(0);
  const auto ask = [&](int64_t id) {
    cluster::v1::Question question;
    question.set_id(id);
    question.mutable_trace()->set_domain("example.com");
    return Do(session_->OnQuestion(question));
  };
  const auto stop = [&](int64_t id, int64_t trace) {
    cluster::v1::Question question;
    question.set_id(id);
    question.set_stop_trace(trace);
    return Do(session_->OnQuestion(question));
  };
  int64_t id = 1;
  while (ask(id) == std::vector<std::string>{absl::StrCat("question ", id)}) ++id;
  for (size_t waiting = 1; waiting < NodeSession::kQuestionsMax; ++waiting) EXPECT_THAT(ask(++id), ElementsAre());
  EXPECT_THAT(ask(1000), ElementsAre("answer 1000")) << "the asker hears at once";
  EXPECT_THAT(stop(1001, id), ElementsAre()) << "takes the question back";
  EXPECT_THAT(ask(1002), ElementsAre());
  EXPECT_THAT(ask(1003), ElementsAre("answer 1003"));
  EXPECT_THAT(stop(1004, 1), ElementsAre()) << "of one that was sent: taken all the same";
  std::vector<std::string> later;
  for (int i = 0; i < 40; ++i) {
    for (const std::string& word : Do(session_->OnWritten())) later.push_back(word);
  }
  EXPECT_EQ(later.size(), NodeSession::kQuestionsMax + 1);
  EXPECT_THAT(later, testing::IsSupersetOf({"question 1002", "question 1004"}));
  EXPECT_THAT(later, testing::Not(testing::Contains(absl::StrCat("question ", id))));
  EXPECT_THAT(later, testing::Not(testing::Contains("question 1001")));
}

TEST_F(NodeSessionTest, QuestionsAndAnswersPassThrough) {
  Settle(0);
  cluster::v1::Question question;
  question.set_id(5);
  EXPECT_THAT(Do(session_->OnQuestion(question)), ElementsAre("question 5"));
  NodeMessage answer;
  answer.mutable_answer()->set_id(5);
  EXPECT_THAT(Do(session_->OnMessage(answer, kStart)), ElementsAre("answer 5"));
}

TEST_F(NodeSessionTest, UrgentGoesFirstAndHasAReserve) {
  Settle(50'000);
  std::vector<PendingHead> heads;
  for (int i = 1; i <= 999; ++i) heads.push_back(Pending(absl::StrCat("bulk", i), i, 500));
  session_->OnHeads(heads);
  int sent = 0;
  for (int i = 1; i <= 999; ++i) {
    const auto effects = session_->OnBatch(Loaded(absl::StrCat("bulk", i), 500));
    ++sent;
    Drain(static_cast<int>(effects.send.size()));
    if (!effects.load_batch.has_value()) break;
  }
  EXPECT_EQ(sent, 98) << "a thousand of the credit is left";
  EXPECT_EQ(session_->credit(), 1000);
  session_->OnStoreChange(0);
  PendingHead urgent = Pending("urgent", 5000, 1);
  urgent.urgent = true;
  EXPECT_THAT(Do(session_->OnHeads({urgent})), ElementsAre("read urgent"));
}

struct HelloRow {
  const char* name;
  void (*change)(Hello*);
  const char* field;  // empty: good
};

class CheckHelloTest : public testing::TestWithParam<HelloRow> {};

TEST_P(CheckHelloTest, NamesTheField) {
  Hello hello = HelloWith(1);
  GetParam().change(&hello);
  const absl::Status status = CheckHello(&hello);
  if (std::string(GetParam().field).empty()) {
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(hello.egress_ips(0).pool(), "default");
    EXPECT_GT(hello.egress_ips(0).weight(), 0);
  } else {
    ASSERT_FALSE(status.ok());
    EXPECT_THAT(ViolationsOf(status).at(0).field, HasSubstr(GetParam().field));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Rows, CheckHelloTest,
    testing::Values(
        HelloRow{"Good", [](Hello*) {}, ""}, HelloRow{"NoName", [](Hello* h) { h->clear_node_id(); }, "node_id"},
        HelloRow{"BadName", [](Hello* h) { h->set_node_id("Sender 0"); }, "node_id"},
        HelloRow{"NoIp", [](Hello* h) { h->clear_egress_ips(); }, "egress_ips"},
        HelloRow{"EmptyIp", [](Hello* h) { h->mutable_egress_ips(0)->clear_address(); }, "egress_ips[0].address"},
        HelloRow{"SameIpTwice", [](Hello* h) { *h->add_egress_ips() = Hello(*h).egress_ips(0); },
                 "egress_ips[1].address"},
        HelloRow{"BadPool", [](Hello* h) { h->mutable_egress_ips(0)->set_pool("a b"); }, "egress_ips[0].pool"},
        HelloRow{"NegativeWeight", [](Hello* h) { h->mutable_egress_ips(0)->set_weight(-1); }, "egress_ips[0].weight"},
        HelloRow{"NegativeCursor", [](Hello* h) { h->set_suppression_cursor(-1); }, "suppression_cursor"},
        HelloRow{"NegativeOrderCursor", [](Hello* h) { h->set_order_cursor(-1); }, "order_cursor"},
        HelloRow{"ShortDataId", [](Hello* h) { h->set_data_id("x"); }, "data_id"},
        HelloRow{"GoodDataId", [](Hello* h) { h->set_data_id(std::string(16, 'x')); }, ""},
        HelloRow{"GoodWarmUp",
                 [](Hello* h) {
                   v1::WarmUp* warm_up = h->mutable_egress_ips(0)->mutable_warm_up();
                   warm_up->mutable_start_time()->set_seconds(1);
                   for (const int64_t cap : {200, 200, 500}) warm_up->add_daily_caps(cap);
                 },
                 ""},
        HelloRow{"WarmUpWithoutCaps",
                 [](Hello* h) { h->mutable_egress_ips(0)->mutable_warm_up()->mutable_start_time()->set_seconds(1); },
                 "egress_ips[0].warm_up.daily_caps"},
        HelloRow{"WarmUpDescends",
                 [](Hello* h) {
                   v1::WarmUp* warm_up = h->mutable_egress_ips(0)->mutable_warm_up();
                   warm_up->mutable_start_time()->set_seconds(1);
                   for (const int64_t cap : {200, 100}) warm_up->add_daily_caps(cap);
                 },
                 "egress_ips[0].warm_up.daily_caps"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace wavepost
