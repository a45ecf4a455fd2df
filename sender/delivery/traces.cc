#include "sender/delivery/traces.h"

#include <utility>

#include "google/protobuf/util/time_util.h"

namespace wavepost {
namespace {

class FannedTrace final : public SessionTrace {
 public:
  FannedTrace(std::vector<std::shared_ptr<const Traces::Sink>> sinks, int64_t session, std::string egress_ip)
      : sinks_(std::move(sinks)), session_(session), egress_ip_(std::move(egress_ip)) {}

  void OnLine(char direction, std::string_view text) override {
    v1::TraceLine line;
    // For people who look at two clocks: the machine's, whatever the node's policy clock says.
    *line.mutable_time() = google::protobuf::util::TimeUtil::GetCurrentTime();
    line.set_session(session_);
    line.set_egress_ip(egress_ip_);
    line.set_direction(std::string(1, direction));
    line.set_text(std::string(text));
    for (const auto& sink : sinks_) (*sink)(line);
  }

 private:
  const std::vector<std::shared_ptr<const Traces::Sink>> sinks_;
  const int64_t session_;
  const std::string egress_ip_;
};

}  // namespace

bool Traces::Add(int64_t id, std::string domain, Sink sink) {
  const std::lock_guard lock(mutex_);
  if (watchers_.size() >= kTracesMax) return false;
  watchers_.push_back({id, std::move(domain), std::make_shared<const Sink>(std::move(sink))});
  return true;
}

void Traces::Remove(int64_t id) {
  const std::lock_guard lock(mutex_);
  std::erase_if(watchers_, [id](const Watcher& watcher) { return watcher.id == id; });
}

std::unique_ptr<SessionTrace> Traces::For(const std::string& domain, int64_t session, const std::string& egress_ip) {
  std::vector<std::shared_ptr<const Sink>> sinks;
  const std::lock_guard lock(mutex_);
  for (const Watcher& watcher : watchers_) {
    if (watcher.domain == domain) sinks.push_back(watcher.sink);
  }
  if (sinks.empty()) return nullptr;
  return std::make_unique<FannedTrace>(std::move(sinks), session, egress_ip);
}

}  // namespace wavepost
