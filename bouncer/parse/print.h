// What a mail was read as, in lines for scripts or for people.
#pragma once

#include <string>
#include <string_view>

#include "bouncer/reading/reading.h"

namespace wavepost {

// One JSON object per finding, each with its line end:
// {"path","recipient","status","action","class","reason","fault"}; a recipient that is not known is null. explain: also
// "rule", "format" and "text".
std::string JsonLines(std::string_view path, const Reading& reading, bool explain);

// A block of lines, with an empty one at its end.
std::string ForPeople(std::string_view path, const Reading& reading, bool explain);

}  // namespace wavepost
