// One blocking HTTPS GET of a small text from a server that may be hostile. Internal to https_mta_sts_fetcher.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace wavepost {

class HttpsGet {
 public:
  struct Request {
    std::string host;                    // for SNI, Host and the certificate
    std::string path;                    // "/..."
    std::vector<std::string> addresses;  // tried in this order until one speaks TLS
    int port = 443;
    std::string ca_file;   // empty: the system's roots
    size_t bytes_max = 0;  // of the body
    std::chrono::steady_clock::time_point deadline;
  };

  explicit HttpsGet(Request request) : request_(std::move(request)) {}
  ~HttpsGet();
  HttpsGet(const HttpsGet&) = delete;
  HttpsGet& operator=(const HttpsGet&) = delete;

  // Blocks; once. Errors as in mta_sts_fetcher.h; an interrupted one ends with kUnavailable.
  absl::StatusOr<std::string> Run();

  // From any thread, at any time, repeatedly: makes Run return soon.
  void Interrupt();

  // From within Run: the connection's new socket; what came in on it.
  void OnSocket(int socket);
  bool OnBytes(size_t count);  // false: it is enough

 private:
  absl::StatusOr<std::string> GetFrom(const std::string& address, bool* try_next);
  std::chrono::microseconds Left() const;
  size_t BytesMax() const;

  const Request request_;
  std::mutex mutex_;
  int socket_ = -1;  // a duplicate: httplib may close its own at any time; guarded by mutex_
  bool interrupted_ = false;
  size_t bytes_ = 0;
};

}  // namespace wavepost
