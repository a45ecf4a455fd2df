#include "coordinator/planner/drop_runner.h"

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/base/log.h"

namespace wavepost {
namespace {

constexpr absl::Duration kRetryAfter = absl::Seconds(1);

}  // namespace

void DropRunner::Turn() {
  if (scheduled_) return;
  const absl::StatusOr<bool> more = store_->AdvanceDrops();
  if (more.ok() && !*more) return;
  scheduled_ = true;
  const auto again = [this] {
    scheduled_ = false;
    Turn();
  };
  if (more.ok()) {
    thread_.Post(again);
  } else {
    LogWarning("drop_failed", {{"error", std::string(more.status().ToString())}});
    thread_.After(kRetryAfter, again);
  }
}

}  // namespace wavepost
