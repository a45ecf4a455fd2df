// What a client says: command lines and the message in the form in which DATA and BDAT carry it.
//
// No argument can break out of its line: a control character, or what would end an address early, is an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace wavepost {

struct MailOptions {
  std::optional<uint64_t> size;  // SIZE=, RFC 1870; only when the server offered it
  bool body_8bit = false;        // BODY=8BITMIME, RFC 6152
  bool smtputf8 = false;         // SMTPUTF8, RFC 6531
  bool dsn = false;              // RET=HDRS, and ENVID if there is one, RFC 3461; only when the server offered DSN
  std::string_view envelope_id;  // at most 100 printable ASCII characters; others are left out of the command
};

// All commands end with CRLF.
//
// Errors: kInvalidArgument when the argument holds a control character, NUL, a space, '<' or '>' outside a quoted local
// part, bytes beyond ASCII without SMTPUTF8 (MAIL), or is too long. Nothing of the argument is in the message.

// name: our EHLO name, or an address literal such as "[192.0.2.1]".
absl::StatusOr<std::string> EhloCommand(std::string_view name);
absl::StatusOr<std::string> HeloCommand(std::string_view name);

// return_path: without brackets; empty is the null return path "<>".
absl::StatusOr<std::string> MailCommand(std::string_view return_path, const MailOptions& options);

// address: without brackets. May hold UTF-8: the caller has said SMTPUTF8 in MAIL then.
// dsn: with NOTIFY=FAILURE and ORCPT (RFC 3461, RFC 6533); only when the server offered DSN.
absl::StatusOr<std::string> RcptCommand(std::string_view address, bool dsn = false);

// "BDAT 1000 LAST\r\n"
std::string BdatCommand(uint64_t bytes, bool last);

// Appends the message with canonical line ends: CRLF stays, a lone CR or LF becomes CRLF, the last line is ended.
// For BDAT. O(n), allocates for the output only.
void AppendCanonical(std::string_view message, std::string* out);

// The same for a message that mostly is canonical: it then comes back as it went in, without a copy.
std::string Canonical(std::string message);

// What a message needs before it leaves by DATA.
struct WireScan {
  bool canonical = false;                     // ends with CRLF, and holds no other CR or LF than in CRLF
  size_t first_dot = std::string_view::npos;  // offset of the first dot at the start of a line; npos: none
};
WireScan ScanForWire(std::string_view message);

// Appends a canonical message with its dots doubled, without the final ".\r\n". first_dot: as ScanForWire says.
void AppendStuffed(std::string_view canonical, size_t first_dot, std::string* out);

// As AppendCanonical, with the dots at the start of lines doubled (RFC 5321 section 4.5.2) and the final ".\r\n". What
// comes out always ends with CRLF.CRLF and holds these five bytes nowhere else, nor a lone CR or LF.
void AppendDotStuffed(std::string_view message, std::string* out);
std::string DotStuffed(std::string_view message);

}  // namespace wavepost
