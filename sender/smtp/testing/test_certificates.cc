#include "sender/smtp/testing/test_certificates.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <asio/buffer.hpp>

#include "common/base/check.h"

namespace wavepost {
namespace {

constexpr long kDaySeconds = 24 * 60 * 60;

template <class Write>
std::string ToPem(Write write) {
  BIO* bio = BIO_new(BIO_s_mem());
  WP_CHECK(write(bio) == 1);
  char* bytes = nullptr;
  const long count = BIO_get_mem_data(bio, &bytes);
  std::string out(bytes, static_cast<size_t>(count));
  BIO_free(bio);
  return out;
}

void AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  WP_CHECK(extension != nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

template <class T>
T* FromPem(const std::string& pem, T* (*read)(BIO*, T**, pem_password_cb*, void*)) {
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  T* out = read(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  WP_CHECK(out != nullptr);
  return out;
}

}  // namespace

IssuedCertificate IssueCertificate(const IssuedCertificateSpec& spec) {
  static long serial = 1;
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -10 * kDaySeconds);
  X509_gmtime_adj(X509_getm_notAfter(certificate), spec.expired ? -kDaySeconds : 10 * kDaySeconds);
  X509_set_pubkey(certificate, key);
  const std::string common_name = spec.is_ca ? "Test CA" : "test host";
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0);
  X509* issuer = spec.issuer == nullptr ? certificate : FromPem(spec.issuer->certificate_pem, PEM_read_bio_X509);
  EVP_PKEY* issuer_key = spec.issuer == nullptr ? key : FromPem(spec.issuer->key_pem, PEM_read_bio_PrivateKey);
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  if (spec.is_ca) {
    AddExtension(certificate, issuer, NID_basic_constraints, "critical,CA:TRUE");
    AddExtension(certificate, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
  }
  std::string names;
  for (const std::string& name : spec.names) names += (names.empty() ? "DNS:" : ",DNS:") + name;
  if (!names.empty()) AddExtension(certificate, issuer, NID_subject_alt_name, names);
  WP_CHECK(X509_sign(certificate, issuer_key, EVP_sha256()) > 0);

  IssuedCertificate out;
  out.certificate_pem = ToPem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
  out.key_pem =
      ToPem([&](BIO* bio) { return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr); });
  out.certificate_der = ToPem([&](BIO* bio) { return i2d_X509_bio(bio, certificate); });
  out.public_key_der = ToPem([&](BIO* bio) { return i2d_PUBKEY_bio(bio, key); });
  if (issuer != certificate) {
    X509_free(issuer);
    EVP_PKEY_free(issuer_key);
  }
  X509_free(certificate);
  EVP_PKEY_free(key);
  return out;
}

std::shared_ptr<asio::ssl::context> TestServerContext(const std::vector<IssuedCertificate>& chain) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  std::string pem;
  for (const IssuedCertificate& certificate : chain) pem += certificate.certificate_pem;
  asio::error_code error;
  context->use_certificate_chain(asio::buffer(pem), error);
  WP_CHECK(!error);
  context->use_private_key(asio::buffer(chain.front().key_pem), asio::ssl::context::pem, error);
  WP_CHECK(!error);
  return context;
}

TlsaRecord TlsaOf(const IssuedCertificate& certificate, int usage) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(certificate.public_key_der.data()), certificate.public_key_der.size(),
         digest);
  TlsaRecord record;
  record.usage = usage;
  record.selector = 1;
  record.matching = 1;
  record.data.assign(reinterpret_cast<const char*>(digest), sizeof digest);
  return record;
}

}  // namespace wavepost
