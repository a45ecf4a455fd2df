// What one attempt must see from TLS before it may speak of a message: the decision of the policy, made before the
// connection is opened. Plain data, made by policy_book.h, carried out by sender/smtp.
#pragma once

#include <string>
#include <vector>

#include "common/dns/records.h"

namespace wavepost {

struct TlsDemand {
  enum class Level {
    kNever,          // configured off
    kOpportunistic,  // used where offered, peer not verified (RFC 7435)
    kEncrypted,      // required, peer not verified
    kVerified,       // required, chain to the trusted roots and name must fit (MTA-STS, RFC 8461 section 4)
    kDane,           // required, peer must match `tlsa` (RFC 7672)
  };
  Level level = Level::kOpportunistic;
  std::vector<std::string> names;  // kVerified, kDane-TA: names that the certificate may bear
  std::vector<TlsaRecord> tlsa;    // kDane
  std::string source;              // for people: "opportunistic", "configured", "MTA-STS enforce", "DANE"
  // MTA-STS "testing": carried out as kOpportunistic, but reported as if it were kVerified.
  bool testing = false;
};

// How the TLS part of a session went, for the outcome and for TLS-RPT (RFC 8460 section 4.3).
struct TlsOutcome {
  bool encrypted = false;
  std::string protocol_and_cipher;  // "TLSv1.3 TLS_AES_256_GCM_SHA384"; empty: clear text
  std::string verified_by;          // "": not verified, "PKIX", "DANE-EE", "DANE-TA"
  // RFC 8460 section 4.3 result type, e.g. "starttls-not-supported", "certificate-host-mismatch"; empty: success.
  std::string failure_type;
  std::string failure_detail;  // for people, printable
};

}  // namespace wavepost
