// The canonical forms of DKIM (RFC 6376 section 3.4), shared by signer and verifier.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wavepost {

enum class DkimCanon { kSimple, kRelaxed };

// One header field as it stands in a message.
struct HeaderField {
  std::string_view name;
  std::string_view raw;    // name, colon and value with its folding, without the last CRLF
  std::string_view value;  // behind the colon
};

// Splits a header block ("Name: value\r\n"..., folded lines and all) without copying. What has no colon or begins with
// a blank is skipped. At most `fields_max` are returned.
std::vector<HeaderField> SplitHeaderFields(std::string_view headers, size_t fields_max);

// Appends the field's canonical form without CRLF (section 3.4.1, 3.4.2).
void AppendCanonHeader(const HeaderField& field, DkimCanon canon, std::string* out);

// The body's canonical form (section 3.4.3, 3.4.4).
std::string CanonBody(std::string_view body, DkimCanon canon);

}  // namespace wavepost
