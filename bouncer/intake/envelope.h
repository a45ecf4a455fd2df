// To whom a mail came, as far as the door could tell.
#pragma once

#include <vector>

#include "common/base/recipient_id.h"

namespace wavepost {

// Lists are without repetitions. Several may be set: one mail can have several recipients.
struct Envelope {
  std::vector<RecipientId> recipients;    // b+TOKEN, the token was genuine
  std::vector<RecipientId> unsubscribes;  // u+TOKEN, likewise
  bool feedback = false;                  // the feedback loop's address: complaints, whose recipient stands inside
  bool aggregate = false;                 // the address for DMARC and TLS reports
  bool keep = false;                      // postmaster, abuse: kept as it is, for people

  bool empty() const { return recipients.empty() && unsubscribes.empty() && !feedback && !aggregate && !keep; }
};

}  // namespace wavepost
