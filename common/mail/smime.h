// S/MIME: reads a PKCS#12 file (RFC 7292), signs a MIME entity (RFC 8551, multipart/signed, CMS of RFC 5652).
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace wavepost {

inline constexpr size_t kPkcs12BytesMax = 256 * 1024;
inline constexpr size_t kSmimeChainMax = 10;  // certificates
inline constexpr int kSmimeRsaBitsMin = 2048;

// What a PKCS#12 file holds.
struct SmimeIdentity {
  std::vector<std::string> addresses;  // normalized; rfc822Name and the subject's emailAddress, each once
  std::string subject;                 // RFC 2253
  std::string issuer;
  absl::Time not_before;
  absl::Time not_after;
  std::string fingerprint;      // SHA-256 of the certificate's DER, 64 lower case hexadecimal digits
  std::string private_key_pem;  // PKCS #8, not encrypted. Secret.
  std::string chain_pem;        // the certificate, then what else the file holds
};

// Errors: kInvalidArgument with a sentence that says which and what to do: wrong password, no PKCS#12 (PEM is named as
//         such), older encryption that OpenSSL 3 no longer reads (how to convert), no private key, key and certificate
//         do not belong together, key too short, no e-mail address, key usage without e-mail signing, not yet valid,
//         expired. Neither password nor key ever stand in a message.
absl::StatusOr<SmimeIdentity> ReadPkcs12(std::string_view der, const std::string& password, absl::Time now);

// A signed entity: what stands in the message's header and below it.
struct SmimeSigned {
  std::string content_headers;  // "Content-Type: multipart/signed; ...\r\n"
  std::string body;
};

// One key and chain, parsed once. Immutable; any thread.
class SmimeSigner {
 public:
  // Errors: kInvalidArgument (PEM that cannot be read, key and certificate that do not belong together).
  static absl::StatusOr<std::shared_ptr<const SmimeSigner>> Create(std::string_view private_key_pem,
                                                                   std::string_view chain_pem);
  virtual ~SmimeSigner() = default;

  virtual absl::Time not_after() const = 0;

  // content_headers and body: a MIME entity in 7 bits with CRLF line ends, as it would stand in a message. It becomes
  // the first part unchanged; the second is smime.p7s (detached, SHA-256, with chain and signing time `now`).
  // Errors: kFailedPrecondition (the certificate is not valid at `now`), kInternal (OpenSSL).
  virtual absl::StatusOr<SmimeSigned> Sign(std::string_view content_headers, std::string_view body,
                                           absl::Time now) const = 0;
};

}  // namespace wavepost
