// The one record of our own identity.
#include <gmock/gmock.h>

#include "coordinator/store/store_test_util.h"

namespace wavepost {
namespace {

TEST_F(StoreTest, TheIdentityIsEmptyAtFirstAndThenAsLastChanged) {
  Open();
  ASSERT_TRUE(store_->GetIdentity().ok());
  EXPECT_FALSE(store_->GetIdentity()->has_identity());
  const int64_t generation = store_->KeysGeneration();
  const auto look = [](auto* stored, auto* events) {
    stored->mutable_identity()->set_domain("mail.example");
    v1::Event& event = events->emplace_back();
    event.set_kind(v1::Event::IDENTITY_CHANGED);
    event.set_text("127.0.0.11 is listed");
    event.set_tenant("tenants/acme");
    return absl::OkStatus();
  };
  ASSERT_TRUE(store_->ChangeIdentity(look).ok());
  EXPECT_EQ(store_->KeysGeneration(), generation) << "no key has changed";
  ASSERT_TRUE(store_
                  ->ChangeIdentity([](auto* stored, auto*) {
                    stored->mutable_own()->add_keys()->set_sealed_pem("sealed");
                    return absl::OkStatus();
                  })
                  .ok());
  EXPECT_GT(store_->KeysGeneration(), generation);
  EXPECT_EQ(store_
                ->ChangeIdentity([&](auto* stored, auto* events) {
                  stored->clear_identity();
                  EXPECT_TRUE(look(stored, events).ok());
                  return absl::AbortedError("no");
                })
                .status()
                .code(),
            absl::StatusCode::kAborted);
  Open();
  EXPECT_EQ(store_->GetIdentity()->identity().domain(), "mail.example");
  EXPECT_EQ(store_->GetIdentity()->own().keys_size(), 1);
  const auto events = EventsOf(v1::Event::IDENTITY_CHANGED);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].tenant(), "") << "operators only";
}

}  // namespace
}  // namespace wavepost
