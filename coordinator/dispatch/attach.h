// What the store says of a node that attaches.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/dispatch/node_session.h"
#include "wavepost/cluster/v1/coordinator_records.pb.h"
#include "wavepost/cluster/v1/dispatch_service.pb.h"

namespace wavepost {

class Store;

struct AttachResult {
  cluster::v1::StoredNode node;
  std::vector<std::string> outstanding;  // ids of batches that it may be sent again
};

// Puts the node on record. Blocks for the disk.
//
// last_heard: of the node of that name. Errors: kFailedPrecondition: another process has the name (CheckIdentity);
//             those of the store.
absl::StatusOr<AttachResult> AttachIn(Store* store, const cluster::v1::Hello& hello, absl::Time last_heard,
                                      absl::Time now, const NodeSession::Options& sessions);

}  // namespace wavepost
