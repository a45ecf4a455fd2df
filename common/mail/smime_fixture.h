// Certificates and keys for the tests of S/MIME, made on the spot.
#pragma once

#include <gtest/gtest.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <string>

#include "absl/time/time.h"
#include "common/mail/openssl_ptr.h"

namespace wavepost {

// Not the clock's: the signing time must be ours.
inline const absl::Time kSmimeNow = absl::FromUnixSeconds(1'800'000'000);

struct SmimeCertificateRow {
  std::string subject_email;
  std::string alt_names = "email:Jane@News.Example,email:jane@news.example,email:other@news.example";
  std::string key_usage = "critical,digitalSignature";
  std::string extended = "emailProtection";
  absl::Time not_before = kSmimeNow - absl::Hours(24);
  absl::Time not_after = kSmimeNow + absl::Hours(24);
};

using SmimeKeyPtr = OpensslPtr<EVP_PKEY>;
using SmimeCertPtr = OpensslPtr<X509>;

// One authority for all tests, and keys of each kind: making RSA keys takes time.
struct SmimeWorld {
  SmimeKeyPtr ca_key{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")};
  SmimeKeyPtr rsa{EVP_RSA_gen(2048)};
  SmimeKeyPtr rsa_1024{EVP_RSA_gen(1024)};
  SmimeKeyPtr p256{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")};
  SmimeKeyPtr p192{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "prime192v1")};
  SmimeKeyPtr ed25519{EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")};
  SmimeCertPtr ca;
};

inline void AddSmimeExtension(X509* certificate, int nid, const std::string& value) {
  if (value.empty()) return;
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  ASSERT_NE(extension, nullptr) << value;
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

inline void SetSmimeName(X509_NAME* name, const std::string& common_name, const std::string& email) {
  const auto add = [&](const char* field, const std::string& text) {
    X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(text.c_str()), -1, -1,
                               0);
  };
  add("O", "News, Inc.");
  add("CN", common_name);
  if (!email.empty()) add("emailAddress", email);
}

inline SmimeCertPtr MakeSmimeCertificate(EVP_PKEY* key, EVP_PKEY* issuer_key, const X509* issuer,
                                         const SmimeCertificateRow& row) {
  SmimeCertPtr out(X509_new());
  X509* const c = out.get();
  X509_set_version(c, 2);
  static int serial = 100;
  ASN1_INTEGER_set(X509_get_serialNumber(c), ++serial);
  ASN1_TIME_set(X509_getm_notBefore(c), absl::ToTimeT(row.not_before));
  ASN1_TIME_set(X509_getm_notAfter(c), absl::ToTimeT(row.not_after));
  SetSmimeName(X509_get_subject_name(c), issuer == nullptr ? "Test CA" : "J\xC3\xA4ne", row.subject_email);
  X509_set_issuer_name(c, issuer == nullptr ? X509_get_subject_name(c) : X509_get_subject_name(issuer));
  X509_set_pubkey(c, key);
  AddSmimeExtension(c, NID_basic_constraints, issuer == nullptr ? "critical,CA:TRUE" : "CA:FALSE");
  AddSmimeExtension(c, NID_key_usage, issuer == nullptr ? "keyCertSign" : row.key_usage);
  if (issuer != nullptr) {
    AddSmimeExtension(c, NID_ext_key_usage, row.extended);
    AddSmimeExtension(c, NID_subject_alt_name, row.alt_names);
  }
  EXPECT_GT(X509_sign(c, issuer_key, EVP_sha256()), 0);
  return out;
}

inline SmimeWorld& TheSmimeWorld() {
  static SmimeWorld* const world = [] {
    auto* w = new SmimeWorld;
    SmimeCertificateRow row;
    row.not_after = kSmimeNow + absl::Hours(24 * 3650);
    w->ca = MakeSmimeCertificate(w->ca_key.get(), w->ca_key.get(), nullptr, row);
    return w;
  }();
  return *world;
}

inline SmimeCertPtr IssueSmime(const SmimeKeyPtr& key, const SmimeCertificateRow& row = {}) {
  return MakeSmimeCertificate(key.get(), TheSmimeWorld().ca_key.get(), TheSmimeWorld().ca.get(), row);
}

}  // namespace wavepost
