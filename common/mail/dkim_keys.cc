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
namespace {

constexpr size_t kEd25519Bytes = 32;

absl::StatusOr<DkimKey> FromOpenssl(const OpensslPtr<EVP_PKEY>& key, std::string_view kind) {
  DkimKey out;
  if (key != nullptr) out.private_key_pem = PrivateKeyToPem(key.get());
  if (out.private_key_pem.empty()) {
    ERR_clear_error();
    return absl::InternalError(absl::StrCat("OpenSSL could not make a key of kind ", std::string(kind)));
  }
  ASSIGN_OR_RETURN(out.public_txt, PublicTxt(out.private_key_pem));
  return out;
}

// SubjectPublicKeyInfo, as all signers publish it.
std::string RsaPublic(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  if (size <= 0) return "";
  std::string out(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return out;
}

// The bare 32 bytes (RFC 8463 section 4.2).
std::string Ed25519Public(EVP_PKEY* key) {
  std::string out(kEd25519Bytes, '\0');
  size_t size = out.size();
  if (EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(out.data()), &size) != 1) return "";
  return out;
}

}  // namespace

absl::StatusOr<DkimKey> MakeRsaKey(int bits) {
  if (bits < kDkimKeyBitsMin || bits > kDkimKeyBitsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("a DKIM key has ", kDkimKeyBitsMin, " to ", kDkimKeyBitsMax, " bits, not ", bits));
  }
  return FromOpenssl(OpensslPtr<EVP_PKEY>(EVP_RSA_gen(static_cast<unsigned int>(bits))), "RSA");
}

absl::StatusOr<DkimKey> MakeEd25519Key() {
  return FromOpenssl(OpensslPtr<EVP_PKEY>(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")), "Ed25519");
}

absl::StatusOr<std::string> PublicTxt(std::string_view private_key_pem) {
  const OpensslPtr<EVP_PKEY> key = PrivateKeyFromPem(private_key_pem);
  const int kind = key == nullptr ? EVP_PKEY_NONE : EVP_PKEY_get_base_id(key.get());
  const std::string bytes = kind == EVP_PKEY_RSA       ? RsaPublic(key.get())
                            : kind == EVP_PKEY_ED25519 ? Ed25519Public(key.get())
                                                       : std::string();
  if (bytes.empty()) {
    ERR_clear_error();
    return absl::InvalidArgumentError("not an unencrypted RSA or Ed25519 private key in PEM");
  }
  return absl::StrCat("v=DKIM1; k=", kind == EVP_PKEY_RSA ? "rsa" : "ed25519", "; p=", Base64Encode(bytes));
}

}  // namespace wavepost
