// Certificates made on the spot, for TLS tests: good, expired, of the wrong name, of nobody's trust.
#pragma once

#include <asio/ssl/context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "sender/tls/tls_demand.h"

namespace wavepost {

struct IssuedCertificate {
  std::string certificate_pem;
  std::string key_pem;
  std::string certificate_der, public_key_der;
};

struct IssuedCertificateSpec {
  std::vector<std::string> names;  // DNS names in subjectAltName
  bool is_ca = false;
  bool expired = false;
  const IssuedCertificate* issuer = nullptr;  // null: signed by itself
};

// Crashes if OpenSSL cannot.
IssuedCertificate IssueCertificate(const IssuedCertificateSpec& spec);

// A server that shows `chain`, the leaf first, with the leaf's key.
std::shared_ptr<asio::ssl::context> TestServerContext(const std::vector<IssuedCertificate>& chain);

// selector 1, matching 1: SHA-256 of the public key.
TlsaRecord TlsaOf(const IssuedCertificate& certificate, int usage);

}  // namespace wavepost
