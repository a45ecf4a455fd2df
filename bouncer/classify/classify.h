// What a report means: class, reason and whom it blames. Pure.
//
// The recipient is the one that the return path's token names; what the report calls it is kept for people and decides
// nothing. Texts are judged by the same rules as SMTP replies (common/smtp/classify.h), so that a refusal reads the
// same whether it came in the session or later.
#pragma once

#include <string>

#include "bouncer/report/report.h"
#include "wavepost/v1/outcomes.pb.h"

namespace wavepost {

struct Finding {
  wavepost::v1::BounceClass bounce_class = wavepost::v1::BOUNCE_CLASS_UNSPECIFIED;
  // phase "report". status.bounce_class is set for failures only (HARD, SOFT, POLICY).
  wavepost::v1::DeliveryStatus status;
  // As the report says; may be empty. At most 320 bytes.
  std::string final_recipient;
  // For `parse --explain` and logs: the rule that decided and the format it was read from; may be empty.
  std::string rule;
  std::string format;
};

// One per-recipient group.
//   action delayed                       -> DELAY_NOTICE
//   action delivered, relayed, expanded  -> NOT_A_BOUNCE
//   action failed, status 4.x.x          -> SOFT: somebody gave up, which says nothing about the address
//   action failed, else                  -> by the diagnostic text, or if that says nothing, by the status:
//                                           HARD only if the address is blamed, POLICY, or SOFT
//   no action that is known              -> by the status: 5 as failed, 4 as delayed, 2 or none NOT_A_BOUNCE
Finding ClassifyRecipient(const ReportedRecipient& recipient);

}  // namespace wavepost
