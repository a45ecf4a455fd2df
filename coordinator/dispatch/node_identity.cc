#include "coordinator/dispatch/node_identity.h"

#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "common/rpc/status.h"

namespace wavepost {

absl::Status CheckIdentity(std::string_view node_id, std::string_view data_id, const NodePresence& former,
                           absl::Time now, absl::Duration lease, absl::Duration silence_max) {
  if (data_id.empty() || former.data_id.empty() || data_id == former.data_id) return absl::OkStatus();
  const absl::Time free_at = former.last_heard + silence_max + lease;
  if (!former.attached && now >= free_at) return absl::OkStatus();
  const std::string since =
      former.attached
          ? "is attached now"
          : absl::StrCat("was heard ", absl::FormatDuration(absl::Trunc(now - former.last_heard, absl::Seconds(1))),
                         " ago and may be sending until ",
                         absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", free_at, absl::UTCTimeZone()));
  return ApiError(
      absl::StatusCode::kFailedPrecondition, "NODE_ID_IN_USE",
      absl::StrCat("another process with the node_id '", Av(node_id), "' and another data folder ", since,
                   "; give each sender a node_id of its own, or wait for the lease of the other to run out"),
      {{"node", std::string(node_id)}});
}

}  // namespace wavepost
