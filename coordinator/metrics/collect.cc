#include "coordinator/metrics/collect.h"

#include <prometheus/client_metric.h>
#include <prometheus/metric_type.h>

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"
#include "coordinator/names/resource_names.h"
#include "coordinator/store/proto_time.h"
#include "coordinator/store/store.h"

namespace wavepost {
namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

constexpr int kPage = 500;
constexpr int kCertificatesPage = 100;
constexpr size_t kTenantsMax = 10'000;

class Families {
 public:
  void Open(const std::string& name, const std::string& help,
            prometheus::MetricType type = prometheus::MetricType::Gauge) {
    prometheus::MetricFamily& family = families_.emplace_back();
    family.name = name;
    family.help = help;
    family.type = type;
  }
  // Into the family opened last.
  void Add(Labels labels, double value) {
    if (series_ >= kMetricsSeriesMax) {
      truncated_ = true;
      return;
    }
    ++series_;
    prometheus::ClientMetric& metric = families_.back().metric.emplace_back();
    for (auto& [name, text] : labels) metric.label.push_back({std::move(name), std::move(text)});
    if (families_.back().type == prometheus::MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
  }
  std::vector<prometheus::MetricFamily> Take() {
    Open("wavepost_metrics_truncated", "1: there are more figures than this page shows.");
    families_.back().metric.emplace_back().gauge.value = truncated_ ? 1 : 0;
    return std::move(families_);
  }
  bool full() const { return truncated_; }

 private:
  std::vector<prometheus::MetricFamily> families_;
  size_t series_ = 0;
  bool truncated_ = false;
};

bool Known(v1::RecordCheck::State state) {
  return state == v1::RecordCheck::OK || state == v1::RecordCheck::MISSING || state == v1::RecordCheck::WRONG;
}

void AddIdentity(const v1::Identity& identity, absl::Time now, Families* out) {
  out->Open("wavepost_egress_ip_listed", "Block lists that name an egress IP.");
  for (const auto& ip : identity.egress_ips()) {
    for (const auto& listing : ip.listings()) {
      if (listing.state() == v1::Listing::LISTED) out->Add({{"address", ip.address()}, {"zone", listing.zone()}}, 1);
    }
  }
  out->Open("wavepost_egress_ip_listings", "How many block lists name an egress IP.");
  for (const auto& ip : identity.egress_ips()) {
    const auto listed = std::count_if(ip.listings().begin(), ip.listings().end(), [](const v1::Listing& listing) {
      return listing.state() == v1::Listing::LISTED;
    });
    out->Add({{"address", ip.address()}}, static_cast<double>(listed));
  }
  out->Open("wavepost_egress_ip_reverse_ok", "Whether the reverse name leads back and is the EHLO name.");
  for (const auto& ip : identity.egress_ips()) {
    if (!Known(ip.reverse_state())) continue;
    out->Add({{"address", ip.address()}}, ip.reverse_state() == v1::RecordCheck::OK ? 1 : 0);
  }
  // Two records may stand at one place (MX): a series is one figure.
  std::map<std::pair<std::string, std::string>, bool> records;
  for (const auto& check : identity.checks()) {
    if (!Known(check.state())) continue;
    bool& good = records.try_emplace({check.record().owner(), check.record().type()}, true).first->second;
    good = good && check.state() == v1::RecordCheck::OK;
  }
  out->Open("wavepost_identity_record_ok", "Whether a DNS record of our own domain is as it should be.");
  for (const auto& [place, good] : records) out->Add({{"owner", place.first}, {"type", place.second}}, good ? 1 : 0);
  out->Open("wavepost_identity_check_age_seconds", "Time since the identity was looked at.");
  if (identity.has_check_time()) out->Add({}, absl::ToDoubleSeconds(now - FromProtoTime(identity.check_time())));
}

void AddDomains(Store* store, Families* out) {
  out->Open("wavepost_sending_domain_state", "1 for the state that a sending domain is in.");
  const std::pair<v1::SendingDomain::State, const char*> states[] = {{v1::SendingDomain::UNVERIFIED, "unverified"},
                                                                     {v1::SendingDomain::VERIFIED, "verified"},
                                                                     {v1::SendingDomain::LOST, "lost"}};
  std::string cursor;
  do {
    const auto page = store->ListAllSendingDomains(kPage, cursor);
    if (!page.ok()) return;
    for (const auto& stored : page->items) {
      const auto name = SendingDomainName::Parse(stored.domain().name());
      if (!name.has_value()) continue;
      for (const auto& [state, text] : states) {
        out->Add({{"tenant", name->tenant}, {"domain", name->domain}, {"state", text}},
                 stored.domain().state() == state ? 1 : 0);
      }
    }
    cursor = page->next;
  } while (!cursor.empty() && !out->full());
}

void AddCertificates(Store* store, absl::Time now, Families* out) {
  out->Open("wavepost_certificate_expires_seconds", "Time until an S/MIME certificate ends.");
  std::string cursor;
  size_t tenants = 0;
  do {
    const auto page = store->ListTenants(kPage, cursor);
    if (!page.ok()) return;
    for (const v1::Tenant& tenant : page->items) {
      const auto certificates = store->ListCertificates(tenant.name(), kCertificatesPage, "");
      if (!certificates.ok()) continue;
      for (const auto& stored : certificates->items) {
        const std::string& name = stored.certificate().name();
        out->Add({{"tenant", tenant.name().substr(tenant.name().rfind('/') + 1)},
                  {"certificate", name.substr(name.rfind('/') + 1)}},
                 absl::ToDoubleSeconds(FromProtoTime(stored.certificate().not_after()) - now));
      }
    }
    tenants += page->items.size();
    cursor = page->next;
  } while (!cursor.empty() && !out->full() && tenants < kTenantsMax);
}

void AddAggregates(const AggregateFigures& figures, Families* out) {
  using Domain = AggregateFigures::Domain;
  out->Open("wavepost_aggregate_reports_total", "DMARC and TLS reports since the start, by what became of them.",
            prometheus::MetricType::Counter);
  const std::pair<const char*, int64_t> fates[] = {{"entered", figures.entered},
                                                   {"repeated", figures.repeated},
                                                   {"foreign", figures.foreign},
                                                   {"untimely", figures.untimely},
                                                   {"over_limit", figures.over_limit}};
  for (const auto& [fate, count] : fates) out->Add({{"fate", fate}}, static_cast<double>(count));
  out->Open("wavepost_dmarc_messages_total", "Messages that DMARC reports tell of, since the start.",
            prometheus::MetricType::Counter);
  const std::tuple<const char*, const char*, int64_t Domain::*> sorts[] = {
      {"passed", "ours", &Domain::passed_ours},
      {"failed", "ours", &Domain::failed_ours},
      {"passed", "others", &Domain::passed_others},
      {"failed", "others", &Domain::failed_others}};
  for (const auto& [domain, counts] : figures.domains) {
    for (const auto& [result, source, count] : sorts) {
      out->Add({{"domain", domain}, {"result", result}, {"source", source}}, static_cast<double>(counts.*count));
    }
  }
  out->Open("wavepost_tls_report_sessions_total", "Sessions that TLS reports tell of, since the start.",
            prometheus::MetricType::Counter);
  for (const auto& [domain, counts] : figures.domains) {
    out->Add({{"domain", domain}, {"result", "held"}}, static_cast<double>(counts.tls_sessions));
    out->Add({{"domain", domain}, {"result", "failed"}}, static_cast<double>(counts.tls_failed));
  }
}

std::string ClassLabel(v1::BounceClass bounce_class) {
  if (bounce_class == v1::BOUNCE_CLASS_UNSPECIFIED) return "unreadable";
  return v1::BounceClass_IsValid(bounce_class) ? absl::AsciiStrToLower(v1::BounceClass_Name(bounce_class)) : "unknown";
}

// Classes that we do not know yet share a label, and a series is one figure.
template <class Counts>
void AddClasses(const Counts& counts, Families* out) {
  std::map<std::string, int64_t> sums;
  for (const auto& [bounce_class, count] : counts) sums[ClassLabel(bounce_class)] += count;
  for (const auto& [label, count] : sums) out->Add({{"class", label}}, static_cast<double>(count));
}

void AddReports(Store* store, Families* out) {
  const ReportFigures figures = store->Reports();
  out->Open("wavepost_reports_total", "Reports that came back since the start, by class.",
            prometheus::MetricType::Counter);
  AddClasses(figures.proven, out);
  out->Open("wavepost_reports_unattributed_total",
            "Reports that no genuine token ties to a recipient since the start: they change nothing.",
            prometheus::MetricType::Counter);
  AddClasses(figures.unproven, out);
  out->Open("wavepost_reports_unknown_recipient_total",
            "Reports of senders and bouncers about recipients that the books do not have, since the start.",
            prometheus::MetricType::Counter);
  out->Add({}, static_cast<double>(store->UnknownRecipientReports()));
}

}  // namespace

std::vector<prometheus::MetricFamily> CollectMetrics(Store* store, absl::Time now) {
  Families families;
  if (const auto identity = store->GetIdentity(); identity.ok()) AddIdentity(identity->identity(), now, &families);
  AddReports(store, &families);
  // At most 6 * (AggregateFigures::kDomainsMax + 1): they leave room for what has no limit of its own.
  AddAggregates(store->AggregatesSinceStart(), &families);
  AddDomains(store, &families);
  AddCertificates(store, now, &families);
  return families.Take();
}

}  // namespace wavepost
