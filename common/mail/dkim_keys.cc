#include "common/mail/dkim_keys.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/base/base64.h"
#include "common/base/status_macros.h"
#include "common/mail/dkim.h"
#include "common/mail/openssl_ptr.h"

namespace wavepost {

absl::StatusOr<DkimKey> MakeRsaKey(int bits) {
  if (bits < kDkimKeyBitsMin || bits > kDkimKeyBitsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("a DKIM key has ", kDkimKeyBitsMin, " to ", kDkimKeyBitsMax, " bits, not ", bits));
  }
  const OpensslPtr<EVP_PKEY> key(EVP_RSA_gen(static_cast<unsigned int>(bits)));
  const OpensslPtr<BIO> bio(BIO_new(BIO_s_mem()));
  if (key == nullptr || bio == nullptr ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    ERR_clear_error();
    return absl::InternalError("OpenSSL could not make an RSA key");
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  DkimKey out;
  out.private_key_pem.assign(data, static_cast<size_t>(size));
  ASSIGN_OR_RETURN(out.public_txt, PublicTxt(out.private_key_pem));
  return out;
}

absl::StatusOr<std::string> PublicTxt(std::string_view private_key_pem) {
  const OpensslPtr<EVP_PKEY> key = RsaKeyFromPem(private_key_pem);
  unsigned char* der = nullptr;
  const int size = key == nullptr ? -1 : i2d_PUBKEY(key.get(), &der);
  if (size <= 0) {
    ERR_clear_error();
    return absl::InvalidArgumentError("not an unencrypted RSA private key in PEM");
  }
  const std::string bytes(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return absl::StrCat("v=DKIM1; k=rsa; p=", Base64Encode(bytes));
}

}  // namespace wavepost
