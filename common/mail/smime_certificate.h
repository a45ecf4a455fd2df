// What S/MIME asks of a certificate (RFC 8550), shared by reading and signing.
#pragma once

#include <openssl/x509.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace wavepost {

// absl::InfinitePast() if it cannot be read.
absl::Time TimeOf(const ASN1_TIME* time);

// RFC 2253, UTF-8, no control characters.
std::string NameOf(const X509_NAME* name);

// rfc822Name and the subject's emailAddress, normalized, each once; what is no address is left out.
std::vector<std::string> AddressesOf(X509* certificate);

// SHA-256 of the DER, 64 lower case hexadecimal digits; empty if OpenSSL refuses.
std::string FingerprintOf(const X509* certificate);

// Errors: kFailedPrecondition (not yet valid, expired) with the day and what to do.
absl::Status CheckValidity(const X509* certificate, absl::Time now);

// Whether its holder may sign mail with it: key usage and extended key usage, where present (RFC 8550 section 4.4).
bool MaySignMail(X509* certificate);

}  // namespace wavepost
