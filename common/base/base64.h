// Base64 (RFC 4648 section 4) and base32 in lower case without padding (section 6).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace wavepost {

std::string Base64Encode(std::string_view bytes);

// Nothing on a character outside the alphabet or a wrong length. White space is not skipped.
std::optional<std::string> Base64Decode(std::string_view text);

// Lower case, no padding: survives mail systems that fold the case of a local part.
std::string Base32Encode(std::string_view bytes);

// Accepts either case. Nothing on a foreign character, a wrong length or bits left over that are not zero.
std::optional<std::string> Base32Decode(std::string_view text);

}  // namespace wavepost
