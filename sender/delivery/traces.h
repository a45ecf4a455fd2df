// Who is watching the dialogue with which domain. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "sender/smtp/trace.h"
#include "wavepost/v1/queue_service.pb.h"

namespace wavepost {

class Traces {
 public:
  static constexpr size_t kTracesMax = 16;
  // Must not block; may be called from several threads.
  using Sink = std::function<void(v1::TraceLine)>;

  // False: too many watch already.
  bool Add(int64_t id, std::string domain, Sink sink);
  void Remove(int64_t id);

  // For a session to that domain: what it tells its lines to; null: nobody watches. Keeps its watchers.
  std::unique_ptr<SessionTrace> For(const std::string& domain, int64_t session, const std::string& egress_ip);

 private:
  struct Watcher {
    int64_t id;
    std::string domain;
    std::shared_ptr<const Sink> sink;
  };
  std::mutex mutex_;
  std::vector<Watcher> watchers_;
};

}  // namespace wavepost
