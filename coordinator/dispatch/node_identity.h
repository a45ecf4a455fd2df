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
  absl::Time last_heard;
};

// OK: a restart (same folder), one of them does not say, or the former has been gone for the lease: it starts no
// transaction any more. kFailedPrecondition NODE_ID_IN_USE otherwise, with a sentence that says what to do.
absl::Status CheckIdentity(std::string_view node_id, std::string_view data_id, const NodePresence& former,
                           absl::Time now, absl::Duration lease);

}  // namespace wavepost
