// Certificates made on the spot, for tests.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace wavepost {

struct TestCertificate {
  struct Free {
    void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
    void operator()(X509* p) const { X509_free(p); }
  };
  std::unique_ptr<EVP_PKEY, Free> key;
  std::unique_ptr<X509, Free> certificate;
  std::string pem;  // of the certificate: as ca_file it trusts itself
};

// Self-signed, P-256. `dns_name`: the subjectAltName; empty: none. `common_name`: of the subject. Validity in seconds
// from now.
TestCertificate MakeTestCertificate(const std::string& dns_name, const std::string& common_name,
                                    long not_before_s = -3600, long not_after_s = 3600);

}  // namespace wavepost
