// The coordinator's figures for Prometheus, over HTTP: how our identity, sending domains and certificates stand.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"

namespace wavepost {

class Clock;
class MetricsServer;
class Store;

// Reads the store when it is asked; see common/metrics/metrics_server.h. Any thread may call; Start and Stop one at a
// time.
//
//   wavepost_egress_ip_listed{address,zone}         1 per listing; what is not listed is not there
//   wavepost_egress_ip_listings{address}            how many block lists name it, 0 too
//   wavepost_egress_ip_reverse_ok{address}          1 or 0; absent while nothing is known
//   wavepost_identity_record_ok{owner,type}         the same; of several records at one place the worst
//   wavepost_identity_check_age_seconds             since the last check; absent before the first
//   wavepost_sending_domain_state{tenant,domain,state}      1 for the state that it is in, 0 for the others
//   wavepost_certificate_expires_seconds{tenant,certificate}  until its end, negative behind it
//   wavepost_dmarc_messages_total{domain,result,source}  in DMARC reports since the start; source: ours, others
//   wavepost_tls_report_sessions_total{domain,result}     sessions in TLS reports since the start: held, failed
//   wavepost_aggregate_reports_total{fate}          reports since the start; foreign: about no domain of ours
//   wavepost_reports_total{class}                   what came back about a recipient, since the start
//   wavepost_reports_unattributed_total{class}      what came back without proof whom it is about, likewise
//   wavepost_reports_unknown_recipient_total        reports about recipients that the books do not have, likewise
//   wavepost_metrics_truncated                      1: there is more than kMetricsSeriesMax, and some are left out
class Metrics {
 public:
  // Both outlive this.
  Metrics(Store* store, const Clock* clock);
  ~Metrics();  // as Stop()

  // Serves "/metrics" on "HOST:PORT"; port 0: a free one. Errors: kInvalidArgument (not of that form), kUnavailable
  // (port taken, says so).
  absl::Status Start(const std::string& listen);
  // The port that it listens on; 0 before Start.
  int port() const;
  // Idempotent. A question that is being answered is answered first.
  void Stop();

  // The text that "/metrics" has now.
  std::string Text() const;

 private:
  const std::unique_ptr<MetricsServer> server_;
};

}  // namespace wavepost
