// Notifications of Amazon SES as they come by mail when a topic of SNS sends mail: JSON in the text.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bouncer/report/document.h"

namespace wavepost {

struct SesNotification {
  enum class Kind { kBounce, kComplaint, kOther };  // kOther: deliveries, opens, ...
  Kind kind = Kind::kOther;
  // kBounce: a group per bounced recipient. kComplaint: one per complaining recipient, the rest empty.
  std::vector<ReportedRecipient> groups;
  std::string complaint_type;  // "abuse"; empty: not said
};

// Nothing: the mail is no such notification. Pure; looks at no more than the first text, and no deeper than 12 levels.
std::optional<SesNotification> ReadSesNotification(const Document& document);

}  // namespace wavepost
