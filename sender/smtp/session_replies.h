// How the session's two files read replies.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/smtp/reply.h"

namespace wavepost {

// 2xx, but not the greeting's or the farewell's: those say that we are out of step with the host.
inline bool IsYes(const Reply& reply) {
  return reply.positive() && reply.code != 220 && reply.code != 221;
}

inline bool IsNo(const Reply& reply) {
  return reply.transient() || reply.permanent();
}

inline absl::Status OutOfStep(const Reply& reply) {
  return absl::InvalidArgumentError(absl::StrCat("an answer that does not fit here: ", reply.code, " ", reply.Text()));
}

// A command for the trace.
inline std::string_view WithoutLineEnd(std::string_view line) {
  return line.substr(0, line.find('\r'));
}

}  // namespace wavepost
