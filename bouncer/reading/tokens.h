// Our own tokens wherever a mail that came back may carry them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bouncer/report/document.h"

namespace wavepost {

inline constexpr size_t kTokensMax = 10;

// Reading::tokens: local parts "b+TOKEN" and "u+TOKEN" in lower case, unchecked, without repetitions. From addresses in
// the mail's own header, the feedback report and the original's header, also where a forwarder has wrapped the address
// (SRS, BATV); and from the end of a List-Unsubscribe URL, as "u+TOKEN".
std::vector<std::string> FindTokens(const Document& document);

}  // namespace wavepost
