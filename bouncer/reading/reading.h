// What a mail that came back means, for each recipient that it speaks of. Pure: bytes in, findings out; any thread.
//
//   bytes --ReadDocument--> Document --(groups of RFC 3464, or formats/ for those who do not follow it)-->
//   ReportedRecipients --classify/--> Findings
//
// Who it is about is not decided here: see inbound/attribution, which checks tokens.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bouncer/classify/classify.h"

namespace wavepost {

struct Reading {
  // One per reported recipient, in the order of the message; never empty. An automatic answer and an unsubscription are
  // about who wrote them (From). A mail that reports on nobody by name (ordinary mail, a complaint whose recipient was
  // blotted out) has one with an empty final_recipient.
  std::vector<Finding> findings;

  // Local parts with the shape "b+TOKEN" or "u+TOKEN" that stand in the mail's own header, in the fields of the
  // feedback report or in the returned original's header (Return-Path, Original-Mail-From, To, List-Unsubscribe and its
  // URL, ...), lower case, without repetitions, at most 10. Unchecked: only a genuine token means something.
  std::vector<std::string> tokens;

  std::string original_message_id;  // without brackets, at most 255 bytes; may be empty
  std::string evidence;             // see BounceReport.evidence: redacted, at most 1024 bytes
  bool truncated = false;           // something lay beyond a limit
};

Reading ReadMail(std::string_view message);

// All findings as one, for a return path that names one recipient, whatever the report calls them (an alias that was
// expanded): HARD needs all of them to be HARD, successes and delays too; otherwise the mildest failure counts, and one
// that would be HARD by itself counts as SOFT. `findings` is not empty.
Finding Combine(const std::vector<Finding>& findings);

}  // namespace wavepost
