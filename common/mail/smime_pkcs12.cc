// Reads a PKCS#12 file. All of it is hostile: the file names how often a password is hashed.
#include <openssl/err.h>
#include <openssl/pkcs12.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/mail/openssl_ptr.h"
#include "common/mail/smime.h"
#include "common/mail/smime_certificate.h"

namespace wavepost {
namespace {

constexpr int64_t kIterationsMax = 2'000'000;  // NSS writes 600,000; a second or two of ours
constexpr int kSafesMax = 16;
constexpr int kBagsMax = 64;
constexpr int kKeysMax = 4;
constexpr int kSmimeEcBitsMin = 256;

struct Pkcs12Free {
  void operator()(PKCS12* p) const { PKCS12_free(p); }
  void operator()(STACK_OF(PKCS7) * p) const { sk_PKCS7_pop_free(p, PKCS7_free); }
  void operator()(STACK_OF(PKCS12_SAFEBAG) * p) const { sk_PKCS12_SAFEBAG_pop_free(p, PKCS12_SAFEBAG_free); }
  void operator()(PKCS8_PRIV_KEY_INFO* p) const { PKCS8_PRIV_KEY_INFO_free(p); }
  void operator()(PBEPARAM* p) const { PBEPARAM_free(p); }
  void operator()(PBE2PARAM* p) const { PBE2PARAM_free(p); }
  void operator()(PBKDF2PARAM* p) const { PBKDF2PARAM_free(p); }
};
template <class T>
using Pkcs12Ptr = std::unique_ptr<T, Pkcs12Free>;

absl::Status Refuse(std::string_view what) {
  ERR_clear_error();
  return absl::InvalidArgumentError(Av(what));
}

// Whether `iterations` may be computed; absent means 1.
bool IsBearable(const ASN1_INTEGER* iterations) {
  int64_t count = 1;
  return iterations == nullptr ||
         (ASN1_INTEGER_get_int64(&count, iterations) == 1 && count >= 1 && count <= kIterationsMax);
}

template <class T>
Pkcs12Ptr<T> Unpack(const ASN1_ITEM* item, const ASN1_TYPE* parameter) {
  return Pkcs12Ptr<T>(static_cast<T*>(ASN1_TYPE_unpack_sequence(item, parameter)));
}

struct Encryption {
  std::string name;       // for people
  bool bearable = false;  // its password is hashed in a way and as often as is computed here
  bool readable = false;  // this OpenSSL has the cipher
};

bool HasCipher(int nid) {
  EVP_CIPHER* const cipher = nid == NID_undef ? nullptr : EVP_CIPHER_fetch(nullptr, OBJ_nid2sn(nid), nullptr);
  EVP_CIPHER_free(cipher);
  return cipher != nullptr;
}

// Looks at an encryption's parameters before anything is computed with them.
Encryption EncryptionOf(const X509_ALGOR* algorithm) {
  const ASN1_OBJECT* object = nullptr;
  const void* value = nullptr;
  int type = V_ASN1_UNDEF;
  X509_ALGOR_get0(&object, &type, &value, algorithm);
  Encryption out;
  if (OBJ_obj2nid(object) == NID_pbes2) {
    const auto scheme = Unpack<PBE2PARAM>(ASN1_ITEM_rptr(PBE2PARAM), algorithm->parameter);
    if (scheme == nullptr) return out;
    object = scheme->encryption->algorithm;
    out.readable = HasCipher(OBJ_obj2nid(object));
    if (OBJ_obj2nid(scheme->keyfunc->algorithm) == NID_id_pbkdf2) {
      const auto derivation = Unpack<PBKDF2PARAM>(ASN1_ITEM_rptr(PBKDF2PARAM), scheme->keyfunc->parameter);
      out.bearable = derivation != nullptr && IsBearable(derivation->iter);
    } else {
      out.bearable = OBJ_obj2nid(scheme->keyfunc->algorithm) == NID_id_scrypt;  // OpenSSL limits its memory and work
    }
  } else {
    const auto parameter = Unpack<PBEPARAM>(ASN1_ITEM_rptr(PBEPARAM), algorithm->parameter);
    out.bearable = parameter != nullptr && IsBearable(parameter->iter);
    int cipher = NID_undef;
    out.readable =
        EVP_PBE_find(EVP_PBE_TYPE_OUTER, OBJ_obj2nid(object), &cipher, nullptr, nullptr) == 1 && HasCipher(cipher);
  }
  char name[80] = "";
  OBJ_obj2txt(name, sizeof(name), object, 0);
  out.name = Printable(name, sizeof(name));
  return out;
}

absl::Status TooCostly() {
  return Refuse(absl::StrCat("the PKCS#12 file hashes its password in a way that is not read here (more than ",
                             kIterationsMax, " times, or unknown); export it again with the usual settings"));
}

absl::Status CannotDecrypt(const Encryption& encryption) {
  if (encryption.readable) return Refuse("the password of the PKCS#12 file is wrong, or the file is damaged");
  return Refuse(absl::StrCat(
      "the PKCS#12 file is encrypted by ", encryption.name,
      ", an older way that is no longer read; convert it: openssl pkcs12 -legacy -in old.p12 -nodes -out all.pem, then "
      "openssl pkcs12 -export -in all.pem -out new.p12"));
}

class Reader {
 public:
  Reader(const char* password, int password_size) : password_(password), password_size_(password_size) {}

  absl::Status Read(PKCS12* file) {
    const Pkcs12Ptr<STACK_OF(PKCS7)> safes(PKCS12_unpack_authsafes(file));
    if (safes == nullptr || sk_PKCS7_num(safes.get()) > kSafesMax) {
      return Refuse("the PKCS#12 file is damaged; export it again");
    }
    for (int i = 0; i < sk_PKCS7_num(safes.get()); ++i) {
      RETURN_IF_ERROR(ReadSafe(sk_PKCS7_value(safes.get(), i)));
    }
    return absl::OkStatus();
  }

  std::vector<OpensslPtr<EVP_PKEY>> keys;
  std::vector<OpensslPtr<X509>> certificates;

 private:
  absl::Status ReadSafe(PKCS7* safe) {
    Pkcs12Ptr<STACK_OF(PKCS12_SAFEBAG)> bags;
    if (PKCS7_type_is_data(safe)) {
      bags.reset(PKCS12_unpack_p7data(safe));
    } else if (PKCS7_type_is_encrypted(safe) && safe->d.encrypted != nullptr &&
               safe->d.encrypted->enc_data != nullptr) {
      const Encryption encryption = EncryptionOf(safe->d.encrypted->enc_data->algorithm);
      if (!encryption.bearable) return TooCostly();
      bags.reset(PKCS12_unpack_p7encdata(safe, password_, password_size_));
      if (bags == nullptr) return CannotDecrypt(encryption);
    }
    if (bags == nullptr) {
      return Refuse("the PKCS#12 file has a part that is neither plain nor encrypted by password; export it again");
    }
    for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags.get()); ++i) {
      if (++bags_ > kBagsMax) return Refuse("the PKCS#12 file holds too much; export one certificate with its chain");
      RETURN_IF_ERROR(ReadBag(sk_PKCS12_SAFEBAG_value(bags.get(), i)));
    }
    return absl::OkStatus();
  }

  absl::Status ReadBag(const PKCS12_SAFEBAG* bag) {
    switch (PKCS12_SAFEBAG_get_nid(bag)) {
      case NID_keyBag:
        return AddKey(PKCS12_SAFEBAG_get0_p8inf(bag));
      case NID_pkcs8ShroudedKeyBag: {
        const X509_ALGOR* algorithm = nullptr;
        X509_SIG_get0(PKCS12_SAFEBAG_get0_pkcs8(bag), &algorithm, nullptr);
        const Encryption encryption = EncryptionOf(algorithm);
        if (!encryption.bearable) return TooCostly();
        const Pkcs12Ptr<PKCS8_PRIV_KEY_INFO> key(PKCS12_decrypt_skey(bag, password_, password_size_));
        if (key == nullptr) return CannotDecrypt(encryption);
        return AddKey(key.get());
      }
      case NID_certBag: {
        if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate) return absl::OkStatus();
        OpensslPtr<X509> certificate(PKCS12_SAFEBAG_get1_cert(bag));
        if (certificate == nullptr) return Refuse("a certificate in the PKCS#12 file cannot be read");
        certificates.push_back(std::move(certificate));
        if (certificates.size() > kSmimeChainMax) {
          return Refuse(absl::StrCat("the PKCS#12 file holds more than ", kSmimeChainMax,
                                     " certificates; export one certificate with its chain"));
        }
        return absl::OkStatus();
      }
      default:
        return absl::OkStatus();  // revocation lists and secrets are of no use here
    }
  }

  absl::Status AddKey(const PKCS8_PRIV_KEY_INFO* info) {
    OpensslPtr<EVP_PKEY> key(info == nullptr ? nullptr : EVP_PKCS82PKEY(info));
    if (key == nullptr) return Refuse("the private key in the PKCS#12 file cannot be read");
    keys.push_back(std::move(key));
    if (keys.size() > kKeysMax) return Refuse("the PKCS#12 file holds several private keys; export one");
    return absl::OkStatus();
  }

  const char* const password_;
  const int password_size_;
  int bags_ = 0;
};

absl::Status CheckKey(EVP_PKEY* key) {
  const int bits = EVP_PKEY_get_bits(key);
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
      if (bits >= kSmimeRsaBitsMin) return absl::OkStatus();
      return Refuse(absl::StrCat("the key has ", bits, " bits; mail programs trust ", kSmimeRsaBitsMin,
                                 " or more: get a certificate for a longer key"));
    case EVP_PKEY_EC:
      if (bits >= kSmimeEcBitsMin) return absl::OkStatus();
      return Refuse(absl::StrCat("the key is on a curve of ", bits, " bits; get a certificate for P-256 or P-384"));
    default:
      return Refuse(
          "the key is neither RSA nor ECDSA; mail programs know these two: get a certificate for one of them");
  }
}

// The certificate that belongs to one of the keys, put first; its key.
absl::StatusOr<EVP_PKEY*> MatchKey(Reader* reader) {
  for (const OpensslPtr<EVP_PKEY>& key : reader->keys) {
    for (OpensslPtr<X509>& certificate : reader->certificates) {
      if (X509_check_private_key(certificate.get(), key.get()) != 1) continue;
      std::swap(certificate, reader->certificates.front());
      return key.get();
    }
  }
  return Refuse("the private key does not belong to a certificate in the PKCS#12 file; export both together");
}

absl::StatusOr<SmimeIdentity> Identify(Reader* reader, absl::Time now) {
  if (reader->keys.empty()) {
    return Refuse("the PKCS#12 file holds no private key; export it where the key was made, with the private key");
  }
  if (reader->certificates.empty()) return Refuse("the PKCS#12 file holds no certificate; export it with the key");
  ASSIGN_OR_RETURN(EVP_PKEY* const key, MatchKey(reader));
  RETURN_IF_ERROR(CheckKey(key));
  X509* const certificate = reader->certificates.front().get();
  SmimeIdentity out;
  out.addresses = AddressesOf(certificate);
  if (out.addresses.empty()) {
    return Refuse("the certificate names no e-mail address; get one that is issued for the From address");
  }
  if (!MaySignMail(certificate)) {
    return Refuse("the certificate is not for signing mail (its key usage says otherwise); get an S/MIME certificate");
  }
  if (const absl::Status valid = CheckValidity(certificate, now); !valid.ok()) return Refuse(Sv(valid.message()));

  out.subject = NameOf(X509_get_subject_name(certificate));
  out.issuer = NameOf(X509_get_issuer_name(certificate));
  out.not_before = TimeOf(X509_get0_notBefore(certificate));
  out.not_after = TimeOf(X509_get0_notAfter(certificate));
  out.fingerprint = FingerprintOf(certificate);
  out.private_key_pem = PrivateKeyToPem(key);
  const OpensslPtr<BIO> chain(BIO_new(BIO_s_mem()));
  for (const OpensslPtr<X509>& one : reader->certificates) {
    if (chain == nullptr || PEM_write_bio_X509(chain.get(), one.get()) != 1) {
      return Refuse("a certificate in the PKCS#12 file cannot be read");
    }
  }
  out.chain_pem = BioText(chain.get());
  if (out.private_key_pem.empty()) return Refuse("the private key in the PKCS#12 file cannot be read");
  ERR_clear_error();
  return out;
}

}  // namespace

absl::StatusOr<SmimeIdentity> ReadPkcs12(std::string_view der, const std::string& password, absl::Time now) {
  if (der.empty()) return Refuse("the PKCS#12 file is empty");
  if (der.size() > kPkcs12BytesMax) {
    return Refuse(absl::StrCat("that is no PKCS#12 file of one certificate: longer than ", kPkcs12BytesMax, " bytes"));
  }
  if (der.find("-----BEGIN ") != std::string_view::npos) {
    return Refuse(
        "that is PEM text, not PKCS#12; convert it: openssl pkcs12 -export -inkey key.pem -in certificate.pem "
        "-certfile chain.pem -out new.p12");
  }
  const unsigned char* at = reinterpret_cast<const unsigned char*>(der.data());
  const Pkcs12Ptr<PKCS12> file(d2i_PKCS12(nullptr, &at, static_cast<long>(der.size())));
  if (file == nullptr) return Refuse("that is no PKCS#12 file (.p12 or .pfx); a certificate alone cannot sign");

  const char* used = password.c_str();
  int used_size = static_cast<int>(password.size());
  if (PKCS12_mac_present(file.get()) == 1) {
    const ASN1_INTEGER* iterations = nullptr;
    PKCS12_get0_mac(nullptr, nullptr, nullptr, &iterations, file.get());
    if (!IsBearable(iterations)) return TooCostly();
    bool right = PKCS12_verify_mac(file.get(), used, used_size) == 1;
    if (!right && password.empty()) {  // an empty password and none are two things to PKCS#12
      used = nullptr;
      used_size = 0;
      right = PKCS12_verify_mac(file.get(), used, used_size) == 1;
    }
    if (!right) return Refuse("the password of the PKCS#12 file is wrong");
  }
  Reader reader(used, used_size);
  RETURN_IF_ERROR(reader.Read(file.get()));
  return Identify(&reader, now);
}

}  // namespace wavepost
