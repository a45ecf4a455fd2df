// Owners for OpenSSL's objects, and its keys from PEM without a question on the terminal.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>
#include <string_view>

namespace wavepost {

struct OpensslFree {
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(EVP_MD_CTX* p) const { EVP_MD_CTX_free(p); }
};
template <class T>
using OpensslPtr = std::unique_ptr<T, OpensslFree>;

// The RSA private key in `pem`, or nullptr: not PEM, encrypted, or another kind of key.
inline OpensslPtr<EVP_PKEY> RsaKeyFromPem(std::string_view pem) {
  const OpensslPtr<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const auto no_password = [](char*, int, int, void*) { return -1; };
  OpensslPtr<EVP_PKEY> key(bio == nullptr ? nullptr
                                          : PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  if (key != nullptr && EVP_PKEY_base_id(key.get()) != EVP_PKEY_RSA) key.reset();
  return key;
}

}  // namespace wavepost
