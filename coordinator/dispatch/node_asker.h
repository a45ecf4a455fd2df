// Questions to nodes, for the API: how they are told apart, timed and answered is dispatch's business.
//
// Threads: all methods may be called from any thread; what is given to them is called on dispatch's own thread and must
// be short.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "wavepost/cluster/v1/dispatch_service.pb.h"
#include "wavepost/v1/queue_service.pb.h"

namespace wavepost {

struct NodeAnswers {
  std::vector<std::pair<std::string, cluster::v1::Answer>> answers;  // by node id; in order of arrival
  std::vector<std::string> silent;                                   // asked, not attached or not answered in time
};

class NodeAsker {
 public:
  virtual ~NodeAsker() = default;

  // Asks each node (by id) its question. `done` is called exactly once: when all have answered, at the latest after
  // `timeout`, or at a stop. Nodes with too many open questions count as silent.
  virtual void Ask(std::map<std::string, cluster::v1::Question> questions, absl::Duration timeout,
                   std::function<void(NodeAnswers)> done) = 0;

  // Follows sessions on the nodes given, those of them that are attached. `lines` is called with what comes, `ended`
  // exactly once, last: OK after `length`, after StopTrace, or when no node traces any more; kUnavailable at a stop.
  // Returns what StopTrace takes.
  virtual int64_t StartTrace(const std::vector<std::string>& nodes, v1::TraceRequest request, absl::Duration length,
                             std::function<void(cluster::v1::TraceLines)> lines,
                             std::function<void(absl::Status)> ended) = 0;
  // Unknown ids are fine.
  virtual void StopTrace(int64_t trace) = 0;
};

}  // namespace wavepost
