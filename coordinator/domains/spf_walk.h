// Follows an SPF record through its includes and redirects, as a receiver would, and counts what it costs.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/async/tokens.h"
#include "coordinator/domains/spf.h"

namespace wavepost {

class DomainLookup;

inline constexpr int kSpfLookupsAllowed = 10;     // RFC 7208 section 4.6.4
inline constexpr int kSpfVoidLookupsAllowed = 2;  // the same
inline constexpr size_t kSpfMxHostsAllowed = 10;  // the same, of one "mx"
inline constexpr int kSpfLookupsCountedMax = 20;  // the walk ends beyond it: it says "more than 20"
inline constexpr int kSpfDepthMax = 10;

struct SpfWalk {
  // What makes receivers take the record for broken.
  enum Trouble { kNone, kLoop, kNoRecord, kTwoRecords, kSyntax, kMxHosts };
  // How the include of ours stands.
  enum Ours { kAbsent, kQualified, kBehindAll, kEffective };

  int lookups = 0;                                 // terms that cost one
  bool ended = false;                              // kSpfLookupsCountedMax: there may be more
  std::vector<std::pair<std::string, int>> costs;  // of the record's own terms that cost any, as they stand there
  std::vector<std::pair<std::string, std::string>> voids;  // names without an answer, each with the record's own term
  Ours ours = kAbsent;
  std::string ours_term;       // as it stands there, where it is not effective
  std::string ours_behind;     // the "all" that it stands behind
  std::string passes_all;      // name of the record that ends in "+all"; empty: none
  bool uses_ptr = false;       // in the record itself
  Trouble trouble = kNone;     // the first one
  std::string trouble_name;    // whose record; for kMxHosts the name with too many
  bool trouble_below = false;  // it is in the record of somebody else
  std::string trouble_term;    // of the record's own terms, the one that leads there
  SpfFault fault;              // kSyntax
  std::string unanswered;      // name that DNS gave no answer about; empty: none
};

// domain: whose record it is. record: without faults. ours: the name that should be included.
Awaitable<SpfWalk> WalkSpf(DomainLookup* lookup, std::string domain, SpfRecord record, std::string ours);

}  // namespace wavepost
