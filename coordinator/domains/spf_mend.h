// Makes the SPF record that a domain should have out of those that it has. Pure.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/domains/spf.h"

namespace wavepost {

inline constexpr size_t kMendedSpfBytesMax = 1024;  // a longer one is not shown: nobody would check it by eye

// One record with all terms of `records` in their order, each once; "include:OURS" as the first if none of them has it;
// without the qualifier that ours may have; guesses in place of what cannot be read. At its end the mildest "all" of
// them ("?all" only if there is no other, "~all" in place of "+all"), else a "redirect", else "~all".
//
// ours:    name to include; empty: none.
// without: terms to leave out, as they stand in the records.
// Nothing: a term cannot be read and nobody knows what it means, or the record would be longer than kMendedSpfBytesMax.
std::optional<std::string> MendSpf(const std::vector<SpfRecord>& records, std::string_view ours,
                                   const std::set<std::string>& without = {});

}  // namespace wavepost
