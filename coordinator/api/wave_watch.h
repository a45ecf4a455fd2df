// One WatchWave stream: the wave now, and whenever it has changed, at most every interval, until it is COMPLETED.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/api/api_context.h"
#include "coordinator/api/live_streams.h"
#include "coordinator/rpc/stream.h"
#include "wavepost/v1/campaigns_service.pb.h"

namespace wavepost {

// Least time between two messages. Errors: kInvalidArgument for less than 100 ms or more than an hour.
absl::StatusOr<absl::Duration> WatchInterval(const v1::WatchWaveRequest& request);

class WaveWatch final : public LiveStream, public std::enable_shared_from_this<WaveWatch> {
 public:
  using Stream = WriteStream<v1::Wave>;

  WaveWatch(const ApiContext* api, LiveStreams* live, std::shared_ptr<Stream> stream, std::string wave,
            absl::Duration interval);

  void Start();
  void OnStoreChange() override;
  void OnShutdown() override;

 private:
  void Look();

  const ApiContext* const api_;
  LiveStreams* const live_;
  const std::shared_ptr<Stream> stream_;
  const std::string wave_;
  const absl::Duration interval_;
  std::string last_;      // serialized, as last sent
  bool waiting_ = false;  // the interval runs
  bool changed_ = false;  // the store changed while it did
};

}  // namespace wavepost
