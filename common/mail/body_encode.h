// Content-Transfer-Encodings for text (RFC 2045 section 6): picks the plainest that is safe, and applies it.
//
// In 7bit and quoted-printable each line is encoded by itself: pieces of a text that end at line ends may be scanned
// and encoded one by one, and what comes out is as if they had been one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace wavepost {

enum class TransferEncoding { k7Bit, kQuotedPrintable, kBase64 };

// "7bit", "quoted-printable", "base64".
std::string_view TransferEncodingName(TransferEncoding encoding);

// What the choice depends on. Of pieces, it adds up.
struct TextScan {
  size_t bytes = 0;
  size_t non_ascii = 0;  // bytes
  bool plain = true;     // lines that arrive unchanged everywhere, as long as there are no bytes beyond ASCII

  void Add(const TextScan& other) {
    bytes += other.bytes;
    non_ascii += other.non_ascii;
    plain = plain && other.plain;
  }
};

// `text` has CRLF line ends.
TextScan ScanText(std::string_view text);

// For UTF-8 text with CRLF line ends. 7bit only if it arrives unchanged everywhere: ASCII, lines of at most 998 bytes,
// no blanks at their ends, none that starts like an mbox separator or a MIME boundary of ours ("--=_"). Otherwise
// quoted-printable, which stays readable, or base64 where that is shorter.
TransferEncoding ChooseEncoding(const TextScan& scan);
TransferEncoding ChooseEncoding(std::string_view text);

// Appends `text` encoded, ending with CRLF unless `text` is empty and no 7bit. Quoted-printable and base64 never
// contain "=_", so that a boundary that starts so can stand in none of the three.
void AppendEncoded(std::string_view text, TransferEncoding encoding, std::string* out);

}  // namespace wavepost
