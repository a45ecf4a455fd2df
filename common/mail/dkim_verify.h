// DKIM verification (RFC 6376 section 6, RFC 8463) for the testnet and for tests. All input is hostile.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"

namespace wavepost {

inline constexpr size_t kDkimHeaderBytesMax = 256 * 1024;
inline constexpr size_t kDkimBodyBytesMax = 64 * (1 << 20);
inline constexpr size_t kDkimFieldsMax = 1000;
inline constexpr size_t kDkimSignaturesMax = 10;  // checked per message; more are ignored
inline constexpr size_t kDkimSignedNamesMax = 200;

enum class DkimResult {
  kNone,        // the message has no signature
  kPass,        // body and header are what the domain signed
  kFail,        // they are not, or the signature has expired
  kKeyMissing,  // no such record in the DNS
  kKeyBad,      // revoked, malformed, too short, or not for this use
  kMalformed,   // the signature cannot be read, or uses what RFC 8301 forbids, or the message is beyond the limits
};

// "pass", "fail"...: one word for ledgers.
std::string_view DkimResultName(DkimResult result);

struct DkimCheck {
  DkimResult result = DkimResult::kNone;
  std::string detail;     // one sentence for people
  std::string domain;     // d= of the signature that decided
  std::string selector;   // s=
  std::string algorithm;  // a=: "rsa-sha256" or "ed25519-sha256"; empty if it could not be read
};

// The TXT record at `name` ("SELECTOR._domainkey.DOMAIN"), its strings joined; nothing if there is none.
using DkimTxtLookup = std::function<std::optional<std::string>(const std::string& name)>;

// Checks a whole message (CRLF line ends). With several signatures the first that passes decides, else the first.
// now: compared with x=; absent: signatures do not expire.
DkimCheck VerifyDkim(std::string_view message, const DkimTxtLookup& txt, std::optional<absl::Time> now = std::nullopt);

// The same for each signature, the topmost first, at most kDkimSignaturesMax. Empty if there is none; one entry with
// kMalformed if the message is beyond the limits.
std::vector<DkimCheck> VerifyDkimEach(std::string_view message, const DkimTxtLookup& txt,
                                      std::optional<absl::Time> now = std::nullopt);

}  // namespace wavepost
