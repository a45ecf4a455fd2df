// EstimateWave: what is still open of a wave, by egress IP and domain, as questions to the nodes; their answers as one.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/dispatch/node_asker.h"
#include "coordinator/store/store.h"
#include "wavepost/cluster/v1/dispatch_service.pb.h"
#include "wavepost/v1/queue_service.pb.h"

namespace wavepost {

// Recipients that leave from one egress IP to one domain. Pure.
class WaveLoads {
 public:
  static constexpr size_t kLoadsPerNodeMax = 2000;
  static constexpr size_t kEntriesMax = 500'000;  // later ones are counted with those that are there

  void Add(const std::string& node, const std::string& egress_ip, std::string_view domain);
  int64_t looked_at() const { return recipients_; }

  // A question per node. open: recipients that are open in truth: what was looked at is scaled up to them. Of a node's
  // loads the largest kLoadsPerNodeMax go in, scaled up to the node's sum.
  std::map<std::string, cluster::v1::Question> Questions(int64_t open) const;

 private:
  struct Node {
    std::map<std::pair<std::string, std::string>, int64_t> loads;  // by egress IP and domain
    int64_t recipients = 0;
  };
  std::map<std::string, Node> nodes_;
  size_t entries_ = 0;
  int64_t recipients_ = 0;
};

// What is open of a wave that was started: decided as the planner would where nothing is decided yet. Reads at most
// kEstimateRowsMax recipients, evenly spread over the wave. Blocks for the store.
inline constexpr uint32_t kEstimateRowsMax = 200'000;
struct OpenWave {
  WaveLoads loads;
  int64_t open = 0;
  bool exact = false;        // all were looked at
  bool has_no_ip = false;    // some are not assigned, and no IP could take them
  absl::Time complete_time;  // of a wave in which nothing is open
};
// Errors: kNotFound; kFailedPrecondition NOT_STARTED.
absl::StatusOr<OpenWave> ReadOpenWave(Store* store, std::string_view wave, absl::Time now);

// The latest date wins. If nobody had to be asked, because what was looked at had no open recipient in it: now, and not
// exact. Errors: kUnavailable (nobody answered, or no IP could take what is open). Pure.
absl::StatusOr<v1::EstimateWaveResponse> JoinForecasts(const OpenWave& wave, const NodeAnswers& answers,
                                                       absl::Time now);

}  // namespace wavepost
