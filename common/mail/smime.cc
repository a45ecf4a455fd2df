#include "common/mail/smime.h"

#include <openssl/cms.h>
#include <openssl/err.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/base64.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/mail/dkim_hash.h"
#include "common/mail/openssl_ptr.h"
#include "common/mail/smime_certificate.h"

namespace wavepost {
namespace {

constexpr size_t kBase64LineBytes = 76;  // RFC 2045 section 6.8
// No text conversion, content apart; the signer is added by hand, so that its time and capabilities are ours.
constexpr unsigned int kFlags = CMS_DETACHED | CMS_BINARY | CMS_PARTIAL | CMS_STREAM | CMS_NOSMIMECAP;

struct CmsFree {
  void operator()(CMS_ContentInfo* p) const { CMS_ContentInfo_free(p); }
  void operator()(ASN1_TIME* p) const { ASN1_TIME_free(p); }
  void operator()(STACK_OF(X509_ALGOR) * p) const { sk_X509_ALGOR_pop_free(p, X509_ALGOR_free); }
};
template <class T>
using CmsPtr = std::unique_ptr<T, CmsFree>;

// What replies may be encrypted with (RFC 8551 section 2.5.2). OpenSSL's own list names DES and RC2.
bool AddCapabilities(CMS_SignerInfo* signer) {
  STACK_OF(X509_ALGOR)* list = nullptr;
  const bool listed = CMS_add_simple_smimecap(&list, NID_aes_256_cbc, -1) == 1 &&
                      CMS_add_simple_smimecap(&list, NID_aes_128_cbc, -1) == 1;
  const CmsPtr<STACK_OF(X509_ALGOR)> owner(list);
  return listed && CMS_add_smimecap(signer, list) == 1;
}

// OpenSSL takes the clock's time where none is set.
bool SetSigningTime(CMS_SignerInfo* signer, absl::Time now) {
  const CmsPtr<ASN1_TIME> time(ASN1_TIME_set(nullptr, absl::ToTimeT(now)));
  return time != nullptr && CMS_signed_add1_attr_by_NID(signer, NID_pkcs9_signingTime, time->type, time.get(), -1) == 1;
}

class CmsSigner final : public SmimeSigner {
 public:
  // chain: the signer's own certificate first.
  CmsSigner(OpensslPtr<EVP_PKEY> key, std::vector<OpensslPtr<X509>> chain)
      : key_(std::move(key)), chain_(std::move(chain)), not_after_(TimeOf(X509_get0_notAfter(chain_.front().get()))) {}

  absl::Time not_after() const override { return not_after_; }

  absl::StatusOr<SmimeSigned> Sign(std::string_view content_headers, std::string_view body,
                                   absl::Time now) const override {
    RETURN_IF_ERROR(CheckValidity(chain_.front().get(), now));
    const std::string entity = absl::StrCat(Av(content_headers), "\r\n", Av(body));
    const std::string der = SignEntity(entity, now);
    if (der.empty()) {
      ERR_clear_error();
      return absl::InternalError("OpenSSL could not make an S/MIME signature");
    }
    return Assemble(entity, der);
  }

 private:
  // CMS SignedData without the content, in DER; empty if OpenSSL refuses.
  std::string SignEntity(std::string_view entity, absl::Time now) const {
    const OpensslPtr<BIO> data = BioOf(entity);
    const OpensslPtr<BIO> out(BIO_new(BIO_s_mem()));
    const CmsPtr<CMS_ContentInfo> cms(CMS_sign(nullptr, nullptr, nullptr, nullptr, kFlags));
    if (data == nullptr || out == nullptr || cms == nullptr) return "";
    CMS_SignerInfo* const signer = CMS_add1_signer(cms.get(), chain_.front().get(), key_.get(), EVP_sha256(), kFlags);
    if (signer == nullptr || !SetSigningTime(signer, now) || !AddCapabilities(signer)) return "";
    for (size_t i = 1; i < chain_.size(); ++i) {
      if (CMS_add1_cert(cms.get(), chain_[i].get()) != 1) return "";
    }
    if (CMS_final(cms.get(), data.get(), nullptr, kFlags) != 1 || i2d_CMS_bio(out.get(), cms.get()) != 1) return "";
    return BioText(out.get());
  }

  // RFC 8551 section 3.5.3.2, RFC 1847. The line end in front of a boundary belongs to the boundary.
  static SmimeSigned Assemble(std::string_view entity, std::string_view der) {
    const auto digest = Sha256(entity);
    // Of the content itself: cannot stand in it, and the same message has the same one.
    const std::string boundary =
        absl::StrCat("=_s_", absl::BytesToHexString({reinterpret_cast<const char*>(digest.data()), 16}));
    SmimeSigned out;
    out.content_headers = absl::StrCat(
        "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\";\r\n\tmicalg=sha-256; boundary=\"",
        boundary, "\"\r\n");
    out.body.reserve(entity.size() + der.size() * 3 / 2 + 512);
    out.body.append("--").append(boundary).append("\r\n").append(entity).append("\r\n--").append(boundary);
    out.body.append(
        "\r\nContent-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\n"
        "Content-Transfer-Encoding: base64\r\n"
        "Content-Disposition: attachment; filename=\"smime.p7s\"\r\n\r\n");
    const std::string encoded = Base64Encode(der);
    for (size_t i = 0; i < encoded.size(); i += kBase64LineBytes) {
      out.body.append(encoded, i, kBase64LineBytes).append("\r\n");
    }
    out.body.append("--").append(boundary).append("--\r\n");
    return out;
  }

  const OpensslPtr<EVP_PKEY> key_;
  const std::vector<OpensslPtr<X509>> chain_;
  const absl::Time not_after_;
};

absl::Status Refuse(std::string_view what) {
  ERR_clear_error();
  return absl::InvalidArgumentError(Av(what));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const SmimeSigner>> SmimeSigner::Create(std::string_view private_key_pem,
                                                                       std::string_view chain_pem) {
  OpensslPtr<EVP_PKEY> key = PrivateKeyFromPem(private_key_pem);
  if (key == nullptr) return Refuse("S/MIME: not an unencrypted private key in PEM");
  ERR_clear_error();
  const OpensslPtr<BIO> bio = BioOf(chain_pem);
  std::vector<OpensslPtr<X509>> chain;
  while (bio != nullptr) {
    OpensslPtr<X509> certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (certificate == nullptr) break;
    const auto same = [&](const OpensslPtr<X509>& one) { return X509_cmp(one.get(), certificate.get()) == 0; };
    if (std::any_of(chain.begin(), chain.end(), same)) continue;  // a signature may hold each only once
    chain.push_back(std::move(certificate));
    if (chain.size() > kSmimeChainMax) {
      return Refuse(absl::StrCat("S/MIME: more than ", kSmimeChainMax, " certificates in a chain"));
    }
  }
  // The end of the text is an error like any other to OpenSSL; a part that is no certificate is one too.
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (chain.empty() || !at_end) return Refuse("S/MIME: the chain is not certificates in PEM");
  if (X509_check_private_key(chain.front().get(), key.get()) != 1) {
    return Refuse("S/MIME: the private key does not belong to the first certificate");
  }
  ERR_clear_error();
  return std::make_shared<const CmsSigner>(std::move(key), std::move(chain));
}

}  // namespace wavepost
