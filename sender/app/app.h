// A sender node as one object: opens the queue, starts delivery, attaches to the coordinator. A test can hold several.
#pragma once

#include <atomic>
#include <memory>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "sender/app/config.h"

namespace grpc {
class Server;
}

namespace wavepost {

class Sealer;

class Delivery;

class SenderApp {
 public:
  // Running when it returns. Works on what the queue holds whether the coordinator is there or not.
  // Errors: kFailedPrecondition (data folder in use or of another version), kUnavailable (status port in use), others
  // from the disk. Nothing is left running then.
  static absl::StatusOr<std::unique_ptr<SenderApp>> Start(SenderConfig config);
  ~SenderApp();

  // Reads the provider data again; a file that is wrong is said in the log and changes nothing.
  void Reload();

  // Takes nothing new, lets running transactions end (stop_grace at most), leaves the rest on the disk. Idempotent.
  void Stop();

  // True once the disk took no more changes: what is left to do is to stop, with exit code 1.
  bool storage_failed() const { return storage_failed_; }

  int status_port() const { return status_port_; }  // 0: none
  const QueueStore& queue() const { return *queue_; }

 private:
  SenderApp();

  absl::Duration stop_grace_;
  SystemClock clock_;
  std::unique_ptr<const Sealer> sealer_;
  std::unique_ptr<QueueStore> queue_;
  std::unique_ptr<Delivery> delivery_;
  std::unique_ptr<CoordinatorLink> link_;
  std::unique_ptr<grpc::Server> status_server_;
  int status_port_ = 0;
  std::atomic<bool> storage_failed_ = false;
};

}  // namespace wavepost
