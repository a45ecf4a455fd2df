// The body of a message/delivery-status part (RFC 3464 section 2; RFC 6533 for its UTF-8 form): groups of fields.
#pragma once

#include <string_view>
#include <vector>

#include "bouncer/report/report.h"

namespace wavepost {

// Appends a ReportedRecipient for each group that speaks of a recipient, up to kReportRecipientsMax in `out`
// altogether; returns false if there were more. Lines end with LF or CRLF. Lenient, as senders of reports are careless:
// unknown fields and lines that are no field are skipped; a repeated Final-Recipient starts a new group even without
// the blank line.
bool ParseStatusFields(std::string_view text, std::vector<ReportedRecipient>* out);

}  // namespace wavepost
