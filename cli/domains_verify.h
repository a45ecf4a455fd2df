// wavepost domains verify: one look, or looks until the domain is verified.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "cli/cli.h"

namespace wavepost::cli {

// Prints what each look showed, whenever that is something new, and the state at the end. `wait` as typed; empty: one
// look. kOk if the domain is verified, otherwise kFailed. A coordinator that is away or busy for a while is waited for,
// once it has answered. Errors: a usage error (`domain`, `wait`), the server's.
absl::StatusOr<ExitCode> VerifyDomain(const Cli& cli, const std::string& domain, const std::string& wait);

}  // namespace wavepost::cli
