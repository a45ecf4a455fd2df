// Whether a process may take the name of a node: two that claim one name are told apart by their data folders. Pure.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace wavepost {

// What is known of whoever had the name last.
struct NodePresence {
  std::string data_id;  // empty: unknown
  bool attached = false;
  absl::Time last_heard;  // its last status
};

// OK: a restart (same folder), one of them does not say, or the former has been gone for lease + silence_max: it starts
// no transaction any more. (A node that falls silent has its lease renewed until silence_max is over.)
// kFailedPrecondition NODE_ID_IN_USE otherwise, with a sentence that says what to do.
absl::Status CheckIdentity(std::string_view node_id, std::string_view data_id, const NodePresence& former,
                           absl::Time now, absl::Duration lease, absl::Duration silence_max);

}  // namespace wavepost
