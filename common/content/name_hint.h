// Guesses which of the names that exist somebody meant by one that does not. Part of template.h; not for others.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wavepost {

// The candidate nearest to `name`: the same but for upper and lower case, or at most two letters away (one for names of
// two or three letters). Nothing if there is none.
std::optional<std::string_view> NearestName(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace wavepost
