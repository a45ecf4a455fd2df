// Owners for OpenSSL's objects, and its keys from PEM without a question on the terminal.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>

namespace wavepost {

struct OpensslFree {
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(EVP_PKEY_CTX* p) const { EVP_PKEY_CTX_free(p); }
  void operator()(EVP_MD_CTX* p) const { EVP_MD_CTX_free(p); }
  void operator()(X509* p) const { X509_free(p); }
  void operator()(STACK_OF(X509) * p) const { sk_X509_pop_free(p, X509_free); }
};
template <class T>
using OpensslPtr = std::unique_ptr<T, OpensslFree>;

// A BIO that reads from `text`, which must outlive it.
inline OpensslPtr<BIO> BioOf(std::string_view text) {
  return OpensslPtr<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// What has been written to a BIO_s_mem().
inline std::string BioText(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size <= 0 ? std::string() : std::string(data, static_cast<size_t>(size));
}

// The private key in `pem`, of whatever kind, or nullptr: not PEM, or encrypted.
inline OpensslPtr<EVP_PKEY> PrivateKeyFromPem(std::string_view pem) {
  const OpensslPtr<BIO> bio = BioOf(pem);
  const auto no_password = [](char*, int, int, void*) { return -1; };
  return OpensslPtr<EVP_PKEY>(bio == nullptr ? nullptr
                                             : PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
}

// PKCS #8, not encrypted; empty if OpenSSL refuses.
inline std::string PrivateKeyToPem(EVP_PKEY* key) {
  const OpensslPtr<BIO> bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return "";
  }
  return BioText(bio.get());
}

}  // namespace wavepost
