#include "common/mail/smime_certificate.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "common/mail/address.h"
#include "common/mail/openssl_ptr.h"

namespace wavepost {
namespace {

constexpr int kAddressesMax = 100;
constexpr size_t kNameBytesMax = 1024;

std::string Day(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d %H:%M UTC", time, absl::UTCTimeZone());
}

}  // namespace

absl::Time TimeOf(const ASN1_TIME* time) {
  std::tm tm = {};
  if (time == nullptr || ASN1_TIME_to_tm(time, &tm) != 1) return absl::InfinitePast();
  return absl::FromTM(tm, absl::UTCTimeZone());
}

std::string NameOf(const X509_NAME* name) {
  const OpensslPtr<BIO> bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0) return "";
  return Printable(BioText(bio.get()), kNameBytesMax);
}

std::vector<std::string> AddressesOf(X509* certificate) {
  std::vector<std::string> out;
  STACK_OF(OPENSSL_STRING)* const found = X509_get1_email(certificate);
  for (int i = 0; i < std::min(sk_OPENSSL_STRING_num(found), kAddressesMax); ++i) {
    const absl::StatusOr<Address> address = ParseAddress(sk_OPENSSL_STRING_value(found, i));
    if (!address.ok()) continue;
    std::string text = address->ToString();
    if (std::find(out.begin(), out.end(), text) == out.end()) out.push_back(std::move(text));
  }
  X509_email_free(found);
  ERR_clear_error();
  return out;
}

std::string FingerprintOf(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) return "";
  return absl::BytesToHexString({reinterpret_cast<const char*>(digest.data()), size});
}

absl::Status CheckValidity(const X509* certificate, absl::Time now) {
  const absl::Time not_before = TimeOf(X509_get0_notBefore(certificate));
  const absl::Time not_after = TimeOf(X509_get0_notAfter(certificate));
  if (now < not_before) {
    return absl::FailedPreconditionError(
        absl::StrCat("the certificate is valid from ", Day(not_before), " only; wait until then, or use another"));
  }
  if (now > not_after) {
    return absl::FailedPreconditionError(
        absl::StrCat("the certificate expired on ", Day(not_after), "; get a new one from its issuer and upload that"));
  }
  return absl::OkStatus();
}

bool MaySignMail(X509* certificate) {
  // UINT32_MAX where the certificate says nothing.
  const uint32_t usage = X509_get_key_usage(certificate);
  const uint32_t extended = X509_get_extended_key_usage(certificate);
  return (usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0 && (extended & (XKU_SMIME | XKU_ANYEKU)) != 0 &&
         (X509_get_extension_flags(certificate) & EXFLAG_INVALID) == 0;
}

}  // namespace wavepost
