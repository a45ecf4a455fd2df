// What somebody probably meant who wrote an SPF record that cannot be read. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace wavepost {

// A term that can be read; nothing: no idea. text: one that ParseSpfTerm refuses.
std::optional<std::string> GuessSpfTerm(std::string_view text);

}  // namespace wavepost
