#include "common/metrics/metrics_server.h"

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/text_serializer.h>

#include <exception>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/clock.h"

namespace wavepost {
namespace {

constexpr absl::Duration kMetricsKeep = absl::Seconds(5);
constexpr size_t kHttpThreads = 2;

class Figures final : public prometheus::Collectable {
 public:
  Figures(MetricsServer::Collect collect, const Clock* clock) : collect_(std::move(collect)), clock_(clock) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    const absl::Time now = clock_->Now();
    const std::lock_guard lock(mutex_);
    if (now - taken_ >= kMetricsKeep || now < taken_) {
      families_ = collect_();
      taken_ = now;
    }
    return families_;
  }

 private:
  const MetricsServer::Collect collect_;
  const Clock* const clock_;
  mutable std::mutex mutex_;  // of what follows; held while reading, so that ten scrapers read once
  mutable absl::Time taken_ = absl::InfinitePast();
  mutable std::vector<prometheus::MetricFamily> families_;
};

}  // namespace

struct MetricsServer::Impl {
  std::shared_ptr<Figures> figures;
  std::unique_ptr<prometheus::Exposer> exposer;
  int port = 0;
};

MetricsServer::MetricsServer(Collect collect, const Clock* clock) : impl_(std::make_unique<Impl>()) {
  impl_->figures = std::make_shared<Figures>(std::move(collect), clock);
}

MetricsServer::~MetricsServer() {
  Stop();
}

absl::Status MetricsServer::Start(const std::string& listen) {
  const size_t colon = listen.rfind(':');
  int port = 0;
  if (colon == std::string::npos || colon == 0 || !absl::SimpleAtoi(listen.substr(colon + 1), &port) || port < 0 ||
      port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("metrics_listen must be ADDRESS:PORT, e.g. 127.0.0.1:9090, is '", listen, "'"));
  }
  try {
    impl_->exposer = std::make_unique<prometheus::Exposer>(listen, kHttpThreads);
    impl_->exposer->RegisterCollectable(impl_->figures, "/metrics");
    impl_->port = impl_->exposer->GetListeningPorts().at(0);
  } catch (const std::exception&) {  // the library has nothing else to say so with
    impl_->exposer.reset();
    return absl::UnavailableError(
        absl::StrCat("cannot serve metrics on ", listen, ": the address is not of this machine, or the port is taken"));
  }
  return absl::OkStatus();
}

int MetricsServer::port() const {
  return impl_->port;
}

void MetricsServer::Stop() {
  impl_->exposer.reset();
  impl_->port = 0;
}

std::string MetricsServer::Text() const {
  return prometheus::TextSerializer().Serialize(impl_->figures->Collect());
}

}  // namespace wavepost
