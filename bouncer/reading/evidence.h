// What is kept of a mail for people: why it came, without whom it was about.
#pragma once

#include <string>
#include <string_view>

#include "bouncer/report/document.h"

namespace wavepost {

inline constexpr size_t kEvidenceBytesMax = 1024;

// An excerpt of the mail's own text, from where it begins to explain (the first line that `diagnostic` or a status code
// stands in, with a little before it), without the original that is quoted below it; blotted as Blot does. Without a
// text: the diagnostic. At most kEvidenceBytesMax bytes, lines end with LF.
std::string MakeEvidence(const Document& document, std::string_view diagnostic);

// Addresses keep their domain ("***@example.com", also where the '@' is written "%40" or "=40"), words that look like
// tokens (24 or more letters and digits, mixed; or the shape of our own, common/mail/verp.h) become "***".
std::string Blot(std::string_view text);

// Only our own tokens: "b+TOKEN@x" becomes "b+***@x". For texts that are kept with their addresses.
std::string BlotTokens(std::string_view text);

}  // namespace wavepost
