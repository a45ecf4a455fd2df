#include "tests/testnet/certificate.h"

#include <openssl/asn1.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "absl/status/status.h"

namespace wavepost::testnet {
namespace {

constexpr long kValidSeconds = 30L * 24 * 3600;

using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using X509Ptr = std::unique_ptr<X509, decltype(&X509_free)>;

}  // namespace

absl::StatusOr<std::unique_ptr<asio::ssl::context>> MakeSelfSignedContext(const std::string& name) {
  const absl::Status failed = absl::InternalError("OpenSSL could not make a self-signed certificate");
  KeyPtr key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  X509Ptr certificate(X509_new(), &X509_free);
  if (!key || !certificate) return failed;
  X509* x509 = certificate.get();
  X509_set_version(x509, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x509), kValidSeconds);
  X509_NAME* subject = X509_get_subject_name(x509);
  const auto* bytes = reinterpret_cast<const unsigned char*>(name.data());
  if (X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, bytes, static_cast<int>(name.size()), -1, 0) != 1 ||
      X509_set_issuer_name(x509, subject) != 1 || X509_set_pubkey(x509, key.get()) != 1 ||
      X509_sign(x509, key.get(), EVP_sha256()) == 0) {
    return failed;
  }
  auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
  SSL_CTX* native = context->native_handle();
  if (SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION) != 1 || SSL_CTX_use_certificate(native, x509) != 1 ||
      SSL_CTX_use_PrivateKey(native, key.get()) != 1) {
    return failed;
  }
  return context;
}

}  // namespace wavepost::testnet
