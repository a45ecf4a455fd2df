// How many hosts a message has passed.
#pragma once

#include <string_view>

namespace wavepost {

// Received fields in the header of `message` (its beginning is enough). Pure.
int CountHops(std::string_view message);

}  // namespace wavepost
