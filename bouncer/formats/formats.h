// Bounces that do not follow RFC 3464, or follow it badly: what is read out of text that was written for people.
#pragma once

#include <vector>

#include "bouncer/report/document.h"

namespace wavepost {

// What the mail reports on, as groups of RFC 3464: one per failed or delayed recipient, at most kReportRecipientsMax.
// This is the way in for readers of mail.
//
// Groups of a status part are taken as they are, with what they lack (a diagnostic, an address that is one) filled in
// from the text beside them. Without such groups: ReadTextBounce. Empty: the mail is no bounce, or none that can be
// read.
std::vector<ReportedRecipient> ReadBounce(const Document& document);

// Only the text: a group per failed (or delayed) recipient with final_recipient (empty if the mail gives none), action
// ("failed" or "delayed"), status if a code stands there, diagnostic, and the name of the format that was recognised.
// Empty: the text is no bounce. Mail that merely talks about bounces is none.
//
// Pure, any thread; time is linear in the text.
std::vector<ReportedRecipient> ReadTextBounce(const Document& document);

}  // namespace wavepost
