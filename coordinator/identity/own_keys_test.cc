#include "coordinator/identity/own_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/mail/dkim_keys.h"
#include "common/seal/seal.h"
#include "coordinator/domains/rotation.h"

namespace wavepost {
namespace {

using Key = v1::DkimKeyInfo;
using ::testing::HasSubstr;

std::vector<v1::RecordCheck> Seen(const v1::SendingDomain& own, v1::RecordCheck::State state) {
  std::vector<v1::RecordCheck> checks;
  for (const Key& key : own.dkim_keys()) {
    v1::RecordCheck& check = checks.emplace_back();
    check.set_state(state);
    check.mutable_record()->set_purpose(v1::DnsRecord::DKIM);
    check.mutable_record()->set_owner(key.selector() + "._domainkey.mail.example");
  }
  return checks;
}

cluster::v1::StoredSendingDomain WithKeys(absl::Time now) {
  cluster::v1::StoredSendingDomain own;
  own.mutable_domain()->set_name(OwnDomainName("mail.example"));
  own.mutable_domain()->set_mode(v1::SendingDomain::TXT);
  auto pair = MakeOwnKeys(own.domain(), Sealer::ForTest(), now);
  EXPECT_TRUE(pair.ok()) << pair.status();
  for (const auto& info : pair->infos) *own.mutable_domain()->add_dkim_keys() = info;
  for (const auto& half : pair->sealed) *own.add_keys() = half;
  return own;
}

TEST(OwnKeysTest, PairIsSealedAndFits) {
  const auto own = WithKeys(absl::FromUnixSeconds(1'800'000'000));
  ASSERT_EQ(own.keys_size(), 2);
  EXPECT_EQ(own.domain().dkim_keys(0).selector(), "wp20270115");
  EXPECT_EQ(own.domain().dkim_keys(1).selector(), "wp20270115e");
  EXPECT_EQ(own.domain().dkim_keys(1).algorithm(), "ed25519-sha256");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(own.keys(i).sealed_pem().find("PRIVATE"), std::string::npos);
    // The context that whoever signs opens it with.
    const auto pem = Sealer::ForTest().Open(own.keys(i).sealed_pem(),
                                            "dkim/identity/mail.example/" + own.domain().dkim_keys(i).selector());
    ASSERT_TRUE(pem.ok()) << pem.status();
    EXPECT_EQ(*PublicTxt(*pem), own.domain().dkim_keys(i).public_txt());
  }
}

TEST(OwnKeysTest, LifeOfAPair) {
  absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  EXPECT_TRUE(OwnKeysDue({}, now));
  auto own = WithKeys(now);
  EXPECT_TRUE(MoveOwnKeys(Seen(own.domain(), v1::RecordCheck::MISSING), now, &own).empty());
  EXPECT_EQ(own.domain().dkim_keys(0).state(), Key::CREATED) << "its record has not been seen";
  const auto steps = MoveOwnKeys(Seen(own.domain(), v1::RecordCheck::OK), now, &own);
  EXPECT_EQ(own.domain().dkim_keys(0).state(), Key::ACTIVE);
  ASSERT_FALSE(steps.empty());
  EXPECT_THAT(steps.back(), HasSubstr("._domainkey.mail.example signs now."));
  EXPECT_EQ(own.domain().checks_size(), 0) << "the identity has them already";
  EXPECT_FALSE(OwnKeysDue(own.domain(), now + kOwnKeysRenewAfter - absl::Hours(1)));
  now += kOwnKeysRenewAfter;
  EXPECT_TRUE(OwnKeysDue(own.domain(), now));

  auto pair = MakeOwnKeys(own.domain(), Sealer::ForTest(), now);
  ASSERT_TRUE(pair.ok());
  for (const auto& info : pair->infos) *own.mutable_domain()->add_dkim_keys() = info;
  for (const auto& half : pair->sealed) *own.add_keys() = half;
  EXPECT_FALSE(OwnKeysDue(own.domain(), now)) << "the successor waits for its record";
  MoveOwnKeys(Seen(own.domain(), v1::RecordCheck::OK), now, &own);
  now += kActivateAfter;
  MoveOwnKeys(Seen(own.domain(), v1::RecordCheck::OK), now, &own);
  EXPECT_EQ(own.domain().dkim_keys(0).state(), Key::RETIRED);
  EXPECT_EQ(own.domain().dkim_keys(2).state(), Key::ACTIVE);
  EXPECT_EQ(own.keys_size(), 4) << "for mail that is under way";
  now += kDestroyAfter;
  MoveOwnKeys({}, now, &own);
  EXPECT_EQ(own.keys_size(), 2);
  EXPECT_EQ(own.domain().dkim_keys_size(), 4) << "their records stay";
  now += kRemoveAfter;
  MoveOwnKeys({}, now, &own);
  EXPECT_EQ(own.domain().dkim_keys_size(), 2);
  EXPECT_EQ(own.keys(0).selector(), own.domain().dkim_keys(0).selector());
}

TEST(OwnKeysTest, OtherDomainsRecordsMoveNothing) {
  const absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  auto own = WithKeys(now);
  auto checks = Seen(own.domain(), v1::RecordCheck::OK);
  for (auto& check : checks) {
    check.mutable_record()->set_owner(own.domain().dkim_keys(0).selector() + "._domainkey.customer.example");
  }
  EXPECT_TRUE(MoveOwnKeys(checks, now, &own).empty());
}

}  // namespace
}  // namespace wavepost
