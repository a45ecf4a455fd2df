// The whole coordinator in one object, so that main() and a test wire the same thing.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "coordinator/config/coordinator_config.h"

namespace wavepost {

class Store;

class CoordinatorApp {
 public:
  // Opens the store, makes the tenant "default" if it is not there, starts planning and listening. When this returns
  // OK, calls are served. Errors: of the store (folder locked, other version), of the port and the certificates;
  // nothing is left running.
  static absl::StatusOr<std::unique_ptr<CoordinatorApp>> Start(CoordinatorConfig config);

  // As Stop().
  ~CoordinatorApp();

  // The port that it listens on.
  int port() const;

  // Takes no more work, answers what is under way, ends all streams with UNAVAILABLE, closes the store. Takes a few
  // seconds at most. Idempotent; one thread.
  void Stop();

  // For tests that look into the books. Valid until Stop.
  Store* store();

 private:
  struct Parts;

  explicit CoordinatorApp(std::unique_ptr<Parts> parts);

  const std::unique_ptr<Parts> parts_;
};

}  // namespace wavepost
