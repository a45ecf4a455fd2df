// What OpenSSL found wrong with a certificate, in the words of RFC 8460. Pure.
#pragma once

#include <string_view>

namespace wavepost {

// Result types of RFC 8460 section 4.3 that the client gives.
inline constexpr std::string_view kTlsNotOffered = "starttls-not-supported";
inline constexpr std::string_view kTlsHostMismatch = "certificate-host-mismatch";
inline constexpr std::string_view kTlsExpired = "certificate-expired";
inline constexpr std::string_view kTlsNotTrusted = "certificate-not-trusted";
inline constexpr std::string_view kTlsValidationFailure = "validation-failure";  // anything else
inline constexpr std::string_view kTlsaInvalid = "tlsa-invalid";                 // no record of the set is usable

// verify_result: X509_V_ERR_..., not X509_V_OK.
std::string_view TlsFailureType(long verify_result);

}  // namespace wavepost
