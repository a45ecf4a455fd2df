// Who a notice is about, and what it adds to groups of RFC 3464 that say too little.
#pragma once

#include <string>
#include <vector>

#include "bouncer/formats/mentions.h"
#include "bouncer/formats/notice.h"
#include "bouncer/report/document.h"

namespace wavepost {

// The addresses that failed, in the order of the notice, without repetitions, at most kReportRecipientsMax. In the
// order of trust: X-Failed-Recipients, addresses that the notice puts at the start of lines or names as failed, those
// behind a label, the only recipient of the original, the only address that is nobody else's. Empty: none of these.
std::vector<std::string> FailedAddresses(const Document& document, const Notice& notice,
                                         const std::vector<Mention>& mentions);

// Gives groups without a usable address one, groups that say little the text beside them as context, and makes one of
// several groups about the same address: the one that says the worst.
void CompleteGroups(const Document& document, std::vector<ReportedRecipient>* groups);

}  // namespace wavepost
