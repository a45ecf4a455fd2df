#include "cli/call.h"

#include <grpc/support/time.h>

#include "absl/time/clock.h"

namespace wavepost::cli {
namespace {

constexpr absl::Duration kReconnectPause = absl::Milliseconds(300);

// A span instead of a point of time: gRPC adds its own clock's now.
gpr_timespec Span(absl::Duration d) {
  return gpr_time_from_millis(absl::ToInt64Milliseconds(d), GPR_TIMESPAN);
}

}  // namespace

std::unique_ptr<grpc::ClientContext> NewContext(const Cli& cli, absl::Duration timeout) {
  auto context = std::make_unique<grpc::ClientContext>();
  if (!cli.authorization().empty()) context->AddMetadata("authorization", cli.authorization());
  if (timeout != absl::InfiniteDuration()) context->set_deadline(Span(timeout));
  return context;
}

bool WaitForServer(const Cli& cli, absl::Duration timeout) {
  absl::SleepFor(kReconnectPause);
  return cli.channel()->WaitForConnected(Span(timeout));
}

}  // namespace wavepost::cli
