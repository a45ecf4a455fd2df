#include <gtest/gtest.h>
#include <openssl/cms.h>
#include <openssl/err.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/base/base64.h"
#include "common/mail/openssl_ptr.h"
#include "common/mail/smime.h"
#include "common/mail/smime_fixture.h"

namespace wavepost {
namespace {

class SmimeSignTest : public ::testing::Test {
 protected:
  static std::shared_ptr<const SmimeSigner> Signer(const SmimeKeyPtr& key, const SmimeCertPtr& own) {
    const OpensslPtr<BIO> chain(BIO_new(BIO_s_mem()));
    for (X509* one : {own.get(), TheSmimeWorld().ca.get(), TheSmimeWorld().ca.get()})
      PEM_write_bio_X509(chain.get(), one);
    auto signer = SmimeSigner::Create(PrivateKeyToPem(key.get()), BioText(chain.get()));
    EXPECT_TRUE(signer.ok()) << signer.status();
    return *signer;
  }

  static std::string BoundaryOf(const SmimeSigned& entity) {
    const std::string& h = entity.content_headers;
    const size_t at = h.find("boundary=\"") + 10;
    return h.substr(at, h.find('"', at) - at);
  }

  static constexpr char kContentHeaders[] = "Content-Type: text/plain; charset=utf-8\r\n";
  static constexpr char kBody[] = "Hello,\r\n\r\n--=_other\r\nworld.\r\n";
};

// Splits a multipart/signed by hand (RFC 1847): the first part's bytes and the second's DER.
std::pair<std::string, std::string> Split(const SmimeSigned& entity, const std::string& boundary) {
  const std::vector<std::string> parts = absl::StrSplit(entity.body, absl::StrCat("--", boundary));
  EXPECT_EQ(parts.size(), 4u);
  EXPECT_EQ(parts.back(), "--\r\n");
  const std::string first = parts[1].substr(2, parts[1].size() - 4);
  const size_t blank = parts[2].find("\r\n\r\n");
  EXPECT_EQ(parts[2].substr(0, blank),
            "\r\nContent-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\n"
            "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"smime.p7s\"");
  const auto der = Base64Decode(absl::StrReplaceAll(parts[2].substr(blank), {{"\r\n", ""}}));
  EXPECT_TRUE(der.has_value());
  return {first, der.value_or("")};
}

TEST_F(SmimeSignTest, VerifiesByOpenssl) {
  for (const SmimeKeyPtr* key : {&TheSmimeWorld().rsa, &TheSmimeWorld().p256}) {
    const SmimeCertPtr own = IssueSmime(*key);
    const auto signer = Signer(*key, own);
    EXPECT_EQ(signer->not_after(), kSmimeNow + absl::Hours(24));
    const auto entity = signer->Sign(kContentHeaders, kBody, kSmimeNow);
    ASSERT_TRUE(entity.ok()) << entity.status();
    EXPECT_EQ(
        entity->content_headers,
        absl::StrCat("Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\";\r\n\tmicalg=sha-256; "
                     "boundary=\"",
                     BoundaryOf(*entity), "\"\r\n"));
    const auto [first, der] = Split(*entity, BoundaryOf(*entity));
    EXPECT_EQ(first, absl::StrCat(kContentHeaders, "\r\n", kBody));

    const OpensslPtr<BIO> in = BioOf(der);
    CMS_ContentInfo* const cms = d2i_CMS_bio(in.get(), nullptr);
    ASSERT_NE(cms, nullptr);
    EXPECT_EQ(CMS_is_detached(cms), 1);
    X509_STORE* const store = X509_STORE_new();
    X509_STORE_add_cert(store, TheSmimeWorld().ca.get());
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), absl::ToTimeT(kSmimeNow));
    X509_VERIFY_PARAM_set_purpose(X509_STORE_get0_param(store), X509_PURPOSE_SMIME_SIGN);
    const auto verifies = [&](const std::string& content) {
      const OpensslPtr<BIO> data = BioOf(content);
      const bool good = CMS_verify(cms, nullptr, store, data.get(), nullptr, CMS_BINARY) == 1;
      ERR_clear_error();
      return good;
    };
    EXPECT_TRUE(verifies(first));
    EXPECT_FALSE(verifies(first + "\r\n"));
    EXPECT_FALSE(verifies(first.substr(1)));

    CMS_SignerInfo* const info = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
    const auto* time = static_cast<const ASN1_TIME*>(
        CMS_signed_get0_data_by_OBJ(info, OBJ_nid2obj(NID_pkcs9_signingTime), -3, V_ASN1_UTCTIME));
    ASSERT_NE(time, nullptr);
    EXPECT_EQ(ASN1_TIME_cmp_time_t(time, absl::ToTimeT(kSmimeNow)), 0);
    X509_ALGOR* digest = nullptr;
    CMS_SignerInfo_get0_algs(info, nullptr, nullptr, &digest, nullptr);
    EXPECT_EQ(OBJ_obj2nid(digest->algorithm), NID_sha256);
    EXPECT_GE(CMS_signed_get_attr_by_NID(info, NID_SMIMECapabilities, -1), 0);
    STACK_OF(X509)* const certificates = CMS_get1_certs(cms);
    EXPECT_EQ(sk_X509_num(certificates), 2);  // its own and the authority's, each once
    sk_X509_pop_free(certificates, X509_free);
    X509_STORE_free(store);
    CMS_ContentInfo_free(cms);
  }
}

TEST_F(SmimeSignTest, LinesAndBytes) {
  const auto signer = Signer(TheSmimeWorld().rsa, IssueSmime(TheSmimeWorld().rsa));
  const auto entity = signer->Sign(kContentHeaders, kBody, kSmimeNow);
  ASSERT_TRUE(entity.ok());
  const std::vector<std::string> lines = absl::StrSplit(entity->body, "\r\n");
  for (const std::string& line : lines) EXPECT_LE(line.size(), 76u) << line;
  EXPECT_EQ(absl::StrReplaceAll(entity->body, {{"\r\n", ""}}).find('\n'), std::string::npos);
  const auto again = signer->Sign(kContentHeaders, kBody, kSmimeNow);
  EXPECT_EQ(again->body, entity->body);  // RSA: the same bytes
  EXPECT_EQ(again->content_headers, entity->content_headers);
  const auto other = signer->Sign(kContentHeaders, "Hello.\r\n", kSmimeNow);
  EXPECT_NE(BoundaryOf(*other), BoundaryOf(*entity));
}

TEST_F(SmimeSignTest, OnlyWhileTheCertificateIsValid) {
  const auto signer = Signer(TheSmimeWorld().p256, IssueSmime(TheSmimeWorld().p256));
  const auto code = [&](absl::Time now) { return signer->Sign(kContentHeaders, kBody, now).status().code(); };
  EXPECT_EQ(code(kSmimeNow + absl::Hours(24)), absl::StatusCode::kOk);
  EXPECT_EQ(code(kSmimeNow + absl::Hours(24) + absl::Seconds(1)), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(code(kSmimeNow - absl::Hours(25)), absl::StatusCode::kFailedPrecondition);
}

TEST_F(SmimeSignTest, RefusesBadParts) {
  const SmimeCertPtr own = IssueSmime(TheSmimeWorld().p256);
  const OpensslPtr<BIO> bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), own.get());
  const std::string chain = BioText(bio.get());
  const std::string key = PrivateKeyToPem(TheSmimeWorld().p256.get());
  ASSERT_TRUE(SmimeSigner::Create(key, chain).ok());
  std::string long_chain = chain;
  for (size_t i = 0; i < kSmimeChainMax; ++i) {
    const OpensslPtr<BIO> more(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(more.get(), IssueSmime(TheSmimeWorld().p256).get());
    long_chain += BioText(more.get());
  }
  const std::pair<std::string, std::string> kRows[] = {
      {"", chain},
      {key, ""},
      {key, "nonsense"},
      {key, key},
      {key, chain.substr(0, chain.size() / 2)},
      {key, chain + chain.substr(0, chain.size() / 2)},
      {key.substr(0, key.size() / 2), chain},
      {PrivateKeyToPem(TheSmimeWorld().rsa.get()), chain},
      {key, long_chain},
  };
  for (const auto& [private_key, certificates] : kRows) {
    EXPECT_EQ(SmimeSigner::Create(private_key, certificates).status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(ERR_peek_error(), 0u);
  }
}

}  // namespace
}  // namespace wavepost
