// Logging as every service does it: one structured line (logfmt: key=value) per state change, on standard error.
//
// Values that come from outside go through Printable() or Redact() first. No bodies, no secrets.
#pragma once

#include <string_view>

namespace wavepost {

// service: put into each line. level: "debug", "info", "warning", "error"; anything else means "info".
void SetUpLogging(std::string_view service, std::string_view level);

}  // namespace wavepost
