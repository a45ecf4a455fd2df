// The order log: what is listed, what a node is told, what is forgotten.
#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "common/rpc/status.h"
#include "coordinator/store/order_rules.h"
#include "coordinator/store/proto_time.h"
#include "coordinator/store/store_test_util.h"

namespace wavepost {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class OrdersTest : public StoreTest {
 protected:
  OrdersTest() { Open(); }

  v1::Pause PauseOf(const std::string& domain, const std::string& creator = "operator",
                    absl::Duration length = absl::ZeroDuration()) {
    v1::Pause pause;
    pause.mutable_selector()->set_domain(domain);
    pause.set_creator(creator);
    if (length > absl::ZeroDuration()) *pause.mutable_end_time() = ToProtoTime(clock_.Now() + length);
    return pause;
  }

  absl::StatusOr<v1::Pause> Add(const v1::Pause& pause, const RequestKey& request = {}) {
    return store_->CreatePause(pause, pause.creator(), request);
  }

  absl::StatusOr<v1::QueueOrder> Flush() {
    v1::QueueOrder order;
    order.set_kind(v1::QueueOrder::FLUSH);
    order.mutable_selector()->set_domain("f.example");
    return store_->CreateOrder(order, "operator", {});
  }

  std::vector<std::string> Standing(const std::string& creator = "") {
    std::vector<std::string> domains;
    const auto page = store_->ListPauses(creator, 0, "");
    for (const v1::Pause& pause : page->items) {
      domains.push_back(pause.selector().domain());
    }
    return domains;
  }

  // "pause a.example 2", "resume pauses/2 3", "flush 4", "cursor 5".
  std::vector<std::string> Told(int64_t after, size_t limit = 100) {
    std::vector<std::string> out;
    const auto orders = store_->Orders(after, limit);
    for (const cluster::v1::Order& order : *orders) {
      std::string text = "cursor";
      if (order.has_pause()) text = absl::StrCat("pause ", order.pause().selector().domain());
      if (!order.resume().empty()) text = absl::StrCat("resume ", order.resume());
      if (order.has_queue()) text = order.queue().kind() == v1::QueueOrder::FLUSH ? "flush" : "drop";
      out.push_back(absl::StrCat(text, " ", order.sequence()));
    }
    return out;
  }
};

TEST_F(OrdersTest, PausesStandUntilTheyAreResumedOrEnd) {
  EXPECT_THAT(Told(0), ElementsAre("cursor 1"));
  EXPECT_THAT(Told(1), IsEmpty());
  const auto first = Add(PauseOf("a.example"));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->name(), "pauses/2");
  EXPECT_EQ(first->create_time().seconds(), 1000000);
  ASSERT_TRUE(Add(PauseOf("b.example", "operator", absl::Hours(1))).ok());
  ASSERT_TRUE(Add(PauseOf("c.example", "tenants/acme")).ok());
  EXPECT_THAT(Standing(), ElementsAre("a.example", "b.example", "c.example"));
  EXPECT_THAT(Standing("tenants/acme"), ElementsAre("c.example"));
  Open();
  EXPECT_EQ(store_->GetPause("pauses/3")->selector().domain(), "b.example");
  ASSERT_TRUE(store_->EndPause("pauses/2").ok());
  EXPECT_EQ(ReasonOf(store_->EndPause("pauses/2")), "NOT_FOUND");
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(ReasonOf(store_->GetPause("pauses/3").status()), "NOT_FOUND");
  EXPECT_EQ(ReasonOf(store_->EndPause("pauses/3")), "NOT_FOUND");
  EXPECT_THAT(Standing(), ElementsAre("c.example"));
  for (const char* name : {"pauses/0", "pauses/03", "pauses/-3", "pauses/", "orders/3", "pauses/3x", "pauses/99"}) {
    EXPECT_EQ(ReasonOf(store_->GetPause(name).status()), "NOT_FOUND") << name;
    EXPECT_EQ(ReasonOf(store_->EndPause(name)), "NOT_FOUND") << name;
  }
}

TEST_F(OrdersTest, ARepeatedRequestChangesNothing) {
  const auto first = Add(PauseOf("a.example"), {"id", "hash"});
  const auto again = Add(PauseOf("a.example"), {"id", "hash"});
  EXPECT_EQ(first->name(), again->name());
  EXPECT_THAT(Standing(), ElementsAre("a.example"));
  EXPECT_EQ(ReasonOf(Add(PauseOf("b.example"), {"id", "other"}).status()), "REQUEST_ID_REUSED");
}

TEST_F(OrdersTest, ANodeIsToldInOrderAndANewOneOnlyWhatStands) {
  ASSERT_TRUE(Add(PauseOf("a.example")).ok());
  ASSERT_TRUE(Flush().ok());
  ASSERT_TRUE(Add(PauseOf("b.example")).ok());
  ASSERT_TRUE(store_->EndPause("pauses/2").ok());
  EXPECT_THAT(Told(0), ElementsAre("pause b.example 4", "cursor 5"));
  EXPECT_THAT(Told(2), ElementsAre("flush 3", "pause b.example 4", "resume pauses/2 5"));
  EXPECT_THAT(Told(2, 2), ElementsAre("flush 3", "pause b.example 4"));
  EXPECT_THAT(Told(5), IsEmpty());
  EXPECT_THAT(Told(INT64_MAX), IsEmpty());
}

TEST_F(OrdersTest, WhatIsOldIsForgottenAndThePlaceInTheLogIsNot) {
  ASSERT_TRUE(Flush().ok());
  ASSERT_TRUE(Add(PauseOf("a.example")).ok());
  ASSERT_TRUE(Add(PauseOf("b.example", "operator", absl::Hours(1))).ok());
  ASSERT_TRUE(Add(PauseOf("c.example")).ok());
  ASSERT_TRUE(store_->EndPause("pauses/5").ok());
  clock_.Advance(absl::Hours(24 * 30));
  ASSERT_TRUE(Flush().ok());
  EXPECT_THAT(Told(2), ElementsAre("pause a.example 3", "resume pauses/5 6", "flush 7"));
  EXPECT_THAT(Told(0), ElementsAre("pause a.example 3", "cursor 7"));
  clock_.Advance(absl::Hours(24 * 365));
  Open();
  ASSERT_TRUE(Flush().ok());
  EXPECT_THAT(Told(2), ElementsAre("pause a.example 3", "flush 7", "flush 8")) << "the last one stays for the place";
  ASSERT_TRUE(Flush().ok());
  EXPECT_THAT(Told(2), ElementsAre("pause a.example 3", "flush 8", "flush 9"));
}

// Ends of pauses stay for a year: what lies behind many of them is forgotten all the same.
TEST_F(OrdersTest, WhatIsOldBehindManyThatStayIsForgotten) {
  constexpr int kStay = 220;  // more than are looked at for one order
  for (int i = 0; i < kStay; ++i) {
    const auto pause = Add(PauseOf("a.example"));
    ASSERT_TRUE(pause.ok()) << pause.status();
    ASSERT_TRUE(store_->EndPause(pause->name()).ok());
  }
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Flush().ok());
  const auto log = [&] { return static_cast<int>(store_->Orders(1, 1000)->size()); };
  EXPECT_EQ(log(), kStay + 3);
  clock_.Advance(absl::Hours(24 * 30));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Flush().ok());
  EXPECT_EQ(log(), kStay + 3) << "the old flushes are gone";
  clock_.Advance(absl::Hours(24 * 365));
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(Flush().ok());
  EXPECT_EQ(log(), 4) << "round to the first ones";
}

TEST(OrderRulesTest, TenantsLeaveRoomForOperators) {
  EXPECT_TRUE(CheckOrderRoom(89'999, "tenants/acme").ok());
  EXPECT_EQ(ReasonOf(CheckOrderRoom(90'000, "tenants/acme")), "TOO_MANY_ORDERS");
  EXPECT_TRUE(CheckOrderRoom(99'999, "operator").ok());
  EXPECT_EQ(ReasonOf(CheckOrderRoom(100'000, "operator")), "TOO_MANY_ORDERS");
}

TEST_F(OrdersTest, AThousandPausesStandAtMost) {
  for (size_t i = 0; i < Store::kPausesOfTenantMax; ++i) {
    ASSERT_TRUE(Add(PauseOf("a.example", "tenants/acme", absl::Hours(1))).ok());
  }
  EXPECT_EQ(ReasonOf(Add(PauseOf("a.example", "tenants/acme")).status()), "TOO_MANY_PAUSES");
  for (size_t i = Store::kPausesOfTenantMax; i < 900; ++i) ASSERT_TRUE(Add(PauseOf("a.example")).ok());
  EXPECT_EQ(ReasonOf(Add(PauseOf("a.example", "tenants/other")).status()), "TOO_MANY_PAUSES");
  for (size_t i = 900; i < Store::kPausesMax; ++i) ASSERT_TRUE(Add(PauseOf("a.example")).ok());
  const auto full = Add(PauseOf("a.example"));
  EXPECT_EQ(full.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(store_->Orders(0, 10)->size(), Store::kPausesMax + 1) << "all that stand, and the place";
  clock_.Advance(absl::Hours(1));
  EXPECT_TRUE(Add(PauseOf("b.example")).ok()) << "those that have ended make room";
  EXPECT_EQ(store_->ListPauses("", 5000, "")->items.size(), 901u);
}

TEST_F(OrdersTest, PausesComeInPages) {
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(Add(PauseOf(absl::StrCat("d", i), i % 2 == 0 ? "operator" : "tenants/a")).ok());
  const auto first = store_->ListPauses("operator", 2, "");
  ASSERT_EQ(first->items.size(), 2u);
  const auto second = store_->ListPauses("operator", 2, first->next);
  ASSERT_EQ(second->items.size(), 1u);
  EXPECT_EQ(second->items[0].selector().domain(), "d4");
  EXPECT_EQ(second->next, "");
}

TEST_F(OrdersTest, ANodesPlaceIsKept) {
  ASSERT_TRUE(store_->AttachNode({.node_id = "sender-0", .data_id = "one"}).ok());
  std::promise<absl::Status> done;
  store_->AcknowledgeOrders("sender-0", 7, [&](absl::Status status) { done.set_value(std::move(status)); });
  ASSERT_TRUE(done.get_future().get().ok());
  EXPECT_EQ(store_->GetNode("sender-0")->order_sequence(), 7);
  EXPECT_EQ(store_->GetNode("sender-0")->data_id(), "one");
  ASSERT_TRUE(store_->AttachNode({.node_id = "sender-0", .data_id = "two", .order_cursor = 0}).ok());
  EXPECT_EQ(store_->GetNode("sender-0")->order_sequence(), 0) << "another folder";
  EXPECT_EQ(store_->GetNode("sender-0")->data_id(), "two");
  EXPECT_EQ(ReasonOf(store_->GetNode("sender-9").status()), "NOT_FOUND");
}

}  // namespace
}  // namespace wavepost
