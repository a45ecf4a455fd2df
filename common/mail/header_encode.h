// Writes header fields: the one place where text becomes a header, so that no text can become two.
//
// Encoded words of RFC 2047, parameters of RFC 2231, folding of RFC 5322 section 2.2.3. Whatever the value holds, what
// is appended is one field, ends with CRLF, and has no line above 998 bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace wavepost {

inline constexpr size_t kLineBytesMax = 998;    // RFC 5322 section 2.1.1, without CRLF
inline constexpr size_t kLineBytesWanted = 78;  // the same section's recommendation

// Control characters, line ends among them, become spaces; spaces collapse; none at the ends.
std::string CleanHeaderText(std::string_view value);

// Free text (Subject, Comments, X-...). Encoded if it is not ASCII, or ASCII that a reader would decode, or has a word
// too long for a line. `name` is a valid field name; `value` is UTF-8.
void AppendUnstructured(std::string_view name, std::string_view value, std::string* out);

// A value with a syntax of its own (List-Unsubscribe), where encoded words would be wrong; folded at its spaces.
// Errors: kInvalidArgument if it is not ASCII or has a word too long for a line; `out` is unchanged.
absl::Status AppendStructured(std::string_view name, std::string_view value, std::string* out);

// "Name: Display Name <address>"; `display` may be empty. `address` is normalized (address.h).
void AppendMailbox(std::string_view name, std::string_view display, std::string_view address, std::string* out);

// A parameter of a MIME field on a line of its own: ";\r\n\tname=value", quoted where it has to be, percent-encoded and
// continued over several lines (RFC 2231 sections 3 and 4) where it is not ASCII or too long.
void AppendParameter(std::string_view name, std::string_view value, std::string* out);

// The same for readers that know no RFC 2231: not ASCII becomes encoded words in quotes. Against the letter of RFC 2047
// section 5, but it is what they understand; to be used where AppendParameter says the same in another field.
void AppendWordParameter(std::string_view name, std::string_view value, std::string* out);

}  // namespace wavepost
