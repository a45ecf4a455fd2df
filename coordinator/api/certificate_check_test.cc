#include "coordinator/api/certificate_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/mail/openssl_ptr.h"
#include "common/mail/smime.h"
#include "common/rpc/status.h"
#include "common/seal/seal.h"

namespace wavepost {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const absl::Time kToday = absl::FromUnixSeconds(1'800'000'000);
constexpr char kP12Password[] = "correct horse";

// A certificate that signs itself, in a PKCS#12 file.
std::string MakeP12(absl::Time not_before, absl::Time not_after) {
  const OpensslPtr<EVP_PKEY> key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  const OpensslPtr<X509> certificate(X509_new());
  X509* const c = certificate.get();
  X509_set_version(c, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(c), 4711);
  ASN1_TIME_set(X509_getm_notBefore(c), absl::ToTimeT(not_before));
  ASN1_TIME_set(X509_getm_notAfter(c), absl::ToTimeT(not_after));
  X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>("Acme"), -1, -1, 0);
  X509_set_issuer_name(c, X509_get_subject_name(c));
  X509_set_pubkey(c, key.get());
  X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "email:News@Acme.example");
  X509_add_ext(c, names, -1);
  X509_EXTENSION_free(names);
  EXPECT_GT(X509_sign(c, key.get(), EVP_sha256()), 0);
  PKCS12* const file = PKCS12_create(kP12Password, "acme", key.get(), c, nullptr, 0, 0, 2048, 2048, 0);
  unsigned char* der = nullptr;
  const int size = i2d_PKCS12(file, &der);
  std::string out(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  PKCS12_free(file);
  return out;
}

v1::CreateCertificateRequest GoodUpload() {
  v1::CreateCertificateRequest request;
  request.set_parent("tenants/acme");
  request.set_pkcs12(MakeP12(kToday - absl::Hours(24), kToday + absl::Hours(24)));
  request.set_password(kP12Password);
  return request;
}

TEST(CertificateCheckTest, SealsTheKeyForItsPlace) {
  const Sealer sealer = Sealer::ForTest();
  const auto stored = CheckCertificate(GoodUpload(), {"acme"}, sealer, kToday);
  ASSERT_TRUE(stored.ok()) << stored.status();
  const v1::Certificate& certificate = stored->certificate();
  const auto name = CertificateName::Parse(certificate.name());
  ASSERT_TRUE(name.has_value()) << certificate.name();
  EXPECT_EQ(name->tenant, "acme");
  EXPECT_THAT(certificate.addresses(), ElementsAre("News@acme.example"));
  EXPECT_EQ(certificate.subject(), "CN=Acme");
  EXPECT_EQ(certificate.not_after().seconds(), absl::ToUnixSeconds(kToday + absl::Hours(24)));
  EXPECT_THAT(stored->chain_pem(), HasSubstr("BEGIN CERTIFICATE"));
  EXPECT_EQ(stored->sealed_pem().find("PRIVATE KEY"), std::string::npos);
  const auto opened = sealer.Open(stored->sealed_pem(), "smime/" + certificate.name());
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_THAT(*opened, HasSubstr("PRIVATE KEY"));
  EXPECT_TRUE(SmimeSigner::Create(*opened, stored->chain_pem()).ok());
}

struct BadCertificateRow {
  const char* name;
  void (*change)(v1::CreateCertificateRequest*);
  const char* field;
  const char* description;
};

class BadCertificateTest : public testing::TestWithParam<BadCertificateRow> {};

TEST_P(BadCertificateTest, NamesFieldAndCureAndNoSecret) {
  v1::CreateCertificateRequest request = GoodUpload();
  GetParam().change(&request);
  const absl::Status status = CheckCertificate(request, {"acme"}, Sealer::ForTest(), kToday).status();
  ASSERT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_EQ(ReasonOf(status), "BAD_CERTIFICATE");
  ASSERT_EQ(ViolationsOf(status).size(), 1u);
  EXPECT_EQ(ViolationsOf(status)[0].field, GetParam().field);
  EXPECT_THAT(ViolationsOf(status)[0].description, HasSubstr(GetParam().description));
  EXPECT_FALSE(absl::StrContains(status.ToString(), request.password())) << status;
}

INSTANTIATE_TEST_SUITE_P(
    Rows, BadCertificateTest,
    testing::Values(
        BadCertificateRow{"Nothing", [](v1::CreateCertificateRequest* r) { r->clear_pkcs12(); }, "pkcs12", "required"},
        BadCertificateRow{"WrongPassword", [](v1::CreateCertificateRequest* r) { r->set_password("battery staple"); },
                          "password", "password"},
        BadCertificateRow{"TooLarge",
                          [](v1::CreateCertificateRequest* r) { r->set_pkcs12(std::string(kPkcs12BytesMax + 1, 'x')); },
                          "pkcs12", "at most"},
        BadCertificateRow{"Pem",
                          [](v1::CreateCertificateRequest* r) {
                            r->set_pkcs12("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
                          },
                          "pkcs12", "PEM"},
        BadCertificateRow{"Cut", [](v1::CreateCertificateRequest* r) { r->mutable_pkcs12()->resize(200); }, "pkcs12",
                          "PKCS#12"},
        BadCertificateRow{"Expired",
                          [](v1::CreateCertificateRequest* r) {
                            r->set_pkcs12(MakeP12(kToday - absl::Hours(48), kToday - absl::Hours(24)));
                          },
                          "pkcs12", "expired"},
        BadCertificateRow{"NotYet",
                          [](v1::CreateCertificateRequest* r) {
                            r->set_pkcs12(MakeP12(kToday + absl::Hours(24), kToday + absl::Hours(48)));
                          },
                          "pkcs12", "valid"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace wavepost
