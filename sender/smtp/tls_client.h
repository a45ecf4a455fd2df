// The client's side of TLS for one shard: contexts by demand, and the sessions to resume.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace asio::ssl {
class context;
}

namespace wavepost {

class TlsClient {
 public:
  struct Options {
    std::string ca_file;           // PEM; empty: the system's roots
    size_t sessions_max = 10'000;  // kept for resumption; the least recently used go first
  };

  // Errors: kInvalidArgument (ca_file cannot be read).
  static absl::StatusOr<std::shared_ptr<TlsClient>> Create(Options options);
  ~TlsClient();

  std::shared_ptr<asio::ssl::context> context() const { return context_; }

 private:
  TlsClient() = default;
  std::shared_ptr<asio::ssl::context> context_;
};

}  // namespace wavepost
