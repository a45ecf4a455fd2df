// Header fields as foreign mail has them: folded, encoded (RFC 2047), in bytes of any charset, or not at all.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "bouncer/report/document.h"

namespace wavepost {

// Adds one field as it stands in the mail: `name` without its colon, `raw` still folded. False if there were
// kHeaderFieldsMax already (nothing is added).
bool AddHeaderField(std::string_view name, std::string_view raw, HeaderFields* fields);

// Adds the fields at the start of `text` (LF or CRLF), up to the first blank line; lines that are no field are skipped.
// Returns how many bytes of `text` belong to them, the blank line included; 0 if the first line that is not blank is no
// field. complete: false if there were too many; not touched otherwise. May be null.
size_t ReadHeaderBlock(std::string_view text, HeaderFields* fields, bool* complete);

// "Name: value" or "Name:" with a name as RFC 5322 section 2.2 has it, and not a mere word ("http://...").
bool IsHeaderLine(std::string_view line);

// Undoes RFC 2047 words and foreign charsets; one line of printable UTF-8, at most `bytes_max` bytes.
std::string DecodeHeaderValue(std::string_view raw, size_t bytes_max);

}  // namespace wavepost
