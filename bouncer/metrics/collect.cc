#include "bouncer/metrics/collect.h"

#include <atomic>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "wavepost/v1/outcomes.pb.h"

namespace wavepost {
namespace {

using Source = cluster::v1::BounceReport::Source;

class Families {
 public:
  void Begin(std::string name, std::string help, prometheus::MetricType type) {
    prometheus::MetricFamily& family = families_.emplace_back();
    family.name = std::move(name);
    family.help = std::move(help);
    family.type = type;
  }
  void Add(int64_t value, std::vector<prometheus::ClientMetric::Label> labels = {}) {
    prometheus::ClientMetric& metric = families_.back().metric.emplace_back();
    metric.label = std::move(labels);
    (families_.back().type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value) =
        static_cast<double>(value);
  }
  void Counter(std::string name, std::string help, const std::atomic<int64_t>& value) {
    Begin("wavepost_bouncer_" + std::move(name) + "_total", std::move(help), prometheus::MetricType::Counter);
    Add(value.load(std::memory_order_relaxed));
  }
  void Gauge(std::string name, std::string help, int64_t value) {
    Begin("wavepost_bouncer_" + std::move(name), std::move(help), prometheus::MetricType::Gauge);
    Add(value);
  }
  std::vector<prometheus::MetricFamily> Take() { return std::move(families_); }

 private:
  std::vector<prometheus::MetricFamily> families_;
};

std::string ClassLabel(size_t index) {
  const auto value = static_cast<v1::BounceClass>(index);
  return value == v1::BOUNCE_CLASS_UNSPECIFIED ? "unknown" : absl::AsciiStrToLower(v1::BounceClass_Name(value));
}

std::string SourceLabel(size_t index) {
  const auto value = static_cast<Source>(index);
  return absl::AsciiStrToLower(cluster::v1::BounceReport::Source_Name(value));
}

}  // namespace

std::vector<prometheus::MetricFamily> CollectBouncerMetrics(const BouncerFigures& figures) {
  Families out;
  const Intake::Counters& intake = *figures.intake;
  out.Begin("wavepost_bouncer_reports_total", "Reports stored, by class.", prometheus::MetricType::Counter);
  for (size_t i = 0; i < intake.by_class.size(); ++i) out.Add(intake.by_class[i].load(), {{"class", ClassLabel(i)}});
  out.Begin("wavepost_bouncer_reports_by_source_total", "Reports stored, by the way they came.",
            prometheus::MetricType::Counter);
  for (size_t i = 1; i < intake.by_source.size(); ++i) {
    out.Add(intake.by_source[i].load(), {{"source", SourceLabel(i)}});
  }
  out.Counter("unattributed", "Reports without a genuine token: they change nothing.", intake.unattributed);
  out.Counter("aggregate_reports", "DMARC and TLS reports.", intake.aggregates);
  out.Counter("kept_mails", "Mails to postmaster and abuse.", intake.kept);
  out.Counter("not_stored", "Reports that the disk did not take.", intake.not_stored);

  const InboundServer::Counters& smtp = *figures.smtp;
  out.Counter("smtp_connections", "Connections taken.", smtp.connections);
  out.Counter("smtp_connections_refused", "Connections refused.", smtp.connections_refused);
  out.Counter("smtp_not_stored", "Messages answered with 45x because something was full or broken.",
              smtp.messages_not_stored);
  out.Counter("smtp_timeouts", "Clients that were too slow.", smtp.timeouts);
  out.Counter("smtp_recipients_refused", "Unknown or forged addresses.", smtp.recipients_refused);
  out.Counter("smtp_unknown_keys", "Tokens of keys that are not in the key file: 450.", smtp.unknown_keys);
  out.Counter("smtp_rate_limited", "MAIL or RCPT answered with 450: too many messages.", smtp.rate_limited);
  out.Counter("tls_handshakes", "TLS handshakes.", smtp.handshakes);
  out.Counter("tls_handshakes_failed", "TLS handshakes that failed.", smtp.handshakes_failed);
  if (figures.page != nullptr) {
    out.Counter("unsubscribe_pages", "Unsubscribe pages shown.", figures.page->pages);
    out.Counter("unsubscribed", "Recipients who unsubscribed on the page or by one click.", figures.page->unsubscribed);
    out.Counter("page_not_stored", "Posts to the page that the disk did not take: 503.", figures.page->not_stored);
    out.Counter("page_too_many", "Requests to the page beyond a client's rate: 429.", figures.page->too_many);
    out.Counter("page_refused", "Requests to the page that were none of its business.", figures.page->refused);
  }
  out.Begin("wavepost_bouncer_ingested_total", "Messages taken by IngestReport.", prometheus::MetricType::Counter);
  out.Add(figures.ingested);
  out.Gauge("outbox_waiting", "Reports that the coordinator has not acknowledged.", figures.waiting);
  out.Gauge("feed_connected", "1: the coordinator is there.", figures.feed_connected ? 1 : 0);
  return out.Take();
}

}  // namespace wavepost
