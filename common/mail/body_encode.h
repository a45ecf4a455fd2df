// Content-Transfer-Encodings for text (RFC 2045 section 6): picks the plainest that is safe, and applies it.
//
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace wavepost {

enum class TransferEncoding { k7Bit, kQuotedPrintable, kBase64 };

// "7bit", "quoted-printable", "base64".
std::string_view TransferEncodingName(TransferEncoding encoding);

size_t CountNonAscii(std::string_view text);

// Whether each line of ASCII text with CRLF line ends arrives unchanged everywhere: at most 998 bytes, no blanks at its
// end, no control characters, not like an mbox separator or a MIME boundary of ours ("--=_").
bool IsPlain(std::string_view text);

// What the choice depends on. Of pieces, it adds up.
struct TextScan {
  size_t bytes = 0;
  size_t non_ascii = 0;
  bool plain = true;  // IsPlain; of no meaning if there is more than ASCII

  void Add(const TextScan& other) {
    bytes += other.bytes;
    non_ascii += other.non_ascii;
    plain = plain && other.plain;
  }
};

// `text` has CRLF line ends.
TextScan ScanText(std::string_view text);

// For UTF-8 text with CRLF line ends: 7bit if it is plain ASCII, otherwise quoted-printable, which stays readable, or
// base64 where that is shorter.
TransferEncoding ChooseEncoding(const TextScan& scan);
TransferEncoding ChooseEncoding(std::string_view text);

// Appends `text` encoded, ending with CRLF unless `text` is empty and no 7bit. Quoted-printable and base64 never
// contain "=_", so that a boundary that starts so can stand in none of the three.
void AppendEncoded(std::string_view text, TransferEncoding encoding, std::string* out);

// Quoted-printable of a text that comes in pieces, cut anywhere. Pieces that are there again and again can be encoded
// once, and are then put behind whatever came before: at the price of a soft line break.
class QuotedPrintableWriter {
 public:
  struct EncodedPiece {
    std::string encoded;
    size_t end_column = 0;              // of the line that it leaves open
    bool blank_last = false;            // that line ends with a blank, which must not be the last
    bool starts_with_line_end = false;  // needs no soft break in front
  };

  // Appends to `*out`, which must outlive this and be left alone until Finish.
  explicit QuotedPrintableWriter(std::string* out) : out_(out) {}

  // `text` has CRLF line ends.
  void Add(std::string_view text);
  void Add(const EncodedPiece& piece);

  // Ends the last line, if it is open.
  void Finish();

  static EncodedPiece Encode(std::string_view text);

 private:
  std::string* const out_;
  size_t column_ = 0;
  bool blank_last_ = false;
};

}  // namespace wavepost
