#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/dispatch/node_session_fixture.h"

namespace wavepost {
namespace {

cluster::v1::Order OrderAt(int64_t sequence) {
  cluster::v1::Order order;
  order.set_sequence(sequence);
  order.set_resume("pauses/1");
  return order;
}

TEST_F(NodeSessionTest, OrdersGoOutBeforeTheFirstBatch) {
  session_ = std::make_unique<NodeSession>(NodeSession::Options{}, HelloWith(100), Node(), kStart);
  session_->Start({}, 0);
  session_->OnSuppressions({});
  EXPECT_THAT(Do(session_->OnHeads({Pending("a", 1, 10)})), ElementsAre()) << "waits for the orders";
  EXPECT_THAT(Do(session_->OnOrders({OrderAt(3), OrderAt(7)})), ElementsAre("orders 2", "read a"));
  EXPECT_THAT(Do(session_->OnStoreChange(7, 0)), testing::Not(testing::Contains("orders>7"))) << "nothing new";
  EXPECT_THAT(Do(session_->OnStoreChange(8, 0)), testing::Contains("orders>7"));
}

TEST_F(NodeSessionTest, AllThatStandsComesInOneAnswerAndTwoMessages) {
  session_ = std::make_unique<NodeSession>(NodeSession::Options{}, HelloWith(100), Node(), kStart);
  session_->Start({}, 0);
  std::vector<cluster::v1::Order> standing;
  for (int64_t i = 1; i <= 1001; ++i) standing.push_back(OrderAt(i));
  EXPECT_THAT(Do(session_->OnOrders(std::move(standing))), ElementsAre("orders 1000", "orders 1"));
}

TEST_F(NodeSessionTest, OrdersInPagesForANodeThatWasAway) {
  Hello hello = HelloWith(0);
  hello.set_order_cursor(5);
  session_ = std::make_unique<NodeSession>(NodeSession::Options{}, hello, Node(), kStart);
  EXPECT_THAT(Do(session_->Start({}, 0)), ElementsAre("welcome 0", "log>0", "orders>5"));
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
  EXPECT_THAT(Do(session_->OnBatch(loaded)), ElementsAre("content content-1", "keys example.com 1", "batch a"));
}

TEST_F(NodeSessionTest, AnOrderThatComesWhileOrdersAreReadIsReadToo) {
  Settle(1000);
  EXPECT_THAT(Do(session_->OnStoreChange(4, 0)), ElementsAre("orders>0"));
  EXPECT_THAT(Do(session_->OnStoreChange(5, 0)), ElementsAre());
  EXPECT_THAT(Do(session_->OnOrders({OrderAt(4)})), ElementsAre("orders 1", "orders>4"));
  EXPECT_THAT(Do(session_->OnStoreChange(6, 0)), ElementsAre());
  EXPECT_THAT(Do(session_->OnStoreChange(5, 0)), ElementsAre()) << "news out of order";
  EXPECT_THAT(Do(session_->OnOrders({OrderAt(5)})), ElementsAre("orders 1", "orders>5"));
  EXPECT_THAT(Do(session_->OnOrders({OrderAt(6)})), ElementsAre("orders 1"));
  EXPECT_THAT(Do(session_->OnHeads({Pending("a", 1, 10)})), testing::Contains("read a"));
}

TEST_F(NodeSessionTest, OrderAcksAreStored) {
  Settle(0);
  session_->OnStoreChange(4, 0);
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
  session_->OnStoreChange(0, 0);
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
