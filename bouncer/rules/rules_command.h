// `wavepost-bouncer rules`: what the rules and formats are, whether a file of them is sound, and which never fire.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace wavepost {

struct RulesOptions {
  std::string check;   // a file of rules to read in front of ours (common/smtp/rule_file.h); empty: none
  std::string corpus;  // a folder of mails to read; empty: none
};

// Without options: a line per rule and format, in the order in which they are tried: name, where it stands, its sample.
// check: the file is read and every sample tried, ours too, for a rule in front may take what is another's.
// corpus: how often each rule and format decided over the mails of the folder, those that never did last.
//
// Errors: kNotFound, kInvalidArgument with file, line and reason; kFailedPrecondition if a sample is taken by another
// rule, after all of these were written to `out`.
absl::Status RunRulesCommand(const RulesOptions& options, std::FILE* out);

// Takes rules and formats of these names out of use, for `parse --without` (see tests/corpus/kfold.py). Unknown names
// do nothing. Before any mail is read.
void SwitchOff(const std::vector<std::string>& names);

}  // namespace wavepost
