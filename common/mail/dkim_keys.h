// Makes DKIM keys and the DNS records for them (RFC 6376 section 3.6.1, RFC 8463 section 4).
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace wavepost {

struct DkimKey {
  std::string private_key_pem;  // PKCS #8, not encrypted
  std::string public_txt;       // "v=DKIM1; k=rsa; p=...", for SELECTOR._domainkey.DOMAIN
};

// Takes about a tenth of a second. bits: kDkimKeyBitsMin to kDkimKeyBitsMax (dkim.h).
// Errors: kInvalidArgument (bits), kInternal (OpenSSL).
absl::StatusOr<DkimKey> MakeRsaKey(int bits = 2048);

// Errors: kInternal (OpenSSL).
absl::StatusOr<DkimKey> MakeEd25519Key();

// The TXT record that belongs to a private key. RSA's is longer than 255 bytes: a zone file splits it into strings.
// Errors: kInvalidArgument (not an unencrypted RSA or Ed25519 key in PEM).
absl::StatusOr<std::string> PublicTxt(std::string_view private_key_pem);

}  // namespace wavepost
