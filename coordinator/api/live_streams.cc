#include "coordinator/api/live_streams.h"

#include <utility>
#include <vector>

namespace wavepost {

LiveStreams::LiveStreams(EventThread* thread)
    : thread_(thread), wakeup_(thread, [this] {
        // A copy: a stream that ends takes itself out.
        const std::vector<std::shared_ptr<LiveStream>> now(streams_.begin(), streams_.end());
        for (const auto& stream : now) stream->OnStoreChange();
      }) {}

void LiveStreams::Shutdown() {
  thread_->Post([this] {
    stopping_ = true;
    const std::vector<std::shared_ptr<LiveStream>> now(streams_.begin(), streams_.end());
    for (const auto& stream : now) stream->OnShutdown();
  });
}

bool LiveStreams::Add(std::shared_ptr<LiveStream> stream) {
  if (stopping_ || streams_.size() >= kStreamsMax) return false;
  streams_.insert(std::move(stream));
  return true;
}

void LiveStreams::Remove(const std::shared_ptr<LiveStream>& stream) {
  streams_.erase(stream);
}

}  // namespace wavepost
