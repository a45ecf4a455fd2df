#include "coordinator/api/wave_watch.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/rpc/status.h"
#include "coordinator/api/request.h"

namespace wavepost {
namespace {

constexpr absl::Duration kIntervalDefault = absl::Milliseconds(500);
constexpr absl::Duration kIntervalMin = absl::Milliseconds(100);
constexpr absl::Duration kIntervalMax = absl::Hours(1);

}  // namespace

absl::StatusOr<absl::Duration> WatchInterval(const v1::WatchWaveRequest& request) {
  if (!request.has_interval()) return kIntervalDefault;
  const absl::Duration interval =
      absl::Seconds(request.interval().seconds()) + absl::Nanoseconds(request.interval().nanos());
  if (interval >= kIntervalMin && interval <= kIntervalMax) return interval;
  return BadFields("BAD_INTERVAL",
                   {{"interval", absl::StrCat("must be from 100 ms to 1 h, is ", absl::FormatDuration(interval))}});
}

WaveWatch::WaveWatch(const ApiContext* api, LiveStreams* live, std::shared_ptr<Stream> stream, std::string wave,
                     absl::Duration interval)
    : api_(api), live_(live), stream_(std::move(stream)), wave_(std::move(wave)), interval_(interval) {}

void WaveWatch::Start() {
  if (stream_->closing()) return;  // the caller has gone already: nobody would take us off the list
  if (!live_->Add(shared_from_this())) {
    return stream_->Close(
        ApiError(absl::StatusCode::kResourceExhausted, "BUSY", "too many streams are open; try again later"));
  }
  stream_->on_written = [self = shared_from_this()] {
    if (self->changed_) self->OnStoreChange();
  };
  stream_->on_done = [self = shared_from_this()] { self->live_->Remove(self); };
  Look();
}

void WaveWatch::OnStoreChange() {
  if (stream_->closing()) return;
  if (waiting_ || stream_->queued() > 0) {  // too early, or the caller is slow: it will get the newest state then
    changed_ = true;
    return;
  }
  Look();
}

void WaveWatch::Look() {
  changed_ = false;
  auto stored = api_->store->GetWave(wave_);
  if (!stored.ok()) return stream_->Close(HideNotFound(stored.status(), wave_));
  std::string now = stored->wave().SerializeAsString();
  if (now == last_) return;
  last_ = std::move(now);
  const bool completed = stored->wave().state() == v1::Wave::COMPLETED;
  stream_->Write(std::move(*stored->mutable_wave()));
  if (completed) return stream_->Close(absl::OkStatus());
  waiting_ = true;
  api_->streams->After(interval_, [self = shared_from_this()] {
    self->waiting_ = false;
    if (self->changed_) self->OnStoreChange();
  });
}

void WaveWatch::OnShutdown() {
  stream_->Close(
      ApiError(absl::StatusCode::kUnavailable, "STOPPING", "the coordinator is stopping; watch again in a moment"));
}

}  // namespace wavepost
