// An explanation as a short report for people. Pure.
#pragma once

#include <string>
#include <string_view>

#include "wavepost/v1/queue_service.pb.h"

namespace wavepost::cli {

// A block per path: where, limits, what it waits for and until when; then who did not answer. Paths that differ only in
// the address they leave from stay apart. Ends with '\n'; no control characters.
std::string ExplainText(std::string_view address, const v1::ExplainResponse& response);

}  // namespace wavepost::cli
