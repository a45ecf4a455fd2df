// DKIM signing (RFC 6376, RFC 8301, RFC 8463): rsa-sha256 and ed25519-sha256, relaxed/relaxed, no l=.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace wavepost {

inline constexpr int kDkimKeyBitsMin = 2048;
inline constexpr int kDkimKeyBitsMax = 4096;
inline constexpr size_t kDkimSignersMax = 8;  // signatures on one message

// The relaxed body hash, base64 (bh=): SHA-256 over CanonBody, computed without a copy of the body. Shared by all
// signatures of a message, and by all messages whose body is the same.
std::string DkimBodyHash(std::string_view body);

// One domain, selector and private key, parsed once. Immutable; any thread. Signing costs what the key's operation
// costs: about 0.35 ms for RSA-2048, 0.06 ms for Ed25519.
class DkimSigner {
 public:
  // Errors: kInvalidArgument (bad domain or selector, not an unencrypted RSA or Ed25519 key in PEM, RSA too short or
  //         too long). The key never stands in a message.
  static absl::StatusOr<std::shared_ptr<const DkimSigner>> Create(std::string domain, std::string selector,
                                                                  std::string_view private_key_pem);
  virtual ~DkimSigner() = default;

  virtual const std::string& domain() const = 0;
  virtual const std::string& selector() const = 0;
  // "rsa-sha256" or "ed25519-sha256".
  virtual std::string_view algorithm() const = 0;

 protected:
  friend absl::StatusOr<std::string> DkimSign(const std::vector<std::shared_ptr<const DkimSigner>>& signers,
                                              std::string_view headers, std::string_view body_hash, absl::Time now);
  // Signs what `input` holds: canonical header fields, then this signature's own field without its b= value.
  // Returns the signature's bytes.
  virtual absl::StatusOr<std::string> SignBytes(std::string_view input) const = 0;
};

// One whole field per signer, "DKIM-Signature: ...\r\n", folded, the last signer's on top; to be put on top of
// `headers`. The header fields are split and made canonical once for all of them.
//
// Signed are From, To, Subject, Date, Message-ID, Reply-To, MIME-Version, Content-Type, Content-Transfer-Encoding,
// List-Unsubscribe, List-Unsubscribe-Post (RFC 8058 section 4), List-Id, Feedback-ID, Auto-Submitted where present;
// From, To, Subject, Date, Reply-To, Message-ID, MIME-Version, Content-Type and List-Unsubscribe(-Post) once more than
// they are present, so that one that is added on the way breaks the signature (section 8.15).
//
// headers: the message's fields, without the blank line behind them.
// Errors:  kInvalidArgument (no From, more than kDkimSignersMax), kInternal (OpenSSL).
absl::StatusOr<std::string> DkimSign(const std::vector<std::shared_ptr<const DkimSigner>>& signers,
                                     std::string_view headers, std::string_view body_hash, absl::Time now);

}  // namespace wavepost
