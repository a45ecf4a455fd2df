// Content-Transfer-Encodings for text (RFC 2045 section 6): picks the plainest that is safe, and applies it.
#pragma once

#include <string>
#include <string_view>

namespace wavepost {

enum class TransferEncoding { k7Bit, kQuotedPrintable, kBase64 };

// "7bit", "quoted-printable", "base64".
std::string_view TransferEncodingName(TransferEncoding encoding);

// For UTF-8 text with CRLF line ends. 7bit only if it arrives unchanged everywhere: ASCII, lines of at most 998 bytes,
// no blanks at their ends, none that starts like an mbox separator or a MIME boundary of ours ("--=_"). Otherwise
// quoted-printable, which stays readable, or base64 where that is shorter.
TransferEncoding ChooseEncoding(std::string_view text);

// Appends `text` encoded, ending with CRLF. Quoted-printable and base64 never contain "=_", so that a boundary that
// starts so can stand in none of the three.
void AppendEncoded(std::string_view text, TransferEncoding encoding, std::string* out);

}  // namespace wavepost
