// Feedback reports: RFC 5965 (ARF), and those who complain without it.
#pragma once

#include <vector>

#include "bouncer/classify/classify.h"
#include "bouncer/report/document.h"

namespace wavepost {

inline constexpr size_t kComplaintRecipientsMax = 10;

// One finding per complaining recipient, or one without an address where the report has blotted it out:
//   abuse, fraud, virus, other, and types that are not known  -> COMPLAINT
//   opt-out, opt-out-list, unsubscribe                        -> UNSUBSCRIBE
//   not-spam, auth-failure, dmarc                             -> NOT_A_BOUNCE
// Empty: the mail is no feedback report.
std::vector<Finding> ReadComplaint(const Document& document);

}  // namespace wavepost
