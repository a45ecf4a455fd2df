// DKIM signing (RFC 6376, RFC 8301): rsa-sha256, relaxed/relaxed, no l=.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/mail/message.h"

namespace wavepost {

inline constexpr int kDkimKeyBitsMin = 2048;
inline constexpr int kDkimKeyBitsMax = 4096;

// One domain, selector and private key. Immutable; any thread. Signing costs what the RSA operation costs: about a
// quarter of a millisecond for 2048 bits.
class DkimSigner {
 public:
  // Parses the key once.
  // Errors: kInvalidArgument (bad domain or selector, not an unencrypted RSA key in PEM, too short or too long). The
  //         key never stands in a message.
  static absl::StatusOr<std::shared_ptr<const DkimSigner>> Create(std::string domain, std::string selector,
                                                                  std::string_view private_key_pem);
  virtual ~DkimSigner() = default;

  // The whole field, "DKIM-Signature: ...\r\n", folded, to be put on top of the headers.
  //
  // Signs From, To, Subject, Date, Message-ID, MIME-Version, Content-Type, Reply-To, List-Unsubscribe(-Post) and
  // Feedback-ID where present; From, To and Subject once more than they are present, so that a second one added on the
  // way breaks the signature (section 8.15).
  // Errors: kInvalidArgument (no From), kInternal (OpenSSL).
  virtual absl::StatusOr<std::string> Sign(const RenderedMessage& message, absl::Time now) const = 0;
};

}  // namespace wavepost
