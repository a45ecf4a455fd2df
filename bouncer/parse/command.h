// `wavepost-bouncer parse`: reads mails from files and says what each means. Touches no network and no data folder.
#pragma once

#include <cstdio>
#include <string>

#include "absl/status/status.h"

namespace wavepost {

struct ParseOptions {
  std::string path;      // a file, a folder, or "-" for one mail on the standard input
  bool jsonl = false;    // lines for scripts instead of blocks for people
  bool explain = false;  // also which rule and which format decided
};

// Writes to `out`; progress over many files goes to `progress` (null: none). Files that cannot be read are named on
// `progress` and left out; the first of them is the error that comes back at the end.
absl::Status RunParse(const ParseOptions& options, std::FILE* out, std::FILE* progress);

}  // namespace wavepost
