// One Trace stream: dialogue lines of many nodes to one caller, until the caller goes or the time is over.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/api/api_context.h"
#include "coordinator/api/live_streams.h"
#include "coordinator/rpc/stream.h"
#include "wavepost/cluster/v1/dispatch_service.pb.h"
#include "wavepost/v1/queue_service.pb.h"

namespace wavepost {

class TraceStream final : public LiveStream, public std::enable_shared_from_this<TraceStream> {
 public:
  using Stream = WriteStream<v1::TraceLine>;
  // Lines that a slow caller has not taken; more are left out, and a line says how many.
  static constexpr int64_t kWaitingMax = 2000;

  TraceStream(const ApiContext* api, LiveStreams* live, std::shared_ptr<Stream> stream)
      : api_(api), live_(live), stream_(std::move(stream)) {}

  // On the streams' thread. nodes: ids. The request is checked.
  void Start(const std::vector<std::string>& nodes, const v1::TraceRequest& request, absl::Duration length);
  void OnShutdown() override;

 private:
  void OnLines(cluster::v1::TraceLines lines);  // dispatch's thread

  const ApiContext* const api_;
  LiveStreams* const live_;
  const std::shared_ptr<Stream> stream_;
  std::atomic<int64_t> waiting_ = 0;
  int64_t left_out_ = 0;  // dispatch's thread; since the caller was told
};

}  // namespace wavepost
