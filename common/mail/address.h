// Mail addresses: RFC 5321 section 4.1.2 (Mailbox) with RFC 6531 (UTF-8) and IDNA2008 domains.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace wavepost {

inline constexpr size_t kLocalPartBytesMax = 64;  // RFC 5321 section 4.5.3.1.1
inline constexpr size_t kDomainBytesMax = 253;    // 255 on the DNS wire (4.5.3.1.2), without the root's two
inline constexpr size_t kAddressBytesMax = 254;   // a path is 256 with its brackets (4.5.3.1.3)

// An address in its one normal form: two spellings of the same mailbox compare equal, except for the letter case of
// the local part, which belongs to the receiver.
struct Address {
  std::string local;            // quoted only where it has to be
  std::string domain;           // A-labels, lower case, no final dot
  bool needs_smtputf8 = false;  // the local part has non-ASCII characters: only an SMTPUTF8 server can take it

  std::string ToString() const;
};

// Parses a bare address: no display name, angle brackets, comments, or white space round it, no address literal.
//
// Errors: kInvalidArgument with one plain sentence that a person with a spreadsheet understands.
absl::StatusOr<Address> ParseAddress(std::string_view text);

// Parses a domain as it stands behind the @, with at least two labels; returns its A-labels in lower case.
// Errors: as ParseAddress.
absl::StatusOr<std::string> ParseDomain(std::string_view text);

// The form in which addresses are matched against suppressions: A-Z folded in the local part too, since a person who
// wrote from Jane@ meant jane@ as well. Never an address to send to.
std::string SuppressionKey(std::string_view normalized_address);

}  // namespace wavepost
