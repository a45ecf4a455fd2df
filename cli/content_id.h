// Request ids made from what is asked: the same request of a later run has the same id, so repeating a command is safe.
#pragma once

#include <string>
#include <string_view>

namespace wavepost::cli {

// 32 hex digits, the first half of a SHA-256.
std::string ContentId(std::string_view bytes);

}  // namespace wavepost::cli
