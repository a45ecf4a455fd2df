#include <gmock/gmock.h>

#include "coordinator/store/store_test_util.h"

namespace wavepost {
namespace {

class SuppressionsTest : public StoreTest {
 protected:
  SuppressionsTest() {
    Open();
    EXPECT_TRUE(MakeDraft(store_.get()).ok());
  }

  absl::StatusOr<v1::Suppression> Add(std::string address, std::string evidence, int hours = 0) {
    v1::Suppression suppression;
    suppression.set_address(std::move(address));
    suppression.set_cause(v1::Suppression::MANUAL);
    suppression.set_evidence(std::move(evidence));
    if (hours > 0) {
      suppression.mutable_expire_time()->set_seconds(absl::ToUnixSeconds(clock_.Now() + absl::Hours(hours)));
    }
    return store_->CreateSuppression(kTenant, suppression, {});
  }
};

TEST_F(SuppressionsTest, TheFirstEntryStays) {
  EXPECT_EQ(Add("Jane@Example.com", "first")->name(), "tenants/acme/suppressions/jane@example.com");
  EXPECT_EQ(Add("jane@example.com", "second")->evidence(), "first");
  EXPECT_EQ(store_->SuppressionChanges(0, 10)->size(), 1u);
  EXPECT_EQ(store_->GetSuppression(kTenant, "JANE@example.com")->address(), "jane@example.com");
  EXPECT_EQ(store_->GetSuppression("tenants/other", "jane@example.com").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_->CreateSuppression("tenants/none", {}, {}).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(SuppressionsTest, ALastingEntryReplacesOneThatRunsOut) {
  ASSERT_TRUE(Add("jane@example.com", "holiday", 1).ok());
  EXPECT_EQ(Add("jane@example.com", "for good")->evidence(), "for good");
  EXPECT_EQ(Add("jane@example.com", "holiday again", 5)->evidence(), "for good");
}

TEST_F(SuppressionsTest, WhatHasRunOutDoesNotCount) {
  ASSERT_TRUE(Add("jane@example.com", "holiday", 1).ok());
  ASSERT_TRUE(Add("joe@example.com", "for good").ok());
  clock_.Advance(absl::Hours(1));
  EXPECT_FALSE(store_->GetSuppression(kTenant, "jane@example.com").ok());
  const auto page = store_->ListSuppressions(kTenant, 10, "");
  ASSERT_EQ(page->items.size(), 1u);
  EXPECT_EQ(page->items[0].address(), "joe@example.com");
  EXPECT_EQ(store_->DeleteSuppression(kTenant, "jane@example.com", "me", "x").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Add("jane@example.com", "again")->evidence(), "again");
}

TEST_F(SuppressionsTest, RemovalIsOnRecord) {
  ASSERT_TRUE(Add("jane@example.com", "").ok());
  ASSERT_TRUE(store_->DeleteSuppression(kTenant, "Jane@example.com", "joe", "she asked").ok());
  EXPECT_FALSE(store_->GetSuppression(kTenant, "jane@example.com").ok());
  EXPECT_EQ(store_->DeleteSuppression(kTenant, "jane@example.com", "joe", "x").code(), absl::StatusCode::kNotFound);
  Open();
  const auto changes = store_->SuppressionChanges(0, 10);
  ASSERT_EQ(changes->size(), 2u);
  EXPECT_FALSE((*changes)[0].removed());
  EXPECT_TRUE((*changes)[1].removed());
  EXPECT_EQ(store_->SuppressionChanges((*changes)[0].sequence(), 10)->size(), 1u);
  ASSERT_EQ(EventsOf(v1::Event::SUPPRESSION_REMOVED).size(), 1u);
  EXPECT_EQ(EventsOf(v1::Event::SUPPRESSION_REMOVED)[0].text(), "by joe: she asked");
  EXPECT_EQ(EventsOf(v1::Event::SUPPRESSION_REMOVED)[0].tenant(), kTenant);
  ASSERT_TRUE(Add("jane@example.com", "").ok());
  EXPECT_EQ(store_->SuppressionChanges(0, 10)->size(), 3u);
}

TEST_F(SuppressionsTest, ListsInPages) {
  for (const char* address : {"c@x.example", "a@x.example", "b@x.example"}) ASSERT_TRUE(Add(address, "").ok());
  const auto first = store_->ListSuppressions(kTenant, 2, "");
  ASSERT_EQ(first->items.size(), 2u);
  EXPECT_EQ(first->items[0].address(), "a@x.example");
  const auto second = store_->ListSuppressions(kTenant, 2, first->next);
  ASSERT_EQ(second->items.size(), 1u);
  EXPECT_EQ(second->items[0].address(), "c@x.example");
  EXPECT_EQ(second->next, "");
}

}  // namespace
}  // namespace wavepost
