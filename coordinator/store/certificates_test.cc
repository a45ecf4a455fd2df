// Certificates: created, listed, told of before they end, removed.
#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "common/rpc/status.h"
#include "coordinator/store/store_test_util.h"

namespace wavepost {
namespace {

constexpr char kCertificate[] = "tenants/acme/certificates/c0";

class CertificatesTest : public StoreTest {
 protected:
  CertificatesTest() {
    Open();
    v1::Tenant tenant;
    tenant.set_name(kTenant);
    EXPECT_TRUE(store_->CreateTenant(tenant, {}).ok());
  }

  absl::Status Make(std::string_view name) {
    cluster::v1::StoredCertificate certificate;
    certificate.mutable_certificate()->set_name(std::string(name));
    certificate.set_sealed_pem("sealed");
    certificate.set_chain_pem("chain");
    return store_->CreateCertificate(kTenant, certificate).status();
  }
};

TEST_F(CertificatesTest, AreKeptWithTheirKeysUntilDeleted) {
  ASSERT_TRUE(Make(kCertificate).ok());
  EXPECT_EQ(Make(kCertificate).code(), absl::StatusCode::kAlreadyExists);
  Open();
  const auto stored = store_->GetCertificate(kCertificate);
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_EQ(stored->sealed_pem(), "sealed");
  EXPECT_EQ(stored->chain_pem(), "chain");
  EXPECT_EQ(stored->certificate().create_time().seconds(), 1000000);
  EXPECT_EQ(store_->ListCertificates(kTenant, 0, "")->items.size(), 1u);
  EXPECT_EQ(store_->ListCertificates("tenants/b", 0, "")->items.size(), 0u);
  ASSERT_TRUE(store_->DeleteCertificate(kCertificate).ok());
  EXPECT_EQ(store_->GetCertificate(kCertificate).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_->DeleteCertificate(kCertificate).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_->CreateCertificate("tenants/none", {}).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(CertificatesTest, OneThatARunningWaveSignsWithStays) {
  cluster::v1::StoredCampaign campaign;
  campaign.mutable_campaign()->set_name(absl::StrCat(kTenant, "/campaigns/signed"));
  campaign.mutable_campaign()->mutable_content()->set_smime(true);
  ASSERT_TRUE(store_->CreateCampaign(campaign, {}).ok());
  const std::string wave = campaign.campaign().name() + "/waves/w";
  ASSERT_TRUE(store_->CreateWave(campaign.campaign().name(), wave, {}).ok());
  ASSERT_TRUE(store_->ImportChunk(wave, Rows(0, 1), {}, {}).ok());
  cluster::v1::StoredCertificate certificate;
  certificate.mutable_certificate()->set_name(kCertificate);
  certificate.mutable_certificate()->add_addresses("me@a.example");
  ASSERT_TRUE(store_->CreateCertificate(kTenant, certificate).ok());
  ASSERT_TRUE(store_->StartWave(wave, {.token_key_id = 1, .from_address = "me@a.example"}).ok());
  EXPECT_EQ(ReasonOf(store_->DeleteCertificate(kCertificate)), "CERTIFICATE_IN_USE");
  EXPECT_TRUE(store_->GetCertificate(kCertificate).ok());
}

TEST_F(CertificatesTest, TogetherTheyFitAKeySet) {
  cluster::v1::StoredCertificate certificate;
  certificate.mutable_certificate()->set_name(kCertificate);
  certificate.set_chain_pem(std::string(Store::kCertificateBytesMax, 'x'));
  EXPECT_EQ(ReasonOf(store_->CreateCertificate(kTenant, certificate).status()), "CERTIFICATES_TOO_LARGE");
}

TEST_F(CertificatesTest, TheirNumberIsLimited) {
  for (int i = 0; i < Store::kCertificatesMax; ++i) {
    ASSERT_TRUE(Make(absl::StrCat(kTenant, "/certificates/c", i)).ok());
  }
  EXPECT_EQ(ReasonOf(Make(absl::StrCat(kTenant, "/certificates/more"))), "TOO_MANY_CERTIFICATES");
}

TEST_F(CertificatesTest, EachStepTowardsTheEndIsToldOnce) {
  ASSERT_TRUE(Make(kCertificate).ok());
  for (const int days : {30, 30, 14, 30, 14, 1, 3, 0, 0, 1}) {
    ASSERT_TRUE(store_->WarnCertificate(kCertificate, days, absl::StrCat(days, " days")).ok());
    Open();  // what was told is on disk
  }
  std::vector<std::string> texts;
  for (const v1::Event& event : EventsOf(v1::Event::CERTIFICATE_EXPIRES)) {
    EXPECT_EQ(event.tenant(), kTenant);
    texts.push_back(event.text());
  }
  EXPECT_THAT(texts, testing::ElementsAre("30 days", "14 days", "1 days", "0 days"));
  EXPECT_EQ(store_->WarnCertificate("tenants/acme/certificates/none", 3, "").code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace wavepost
