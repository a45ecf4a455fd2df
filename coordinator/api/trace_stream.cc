#include "coordinator/api/trace_stream.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/rpc/status.h"
#include "coordinator/dispatch/node_asker.h"

namespace wavepost {

void TraceStream::Start(const std::vector<std::string>& nodes, const v1::TraceRequest& request, absl::Duration length) {
  if (stream_->closing()) return;  // the caller has gone already: nobody would take us off the list
  const auto self = shared_from_this();
  if (!live_->Add(self)) {
    return stream_->Close(
        ApiError(absl::StatusCode::kResourceExhausted, "BUSY", "too many streams are open; try again later"));
  }
  const int64_t trace = api_->asker->StartTrace(
      nodes, request, length, [self](cluster::v1::TraceLines lines) { self->OnLines(std::move(lines)); },
      [self](absl::Status status) {
        self->api_->streams->Post([self, status = std::move(status)] { self->stream_->Close(status); });
      });
  stream_->on_written = [self] { --self->waiting_; };
  stream_->on_done = [self, trace] {
    self->api_->asker->StopTrace(trace);
    self->live_->Remove(self);
  };
}

void TraceStream::OnLines(cluster::v1::TraceLines lines) {
  cluster::v1::TraceLines taken;
  for (v1::TraceLine& line : *lines.mutable_lines()) {
    if (waiting_ + 2 > kWaitingMax) {
      ++left_out_;
      continue;
    }
    if (left_out_ > 0) {
      v1::TraceLine& gap = *taken.add_lines();
      *gap.mutable_time() = line.time();
      gap.set_direction("*");
      gap.set_text(absl::StrCat(left_out_, " lines left out: the reader is too slow"));
      left_out_ = 0;
      ++waiting_;
    }
    *taken.add_lines() = std::move(line);
    ++waiting_;
  }
  if (taken.lines().empty()) return;
  api_->streams->Post([self = shared_from_this(), taken = std::move(taken)]() mutable {
    for (v1::TraceLine& line : *taken.mutable_lines()) self->stream_->Write(std::move(line));
  });
}

void TraceStream::OnShutdown() {
  stream_->Close(
      ApiError(absl::StatusCode::kUnavailable, "STOPPING", "the coordinator is stopping; trace again in a moment"));
}

}  // namespace wavepost
