// The server of IngestService: reports that arrived elsewhere, handed in by other programs.
//
// Threads: gRPC's, and the intake's; each stream has a lock. Streams and what they hold are bounded, see the constants.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace grpc {
class Service;
}

namespace wavepost {

class Intake;

class IngestServer {
 public:
  static constexpr int kStreamsMax = 4;
  static constexpr size_t kWindow = 64;                // unanswered messages of a stream
  static constexpr size_t kWindowBytesMax = 1 << 20;   // and their bytes; one more may be read over it
  static constexpr size_t kMessageBytesMax = 3 << 20;  // larger: INVALID_ARGUMENT in the answer
  static constexpr size_t kIdBytesMax = 128;

  // require_peer_certificate: streams without a client's certificate are refused (TLS is on). `intake` must outlive
  // this.
  IngestServer(Intake* intake, bool require_peer_certificate);
  // After the gRPC server has been shut down.
  ~IngestServer();

  grpc::Service* service();
  int64_t messages() const;  // stored since the start; any thread

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace wavepost
