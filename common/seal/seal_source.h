// Where a service finds its sealing keys.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/seal/seal.h"

namespace wavepost {

// The lines of Sealer::Parse as an environment variable; ';' stands for a line end.
inline constexpr char kSealingKeyVariable[] = "WAVEPOST_SEALING_KEY";

// From `file` if it is not empty, else from the environment, else from data_dir + "/sealing.keys", which is made (with
// the folder, mode 0700) if it is not there.
//
// warning: a sentence for the log where the key lies beside what it seals; else empty.
// Errors:  as Sealer::Load and LoadOrMake, with what to do.
absl::StatusOr<Sealer> LoadServiceSealer(const std::string& file, const std::string& data_dir, std::string* warning);

}  // namespace wavepost
