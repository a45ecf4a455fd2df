// Mail that should be signed does not leave unsigned, and nobody pays for what is ours to mend.
#include "sender/delivery/composer.h"

#include <gmock/gmock.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <memory>
#include <string>
#include <utility>

#include "common/base/clock.h"
#include "common/mail/dkim_keys.h"
#include "sender/queue/testing/queue_fixture.h"

namespace wavepost {
namespace {

using testing::HasSubstr;

class ComposerTest : public QueueFixture {
 protected:
  void SetUp() override {
    Open();
    composer_ = std::make_unique<Composer>(store_.get(), &cpu_, &clock_);
  }
  void TearDown() override { composer_.reset(); }

  void PutMail(bool smime = false) {
    cluster::v1::Content content;
    content.set_content_id(kContentId);
    content.set_tenant(kTenant);
    content.set_message_id_domain("bounce.example");
    content.add_columns("name");
    content.mutable_content()->set_subject("Hello {{name}}");
    content.mutable_content()->set_from_address("news@Customer.Example");
    content.mutable_content()->set_html("<p>Hello {{name}}</p>");
    content.mutable_content()->set_smime(smime);
    ASSERT_TRUE(Await([&](QueueStore::Done done) { store_->PutContent(content, std::move(done)); }).ok());
  }
  void PutKeys(const std::string& pem) {
    cluster::v1::KeySet keys;
    keys.set_tenant(kTenant);
    keys.set_domain("customer.example");
    keys.set_version(std::string(32, 'v'));
    auto& key = *keys.add_keys();
    key.set_domain("customer.example");
    key.set_selector("wp1");
    key.set_private_key_pem(pem);
    ASSERT_TRUE(Await([&](QueueStore::Done done) { store_->PutKeySet(keys, std::move(done)); }).ok());
  }
  std::string Compose() {
    const auto content = composer_->Content(kContentId);
    if (!content.ok()) return std::string(content.status().message());
    auto entry = std::make_shared<cluster::v1::QueueEntry>();
    entry->set_address("jane@example.org");
    entry->add_values("Jane");
    entry->set_return_path("b+token@bounce.example");
    asio::io_context io;
    std::string made;
    asio::co_spawn(io, Run(composer_.get(), *content, entry, &made), asio::detached);
    io.run();
    return made;
  }
  static Awaitable<void> Run(Composer* composer, std::shared_ptr<const CompiledContent> content,
                             std::shared_ptr<const cluster::v1::QueueEntry> entry, std::string* out) {
    const auto message = co_await composer->Compose(std::move(content), std::move(entry));
    *out = message.ok() ? *message->canonical : std::string(message.status().message());
  }

  ManualClock clock_;
  asio::thread_pool cpu_{1};
  std::unique_ptr<Composer> composer_;  // ends before store_
};

TEST_F(ComposerTest, WithoutAKeySetItWaits) {
  PutMail();
  const absl::Status status = composer_->Content(kContentId).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("have not come"));
}

TEST_F(ComposerTest, SignsOnceTheKeysHaveCome) {
  PutMail();
  ASSERT_FALSE(composer_->Content(kContentId).ok());
  PutKeys(MakeEd25519Key()->private_key_pem);
  EXPECT_FALSE(composer_->Content(kContentId).ok()) << "what failed is believed for a moment";
  composer_->ForgetKeys();
  const std::string message = Compose();
  EXPECT_THAT(message, HasSubstr("d=customer.example;"));
  EXPECT_THAT(message, HasSubstr("s=wp1;"));
  EXPECT_THAT(message, HasSubstr("Subject: Hello Jane\r\n"));
  EXPECT_EQ(message, Compose()) << "the same on each attempt";
}

TEST_F(ComposerTest, AFailureIsBelievedForAMomentOnly) {
  PutMail();
  ASSERT_FALSE(composer_->Content(kContentId).ok());
  PutKeys(MakeEd25519Key()->private_key_pem);
  clock_.Advance(Composer::kFailedFor);
  EXPECT_TRUE(composer_->Content(kContentId).ok());
}

// kInvalidArgument would end recipients for good.
TEST_F(ComposerTest, WhatIsOursToMendBlamesNoRecipient) {
  PutMail();
  PutKeys("no key");
  const absl::Status bad_key = composer_->Content(kContentId).status();
  EXPECT_FALSE(bad_key.ok());
  EXPECT_FALSE(absl::IsInvalidArgument(bad_key)) << bad_key;
  const absl::Status unknown = composer_->Content("no such content").status();
  EXPECT_FALSE(unknown.ok());
  EXPECT_FALSE(absl::IsInvalidArgument(unknown)) << unknown;
}

TEST_F(ComposerTest, SmimeWithoutItsKeyDoesNotLeaveWithoutIt) {
  PutMail(/*smime=*/true);
  PutKeys(MakeEd25519Key()->private_key_pem);
  const absl::Status status = composer_->Content(kContentId).status();
  EXPECT_FALSE(status.ok());
  EXPECT_FALSE(absl::IsInvalidArgument(status)) << status;
}

}  // namespace
}  // namespace wavepost
