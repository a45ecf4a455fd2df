#include "coordinator/keys/key_sets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/seal/seal.h"
#include "coordinator/store/store.h"
#include "coordinator/store/store_test_util.h"

namespace wavepost {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kDomain[] = "tenants/keys/sendingDomains/a.example";

class KeySetsTest : public StoreTest {
 protected:
  void SetUp() override {
    Open();
    v1::Tenant tenant;
    tenant.set_name("tenants/keys");
    ASSERT_TRUE(store_->CreateTenant(tenant, {}).ok());
  }

  void AddKey(const std::string& name, const std::string& selector, const std::string& algorithm,
              v1::DkimKeyInfo::State state, cluster::v1::StoredSendingDomain* domain) {
    auto& info = *domain->mutable_domain()->add_dkim_keys();
    info.set_selector(selector);
    info.set_algorithm(algorithm);
    info.set_state(state);
    auto& key = *domain->add_keys();
    key.set_selector(selector);
    key.set_sealed_pem(*sealer_.Seal("pem of " + selector, "dkim/" + name + "/" + selector));
  }

  void AddDomain() {
    cluster::v1::StoredSendingDomain domain;
    domain.mutable_domain()->set_name(kDomain);
    AddKey(kDomain, "wp1", "rsa-sha256", v1::DkimKeyInfo::RETIRED, &domain);
    AddKey(kDomain, "wp2", "rsa-sha256", v1::DkimKeyInfo::ACTIVE, &domain);
    AddKey(kDomain, "wp2e", "ed25519-sha256", v1::DkimKeyInfo::ACTIVE, &domain);
    AddKey(kDomain, "wp3", "rsa-sha256", v1::DkimKeyInfo::PUBLISHED, &domain);
    ASSERT_TRUE(store_->CreateSendingDomain("tenants/keys", domain, {}).ok());
  }

  static std::vector<std::string> Words(const cluster::v1::KeySet& keys) {
    std::vector<std::string> out;
    for (const auto& key : keys.keys())
      out.push_back(key.domain() + " " + key.selector() + ": " + key.private_key_pem());
    for (const auto& key : keys.smime_keys()) out.push_back(key.address() + ": " + key.private_key_pem());
    return out;
  }

  absl::StatusOr<cluster::v1::KeySet> Load(const std::string& domain = "a.example") {
    return LoadKeySet(store_.get(), sealer_, "tenants/keys", domain);
  }

  const Sealer sealer_ = Sealer::ForTest();
};

TEST_F(KeySetsTest, OnlyActiveKeysSign) {
  AddDomain();
  const auto keys = Load();
  ASSERT_TRUE(keys.ok()) << keys.status();
  EXPECT_THAT(Words(*keys), ElementsAre("a.example wp2e: pem of wp2e", "a.example wp2: pem of wp2"));
  EXPECT_EQ(keys->version().size(), 32u);
  EXPECT_EQ(keys->version(), Load()->version()) << "the same keys, the same version";
}

TEST_F(KeySetsTest, OurOwnStandBelowTheCustomers) {
  AddDomain();
  const auto before = Load();
  ASSERT_TRUE(store_
                  ->ChangeIdentity([&](cluster::v1::StoredIdentity* identity, std::vector<v1::Event>*) {
                    identity->mutable_identity()->set_domain("mail.example");
                    identity->mutable_own()->mutable_domain()->set_name("identity/mail.example");
                    AddKey("identity/mail.example", "own", "rsa-sha256", v1::DkimKeyInfo::ACTIVE,
                           identity->mutable_own());
                    return absl::OkStatus();
                  })
                  .ok());
  const auto keys = Load();
  ASSERT_TRUE(keys.ok()) << keys.status();
  EXPECT_THAT(Words(*keys),
              ElementsAre("mail.example own: pem of own", "a.example wp2e: pem of wp2e", "a.example wp2: pem of wp2"));
  EXPECT_NE(keys->version(), before->version());
  EXPECT_THAT(Words(*Load("unknown.example")), ElementsAre("mail.example own: pem of own"));
}

TEST_F(KeySetsTest, UnknownDomainLeavesUnsigned) {
  const auto keys = Load("unknown.example");
  ASSERT_TRUE(keys.ok()) << keys.status();
  EXPECT_THAT(Words(*keys), IsEmpty());
  EXPECT_EQ(keys->domain(), "unknown.example");
}

TEST_F(KeySetsTest, KeysThatDoNotOpenAreAnErrorAndNotAnUnsignedMail) {
  AddDomain();
  const auto other = Sealer::Parse("9 " + std::string(64, 'a') + "\n", "keys");
  ASSERT_TRUE(other.ok());
  const auto keys = LoadKeySet(store_.get(), *other, "tenants/keys", "a.example");
  EXPECT_FALSE(keys.ok());
  EXPECT_THAT(std::string(keys.status().message()), testing::HasSubstr("a.example"));
  EXPECT_THAT(std::string(keys.status().message()), testing::Not(testing::HasSubstr("pem of")));
}

TEST_F(KeySetsTest, OfTwoCertificatesForAnAddressTheLongerOneSigns) {
  for (const auto& [name, until] : std::vector<std::pair<std::string, int64_t>>{{"1", 500}, {"2", 900}, {"3", 700}}) {
    cluster::v1::StoredCertificate stored;
    stored.mutable_certificate()->set_name("tenants/keys/certificates/" + name);
    stored.mutable_certificate()->add_addresses("me@a.example");
    stored.mutable_certificate()->add_addresses("me@b.example");
    stored.mutable_certificate()->mutable_not_after()->set_seconds(until);
    stored.set_sealed_pem(*sealer_.Seal("pem " + name, "smime/tenants/keys/certificates/" + name));
    ASSERT_TRUE(store_->CreateCertificate("tenants/keys", stored).ok());
  }
  EXPECT_THAT(Words(*Load()), ElementsAre("me@a.example: pem 2"));
}

}  // namespace
}  // namespace wavepost
