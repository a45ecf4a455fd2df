// The returned original where it is no part of its own: quoted in a text.
#pragma once

#include <string_view>

#include "bouncer/report/document.h"

namespace wavepost {

// Finds the header of a mail in a text for people: a block of lines of which at least three are fields that every mail
// has, also when each line is quoted by "> " or indented. The first such block wins. Nothing changes if there is none.
// Time is linear in the text.
void FindOriginalInText(std::string_view text, HeaderFields* original);

}  // namespace wavepost
