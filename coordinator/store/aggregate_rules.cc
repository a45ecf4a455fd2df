#include "coordinator/store/aggregate_rules.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "coordinator/store/proto_time.h"

namespace wavepost {
namespace {

constexpr char kSeparator = '\0';

int64_t DayOf(const google::protobuf::Timestamp& time) {
  return absl::ToUnixSeconds(FromProtoTime(time)) / (24 * 60 * 60);
}

std::string IdentityOf(v1::AggregateReport::Kind kind, std::string_view org_name, std::string_view report_id,
                       std::string_view about, std::string_view domain) {
  std::string out = absl::StrCat(static_cast<int>(kind));
  const std::string writer = AsciiLower(org_name);
  for (const std::string_view part : {std::string_view(writer), report_id, about, domain}) {
    out += kSeparator;
    out += part;
  }
  return out;
}

template <class Report>
AggregateEntry EntryOf(v1::AggregateReport::Kind kind, const Report& report, std::string_view about,
                       std::string_view domain) {
  AggregateEntry entry;
  entry.domain = std::string(domain);
  entry.identity = IdentityOf(kind, report.org_name(), report.report_id(), about, domain);
  entry.day = DayOf(report.begin_time());
  entry.summary.set_kind(kind);
  entry.summary.set_org_name(report.org_name());
  entry.summary.set_report_id(report.report_id());
  *entry.summary.mutable_begin_time() = report.begin_time();
  *entry.summary.mutable_end_time() = report.end_time();
  entry.summary.set_sender(report.sender());
  return entry;
}

void AddRow(const v1::DmarcRow& row, v1::DmarcSource* source) {
  source->set_messages(source->messages() + row.count());
  if (row.dkim_aligned() || row.spf_aligned()) source->set_passed(source->passed() + row.count());
  if (row.dkim_aligned()) source->set_dkim_aligned(source->dkim_aligned() + row.count());
  if (row.spf_aligned()) source->set_spf_aligned(source->spf_aligned() + row.count());
  if (row.disposition() == "quarantine") source->set_quarantined(source->quarantined() + row.count());
  if (row.disposition() == "reject") source->set_rejected(source->rejected() + row.count());
}

void AddSource(const v1::DmarcSource& from, v1::DmarcSource* to) {
  to->set_messages(to->messages() + from.messages());
  to->set_passed(to->passed() + from.passed());
  to->set_dkim_aligned(to->dkim_aligned() + from.dkim_aligned());
  to->set_spf_aligned(to->spf_aligned() + from.spf_aligned());
  to->set_quarantined(to->quarantined() + from.quarantined());
  to->set_rejected(to->rejected() + from.rejected());
}

std::string Messages(int64_t count) {
  return absl::StrCat(count, count == 1 ? " message" : " messages");
}

std::string FailedText(const AggregateEntry& entry, int64_t failed) {
  const v1::DmarcSource* worst = nullptr;
  int64_t sources = 0;
  for (const v1::DmarcSource& source : entry.sources) {
    const int64_t count = source.messages() - source.passed();
    if (count == 0) continue;
    ++sources;
    if (worst == nullptr || count > worst->messages() - worst->passed()) worst = &source;
  }
  if (worst == nullptr) return "";
  const int64_t most = worst->messages() - worst->passed();
  const std::string_view whose = worst->source_ip() == kOtherSource ? ""
                                 : worst->ours()                    ? ", which is ours"
                                                                    : ", which is not ours";
  if (sources == 1 && failed == 1) return absl::StrCat("it came from ", worst->source_ip(), Av(whose));
  if (sources == 1) return absl::StrCat("all from ", worst->source_ip(), Av(whose));
  return absl::StrCat("from ", sources, " addresses, ", most, " of them from ", worst->source_ip(), Av(whose));
}

void FinishDmarc(AggregateEntry* entry) {
  // The largest stay by name.
  auto& sources = entry->sources;
  std::stable_sort(sources.begin(), sources.end(),
                   [](const v1::DmarcSource& a, const v1::DmarcSource& b) { return a.messages() > b.messages(); });
  if (sources.size() > kSourcesOfReportMax) {
    v1::DmarcSource other;
    other.set_source_ip(kOtherSource);
    for (size_t i = kSourcesOfReportMax - 1; i < sources.size(); ++i) AddSource(sources[i], &other);
    sources.resize(kSourcesOfReportMax - 1);
    sources.push_back(std::move(other));
  }
  int64_t total = 0;
  int64_t passed = 0;
  for (const v1::DmarcSource& source : sources) {
    total += source.messages();
    passed += source.passed();
  }
  entry->summary.set_total(total);
  entry->summary.set_passed(passed);
  const int64_t failed = total - passed;
  entry->text = absl::StrCat(entry->summary.org_name(), " saw ", Messages(total), " from ", entry->domain, ": ");
  if (total == 0) {
    entry->text = absl::StrCat(entry->summary.org_name(), " saw no mail from ", entry->domain);
  } else if (failed == 0) {
    entry->text += "all passed DMARC";
  } else {
    absl::StrAppend(&entry->text, passed, " passed DMARC; ", failed, " failed, ", FailedText(*entry, failed));
  }
}

std::vector<AggregateEntry> DivideDmarc(const v1::DmarcReport& report, const CoveredDomains& covered,
                                        const OursSet& ours) {
  // std::map: a report makes the same entries in the same order, always.
  std::map<std::string, std::map<std::string, v1::DmarcSource>, std::less<>> domains;
  const std::string_view main = covered.Nearest(report.domain());
  if (!main.empty()) domains[std::string(main)];
  for (const v1::DmarcRow& row : report.rows()) {
    const std::string_view domain = row.header_from().empty() ? main : covered.Nearest(row.header_from());
    if (domain.empty() || row.count() <= 0) continue;
    auto found = domains.find(domain);
    if (found == domains.end()) {
      if (domains.size() >= kDomainsOfReportMax) continue;
      found = domains.emplace(std::string(domain), std::map<std::string, v1::DmarcSource>()).first;
    }
    v1::DmarcSource& source = found->second[row.source_ip()];
    source.set_source_ip(row.source_ip());
    source.set_ours(ours.contains(row.source_ip()));
    AddRow(row, &source);
  }
  std::vector<AggregateEntry> entries;
  for (auto& [domain, sources] : domains) {
    AggregateEntry entry = EntryOf(v1::AggregateReport::DMARC, report, report.domain(), domain);
    for (auto& [ip, source] : sources) entry.sources.push_back(std::move(source));
    FinishDmarc(&entry);
    entries.push_back(std::move(entry));
  }
  return entries;
}

void FinishTls(AggregateEntry* entry) {
  auto& failures = entry->failures;
  std::stable_sort(failures.begin(), failures.end(),
                   [](const v1::TlsFailure& a, const v1::TlsFailure& b) { return a.sessions() > b.sessions(); });
  if (failures.size() > kFailuresOfReportMax) {
    v1::TlsFailure other;
    other.set_result_type(kOtherSource);
    for (size_t i = kFailuresOfReportMax - 1; i < failures.size(); ++i) {
      other.set_sessions(other.sessions() + failures[i].sessions());
    }
    failures.resize(kFailuresOfReportMax - 1);
    failures.push_back(std::move(other));
  }
  const int64_t total = entry->successful_sessions + entry->failed_sessions;
  entry->summary.set_total(total);
  entry->summary.set_passed(entry->successful_sessions);
  entry->text = absl::StrCat(entry->summary.org_name(), " made ", total, total == 1 ? " session" : " sessions",
                             " to the mail servers of ", entry->domain, ": ");
  if (entry->failed_sessions == 0) {
    entry->text += "TLS held in all";
    return;
  }
  absl::StrAppend(&entry->text, "TLS failed in ", entry->failed_sessions);
  if (!failures.empty() && failures.front().result_type() != kOtherSource) {
    absl::StrAppend(&entry->text, failures.size() == 1 ? ": " : ", most often: ", failures.front().result_type(),
                    failures.front().receiving_mx().empty() ? "" : " at ", failures.front().receiving_mx());
  }
}

std::vector<AggregateEntry> DivideTls(const v1::TlsReport& report, const CoveredDomains& covered) {
  std::map<std::string, AggregateEntry, std::less<>> entries;
  for (const v1::TlsPolicyResult& policy : report.policies()) {
    const std::string_view domain = covered.Nearest(policy.policy_domain());
    if (domain.empty()) continue;
    auto found = entries.find(domain);
    if (found == entries.end()) {
      if (entries.size() >= kDomainsOfReportMax) continue;
      found = entries.emplace(std::string(domain), EntryOf(v1::AggregateReport::TLS, report, "", domain)).first;
    }
    AggregateEntry& entry = found->second;
    entry.successful_sessions += std::max<int64_t>(policy.successful_sessions(), 0);
    entry.failed_sessions += std::max<int64_t>(policy.failed_sessions(), 0);
    for (const v1::TlsFailure& failure : policy.failures()) {
      if (failure.sessions() > 0) entry.failures.push_back(failure);
    }
  }
  std::vector<AggregateEntry> out;
  for (auto& [domain, entry] : entries) {
    FinishTls(&entry);
    out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace

void CoveredDomains::Add(std::string_view domain, std::string_view tenant) {
  std::vector<std::string>& tenants = tenants_[std::string(domain)];
  if (!tenant.empty() && tenants.size() < kTenantsMax) tenants.emplace_back(tenant);
  for (size_t dot = domain.find('.'); dot != std::string_view::npos; dot = domain.find('.')) {
    domain.remove_prefix(dot + 1);
    above_.emplace(domain);
  }
}

std::string_view CoveredDomains::Nearest(std::string_view domain) const {
  while (!domain.empty()) {
    if (const auto found = tenants_.find(domain); found != tenants_.end()) return found->first;
    const size_t dot = domain.find('.');
    if (dot == std::string_view::npos) break;
    domain.remove_prefix(dot + 1);
  }
  return {};
}

const std::vector<std::string>& CoveredDomains::TenantsOf(std::string_view domain) const {
  static const std::vector<std::string> none;
  const auto found = tenants_.find(domain);
  return found == tenants_.end() ? none : found->second;
}

std::vector<std::string> DomainsNamed(const cluster::v1::BounceReport& report, const CoveredDomains& covered) {
  std::set<std::string_view> domains;
  if (report.has_dmarc()) domains.insert(covered.Nearest(report.dmarc().domain()));
  for (const v1::TlsPolicyResult& policy : report.tls().policies()) {
    if (domains.size() > kDomainsOfReportMax) break;
    domains.insert(covered.Nearest(policy.policy_domain()));
  }
  domains.erase("");
  return {domains.begin(), domains.end()};
}

bool MayConcern(const cluster::v1::BounceReport& report, const CoveredDomains& covered) {
  return !DomainsNamed(report, covered).empty() || (report.has_dmarc() && covered.IsAbove(report.dmarc().domain()));
}

std::vector<AggregateEntry> DivideReport(const cluster::v1::BounceReport& report, const CoveredDomains& covered,
                                         const OursSet& ours) {
  if (report.has_dmarc()) return DivideDmarc(report.dmarc(), covered, ours);
  if (report.has_tls()) return DivideTls(report.tls(), covered);
  return {};
}

bool IsTimely(const cluster::v1::BounceReport& report, absl::Time now) {
  const auto timely = [&](const auto& one) {
    return FromProtoTime(one.begin_time()) >= now - kAggregateAgeMax &&
           FromProtoTime(one.end_time()) <= now + kAggregateFutureMax &&
           one.begin_time().seconds() <= one.end_time().seconds();
  };
  return report.has_dmarc() ? timely(report.dmarc()) : report.has_tls() && timely(report.tls());
}

std::string CanonicalIp(std::string_view address) {
  const std::string text(address);
  std::array<unsigned char, 16> bytes;
  std::array<char, INET6_ADDRSTRLEN> out;
  for (const int family : {AF_INET, AF_INET6}) {
    if (inet_pton(family, text.c_str(), bytes.data()) == 1 &&
        inet_ntop(family, bytes.data(), out.data(), out.size()) != nullptr) {
      return out.data();
    }
  }
  return text;
}

}  // namespace wavepost
