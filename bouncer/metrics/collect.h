// The bouncer's figures for Prometheus.
//
//   wavepost_bouncer_reports_total{class}          stored, by what they mean; e.g. class="hard"
//   wavepost_bouncer_reports_by_source_total{source}  ... by the way they came; e.g. source="return_path"
//   wavepost_bouncer_unattributed_total            ... about nobody: no genuine token
//   wavepost_bouncer_aggregate_reports_total       DMARC and TLS reports
//   wavepost_bouncer_kept_mails_total              mail for postmaster and abuse
//   wavepost_bouncer_not_stored_total              records that the disk did not take; their senders come again
//   wavepost_bouncer_smtp_connections_total, ..._refused_total, wavepost_bouncer_smtp_timeouts_total
//   wavepost_bouncer_smtp_recipients_refused_total unknown or forged addresses
//   wavepost_bouncer_smtp_unknown_keys_total       tokens of keys that are not in the key file (rotated in wrong order)
//   wavepost_bouncer_smtp_rate_limited_total, wavepost_bouncer_tls_handshakes_total, ..._failed_total
//   wavepost_bouncer_unsubscribe_pages_total, wavepost_bouncer_unsubscribed_total, wavepost_bouncer_page_refused_total
//   wavepost_bouncer_page_not_stored_total, wavepost_bouncer_page_too_many_total,
//   wavepost_bouncer_smtp_not_stored_total wavepost_bouncer_ingested_total                messages by IngestReport
//   wavepost_bouncer_outbox_waiting                not yet acknowledged by the coordinator
//   wavepost_bouncer_feed_connected                1 or 0
#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <vector>

#include "bouncer/inbound/server.h"
#include "bouncer/intake/intake.h"
#include "bouncer/unsubscribe/server.h"

namespace wavepost {

struct BouncerFigures {
  const InboundServer::Counters* smtp = nullptr;
  const Intake::Counters* intake = nullptr;
  const UnsubscribeServer::Counters* page = nullptr;  // nullptr: there is none
  int64_t ingested = 0;
  int64_t waiting = 0;
  bool feed_connected = false;
};

std::vector<prometheus::MetricFamily> CollectBouncerMetrics(const BouncerFigures& figures);

}  // namespace wavepost
