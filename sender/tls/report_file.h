// Writes a report so that whoever looks sees either all of it or nothing. Internal to tls_reporter.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace wavepost {

// Through a temporary file in the same folder, synced, then renamed over `path`. On failure `path` is as it was.
absl::Status WriteFileAtomically(const std::string& path, std::string_view bytes);

absl::StatusOr<std::string> Gzip(std::string_view bytes);

}  // namespace wavepost
