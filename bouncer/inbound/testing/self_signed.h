// A certificate for tests, made in place.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>
#include <memory>
#include <string>

#include "common/base/check.h"

namespace wavepost {

// Writes an EC key and a certificate for `name`, valid for a day, into one PEM file. passphrase: the key's; empty:
// none.
inline void WriteSelfSigned(const std::string& path, const std::string& name, std::string passphrase = {}) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), &X509_free);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 24 * 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* const subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(certificate.get(), subject);
  WP_CHECK(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
  std::FILE* const file = std::fopen(path.c_str(), "w");
  WP_CHECK(file != nullptr);
  const EVP_CIPHER* const cipher = passphrase.empty() ? nullptr : EVP_aes_256_cbc();
  WP_CHECK(PEM_write_PrivateKey(file, key.get(), cipher, nullptr, 0, nullptr,
                                passphrase.empty() ? nullptr : passphrase.data()) == 1);
  WP_CHECK(PEM_write_X509(file, certificate.get()) == 1);
  std::fclose(file);
}

}  // namespace wavepost
