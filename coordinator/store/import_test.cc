// Import, and reading recipients.
#include <gmock/gmock.h>

#include "common/rpc/status.h"
#include "coordinator/store/store_test_util.h"

namespace wavepost {
namespace {

class ImportTest : public StoreTest {
 protected:
  ImportTest() {
    Open();
    EXPECT_TRUE(MakeDraft(store_.get()).ok());
  }
};

TEST_F(ImportTest, StoresInOrderAndRefusesDuplicates) {
  std::vector<NewRecipient> rows = Rows(0, 3);
  rows.push_back(rows[1]);
  rows.back().position = 4;
  const auto first = store_->ImportChunk(kWave, rows, {}, {});
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->accepted(), 3);
  ASSERT_EQ(first->refusals_size(), 1);
  EXPECT_EQ(first->refusals(0).position(), 4);
  EXPECT_EQ(first->refusals(0).reason(), "DUPLICATE");
  EXPECT_EQ(first->refusals(0).address(), "user1@example.com");

  const auto second = store_->ImportChunk(kWave, Rows(2, 2), {}, {});
  EXPECT_EQ(second->accepted(), 1);
  EXPECT_EQ(Counts().accepted(), 4);
  EXPECT_EQ(Counts().open(), 4);
  EXPECT_EQ(Counts().refused(), 2);
  EXPECT_EQ(At(3).address(), "user3@example.com");
  EXPECT_EQ(At(3).name(), std::string(kWave) + "/recipients/w1-3");
  EXPECT_EQ(At(3).attributes().at("name"), "Name3");
  EXPECT_EQ(At(3).state(), v1::Recipient::ACCEPTED);
  EXPECT_EQ(store_->GetRecipient({1, 4}).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(EventsOf(v1::Event::IMPORTED).at(0).count(), 3);
  EXPECT_EQ(EventsOf(v1::Event::IMPORTED).at(0).wave(), kWave);
  EXPECT_EQ(EventsOf(v1::Event::IMPORTED).at(0).tenant(), kTenant);
  ExpectBalanced();
}

TEST_F(ImportTest, FindsByAddressWithinTheWave) {
  ASSERT_TRUE(store_->ImportChunk(kWave, Rows(0, 3), {}, {}).ok());
  const std::string other = std::string(kCampaign) + "/waves/other";
  ASSERT_TRUE(store_->CreateWave(kCampaign, other, {}).ok());
  EXPECT_EQ(store_->FindRecipient(kWave, "user2@example.com")->ToString(), "w1-2");
  EXPECT_EQ(store_->FindRecipient(kWave, "user3@example.com").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_->FindRecipient(other, "user2@example.com").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_->FindRecipient("nobody", "user2@example.com").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ImportTest, TheSameAddressMayBeInAnotherWave) {
  const std::string other = std::string(kCampaign) + "/waves/other";
  ASSERT_TRUE(store_->CreateWave(kCampaign, other, {}).ok());
  EXPECT_EQ(store_->ImportChunk(kWave, Rows(0, 3), {}, {})->accepted(), 3);
  EXPECT_EQ(store_->ImportChunk(other, Rows(0, 3), {}, {})->accepted(), 3);
}

TEST_F(ImportTest, RefusalsOfTheApiAreCountedAndComeBackByPosition) {
  v1::ImportRecipientsResponse::Refusal refusal;
  refusal.set_position(1);
  refusal.set_reason("MALFORMED_ADDRESS");
  std::vector<NewRecipient> rows = {Rows(0, 1)[0], Rows(0, 1)[0]};
  rows[1].position = 7;
  refusal.set_position(5);
  const auto response = store_->ImportChunk(kWave, rows, {refusal}, {});
  ASSERT_EQ(response->refusals_size(), 2);
  EXPECT_EQ(response->refusals(0).reason(), "MALFORMED_ADDRESS");
  EXPECT_EQ(response->refusals(1).position(), 7);
  EXPECT_EQ(Counts().refused(), 2);
}

TEST_F(ImportTest, AChunkThatIsSentAgainIsNotStoredTwice) {
  const RequestKey request{"chunk-1", "hash"};
  ASSERT_EQ(store_->ImportChunk(kWave, Rows(0, 3), {}, request)->accepted(), 3);
  Open();
  const auto again = store_->ImportChunk(kWave, Rows(0, 3), {}, request);
  EXPECT_EQ(again->accepted(), 3);
  EXPECT_EQ(again->refusals_size(), 0);
  EXPECT_EQ(again->request_id(), "chunk-1");
  EXPECT_EQ(Counts().accepted(), 3);
  EXPECT_EQ(Counts().refused(), 0);
  EXPECT_EQ(ReasonOf(store_->ImportChunk(kWave, Rows(3, 1), {}, {"chunk-1", "other"}).status()), "REQUEST_ID_REUSED");
}

TEST_F(ImportTest, AStartedWaveTakesNoMore) {
  const RequestKey request{"chunk-1", "hash"};
  ASSERT_TRUE(store_->ImportChunk(kWave, Rows(0, 3), {}, request).ok());
  ASSERT_TRUE(store_->StartWave(kWave, {.token_key_id = 1}).ok());
  const absl::Status refused = store_->ImportChunk(kWave, Rows(3, 1), {}, {}).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Counts().accepted(), 3);
  // The answer to a chunk that was lost on the way can still be had.
  EXPECT_EQ(store_->ImportChunk(kWave, Rows(0, 3), {}, request)->accepted(), 3);
  EXPECT_EQ(store_->ImportChunk("tenants/acme/campaigns/survey/waves/none", Rows(0, 1), {}, {}).status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(ImportTest, ListsAllRecipientsInPages) {
  ASSERT_TRUE(store_->ImportChunk(kWave, Rows(0, 25), {}, {}).ok());
  ASSERT_TRUE(store_->StartWave(kWave, {.token_key_id = 1}).ok());
  ASSERT_TRUE(PlanAll(store_.get()).ok());
  std::vector<cluster::v1::Report> reports;
  for (int i = 0; i < 25; i += 3) reports.push_back(Outcome(i + 1, i, v1::DELIVERED));
  ASSERT_TRUE(Apply(store_.get(), reports).ok());

  const auto all = [&](const std::vector<v1::Outcome>& outcomes) {
    std::vector<std::string> addresses;
    std::string cursor;
    do {
      const auto page = store_->ListRecipients(kWave, 4, cursor, outcomes);
      EXPECT_TRUE(page.ok());
      EXPECT_LE(page->items.size(), 4u);
      for (const v1::Recipient& recipient : page->items) addresses.push_back(recipient.address());
      cursor = page->next;
    } while (!cursor.empty());
    return addresses;
  };
  EXPECT_EQ(all({}).size(), 25u);
  EXPECT_EQ(all({v1::DELIVERED}).size(), 9u);
  EXPECT_EQ(all({v1::OUTCOME_UNSPECIFIED}).size(), 16u);
  EXPECT_EQ(all({v1::DELIVERED})[1], "user3@example.com");
  EXPECT_EQ(store_->ListRecipients(kWave, 4, "nonsense", {}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(store_->ListRecipients(kWave, 4, "4294967295", {})->items.empty());
}

}  // namespace
}  // namespace wavepost
