// Says how the SPF record of a domain stands, in words for its owner.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/async/tokens.h"
#include "coordinator/domains/spf_walk.h"
#include "coordinator/domains/verdict.h"

namespace wavepost {

class DomainLookup;

// What was seen. Gathered by CheckSpf; a test may make one up.
struct SpfSight {
  std::string owner;                  // whose record
  std::string ours;                   // "_spf.mail.example"
  std::vector<std::string> texts;     // all TXT records at the owner
  SpfWalk walk;                       // of the only record, if it can be read
  std::optional<std::string> mended;  // what should stand there; nothing: we cannot say
  int mended_lookups = 0;             // what it would cost; 0: not known
};

// The verdict, pure. Neighbours are not looked at: nothing there is MISSING.
Verdict JudgeSpf(const SpfSight& sight);

// Looks the record up, follows it, and judges it.
Awaitable<Verdict> CheckSpf(DomainLookup* lookup, std::string owner, std::string ours);

}  // namespace wavepost
