#include "sender/tls/testing/test_certificate.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace wavepost {

TestCertificate MakeTestCertificate(const std::string& dns_name, const std::string& common_name, long not_before_s,
                                    long not_after_s) {
  TestCertificate out;
  out.key.reset(EVP_EC_gen("P-256"));
  out.certificate.reset(X509_new());
  X509* x509 = out.certificate.get();
  X509_set_version(x509, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509), not_before_s);
  X509_gmtime_adj(X509_getm_notAfter(x509), not_after_s);
  X509_set_pubkey(x509, out.key.get());
  X509_NAME* name = X509_get_subject_name(x509);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(common_name.c_str()), -1,
                             -1, 0);
  X509_set_issuer_name(x509, name);
  if (!dns_name.empty()) {
    X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, ("DNS:" + dns_name).c_str());
    X509_add_ext(x509, names, -1);
    X509_EXTENSION_free(names);
  }
  X509_sign(x509, out.key.get(), EVP_sha256());
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, x509);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  out.pem.assign(bytes, static_cast<size_t>(size));
  BIO_free(bio);
  return out;
}

}  // namespace wavepost
