// DNS for the coordinator's threads that may block: a resolver on an event loop of its own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/deadline.h"
#include "common/async/tokens.h"

namespace wavepost {

class Resolver;

class DnsClient {
 public:
  // servers: "ADDRESS" or "ADDRESS:PORT"; empty: the system's. Errors: kInvalidArgument (a server that is no address).
  static absl::StatusOr<std::unique_ptr<DnsClient>> Start(std::vector<std::string> servers);
  // With a resolver made on the loop by `make`, for tests.
  static std::unique_ptr<DnsClient> StartWith(std::function<std::unique_ptr<Resolver>()> make);
  ~DnsClient();

  // Runs `work` on the loop and waits for it. Not from the loop itself. It waits for nothing but the resolver. After
  // Stop, and when Stop came in between: kCancelled.
  // Threads: any; several at once run side by side.
  absl::Status Run(std::function<Awaitable<absl::Status>(Resolver*)> work);

  // Ends what is under way with kCancelled and joins the thread. Idempotent; from one thread at a time.
  void Stop();

 private:
  struct Impl;
  explicit DnsClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wavepost
