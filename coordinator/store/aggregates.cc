// DMARC and TLS reports, entered into the books.
#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/storage/db.h"
#include "coordinator/store/aggregate_rules.h"
#include "coordinator/store/proto_time.h"
#include "coordinator/store/rocks_store_impl.h"

namespace wavepost {
namespace {

// Rows of each sort that go with a group of reports: more than it can add, so that what is old is gone some day.
constexpr size_t kTrimRowsMax = 2 * (kSourcesOfReportMax + kFailuresOfReportMax);

int64_t DayOf(absl::Time time) {
  return absl::ToUnixSeconds(time) / (24 * 60 * 60);
}

struct DayCount {
  uint32_t rows = 0;
  uint32_t reports = 0;
};

DayCount ParseCount(std::string_view value) {
  if (value.size() != 8) return {};
  return {ReadBig32(value), ReadBig32(value.substr(4))};
}

// The rows that a group of reports changes: read once, altered, written once, since a change does not see its own rows.
class AggregateRows {
 public:
  AggregateRows(Change* change, AggregateFigures* figures) : change_(change), figures_(figures) {}

  absl::Status Enter(const AggregateEntry& entry, const std::vector<std::string>& tenants);
  void Write();

 private:
  struct DomainState {
    std::map<int64_t, DayCount> days;
    std::set<int64_t> changed;
    int64_t rows = 0;
  };

  absl::StatusOr<DomainState*> StateOf(std::string_view domain);
  template <class Message>
  absl::StatusOr<Message*> Row(std::map<std::string, Message>* rows, const std::string& key, bool* fresh);
  // The row of that key or, if it would be new and there is no room, the one of `other`.
  template <class Message>
  absl::StatusOr<Message*> RowOr(std::map<std::string, Message>* rows, const std::string& key, const std::string& other,
                                 DomainState* state, int64_t day);
  absl::Status AddSources(const AggregateEntry& entry, DomainState* state);
  absl::Status AddSessions(const AggregateEntry& entry, DomainState* state);
  void Count(const AggregateEntry& entry);

  Change* const change_;
  AggregateFigures* const figures_;
  std::map<std::string, DomainState, std::less<>> domains_;
  std::map<std::string, v1::DmarcSource> sources_;
  std::map<std::string, v1::TlsPolicyResult> sessions_;
  std::map<std::string, v1::TlsFailure> failures_;
  std::set<std::string> seen_;
};

absl::StatusOr<AggregateRows::DomainState*> AggregateRows::StateOf(std::string_view domain) {
  const auto found = domains_.find(domain);
  if (found != domains_.end()) return &found->second;
  DomainState state;
  const std::string prefix = AggregateCountPrefix(domain);
  const auto visit = [&](std::string_view key, std::string_view value) {
    if (key.size() != prefix.size() + 4) return true;
    const DayCount count = ParseCount(value);
    state.days[ReadBig32(key.substr(prefix.size()))] = count;
    state.rows += count.rows;
    return true;
  };
  RETURN_IF_ERROR(change_->read().Scan(kAggregates, prefix, PrefixEnd(prefix), visit));
  return &domains_.emplace(std::string(domain), std::move(state)).first->second;
}

template <class Message>
absl::StatusOr<Message*> AggregateRows::Row(std::map<std::string, Message>* rows, const std::string& key, bool* fresh) {
  *fresh = false;
  if (const auto found = rows->find(key); found != rows->end()) return &found->second;
  auto stored = change_->read().GetMessage<Message>(kAggregates, key);
  if (!stored.ok() && !absl::IsNotFound(stored.status())) return stored.status();
  *fresh = !stored.ok();
  return &rows->emplace(key, stored.ok() ? *std::move(stored) : Message()).first->second;
}

template <class Message>
absl::StatusOr<Message*> AggregateRows::RowOr(std::map<std::string, Message>* rows, const std::string& key,
                                              const std::string& other, DomainState* state, int64_t day) {
  bool fresh = false;
  ASSIGN_OR_RETURN(Message* const row, Row(rows, key, &fresh));
  if (!fresh) return row;
  DayCount& count = state->days[day];
  if (key != other && (count.rows >= Store::kSourcesOfDayMax || state->rows >= Store::kSourcesOfDomainMax)) {
    rows->erase(key);
    return RowOr(rows, other, other, state, day);
  }
  ++count.rows;
  ++state->rows;
  state->changed.insert(day);
  return row;
}

absl::Status AggregateRows::AddSources(const AggregateEntry& entry, DomainState* state) {
  const std::string prefix = AggregatePrefix(AggregateRow::kSource, entry.day, entry.domain);
  for (const v1::DmarcSource& source : entry.sources) {
    ASSIGN_OR_RETURN(v1::DmarcSource* const row,
                     RowOr(&sources_, prefix + source.source_ip(), prefix + kOtherSource, state, entry.day));
    row->set_messages(row->messages() + source.messages());
    row->set_passed(row->passed() + source.passed());
    row->set_dkim_aligned(row->dkim_aligned() + source.dkim_aligned());
    row->set_spf_aligned(row->spf_aligned() + source.spf_aligned());
    row->set_quarantined(row->quarantined() + source.quarantined());
    row->set_rejected(row->rejected() + source.rejected());
  }
  return absl::OkStatus();
}

absl::Status AggregateRows::AddSessions(const AggregateEntry& entry, DomainState* state) {
  bool fresh = false;
  ASSIGN_OR_RETURN(v1::TlsPolicyResult* const sums,
                   Row(&sessions_, AggregatePrefix(AggregateRow::kSessions, entry.day, entry.domain), &fresh));
  sums->set_successful_sessions(sums->successful_sessions() + entry.successful_sessions);
  sums->set_failed_sessions(sums->failed_sessions() + entry.failed_sessions);
  const std::string prefix = AggregatePrefix(AggregateRow::kFailure, entry.day, entry.domain);
  v1::TlsFailure rest;
  rest.set_result_type(kOtherSource);
  for (const v1::TlsFailure& failure : entry.failures) {
    v1::TlsFailure kind = failure;
    kind.clear_sessions();
    const std::string key = prefix + AggregateHash(kind.SerializeAsString());
    const std::string other = prefix + AggregateHash(rest.SerializeAsString());
    ASSIGN_OR_RETURN(v1::TlsFailure* const row, RowOr(&failures_, key, other, state, entry.day));
    if (row->result_type().empty()) *row = failures_.contains(key) ? kind : rest;
    row->set_sessions(row->sessions() + failure.sessions());
  }
  return absl::OkStatus();
}

void AggregateRows::Count(const AggregateEntry& entry) {
  ++figures_->entered;
  auto& domains = figures_->domains;
  const bool known = domains.contains(entry.domain) || domains.size() < AggregateFigures::kDomainsMax;
  AggregateFigures::Domain& figures = domains[known ? entry.domain : kOtherSource];
  for (const v1::DmarcSource& source : entry.sources) {
    (source.ours() ? figures.passed_ours : figures.passed_others) += source.passed();
    (source.ours() ? figures.failed_ours : figures.failed_others) += source.messages() - source.passed();
  }
  figures.tls_sessions += entry.successful_sessions;
  figures.tls_failed += entry.failed_sessions;
}

absl::Status AggregateRows::Enter(const AggregateEntry& entry, const std::vector<std::string>& tenants) {
  const std::string hash = AggregateHash(entry.identity);
  const std::string seen = std::string(1, static_cast<char>(AggregateRow::kSeen)) + hash;
  const auto there = change_->read().Get(kAggregates, seen);
  if (!there.ok() && !absl::IsNotFound(there.status())) return there.status();
  if (there.ok() || seen_.contains(seen)) {
    ++figures_->repeated;
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(DomainState* const state, StateOf(entry.domain));
  const int64_t today = DayOf(change_->now());
  if (state->days[today].reports >= Store::kReportsOfDayMax) {
    ++figures_->over_limit;
    return absl::OkStatus();
  }
  ++state->days[today].reports;
  state->changed.insert(today);
  seen_.insert(seen);

  // Inverted, so that the newest of a day stands first.
  std::string key = AggregatePrefix(AggregateRow::kReport, today, entry.domain);
  AppendBig64(~static_cast<uint64_t>(absl::ToUnixMicros(change_->now())), &key);
  key += hash;
  v1::AggregateReport summary = entry.summary;
  *summary.mutable_receive_time() = ToProtoTime(change_->now());
  change_->Put(kAggregates, key, summary);
  change_->Put(kAggregates, seen, key);

  if (entry.summary.kind() == v1::AggregateReport::DMARC) {
    RETURN_IF_ERROR(AddSources(entry, state));
  } else {
    RETURN_IF_ERROR(AddSessions(entry, state));
  }
  Count(entry);

  v1::Event event;
  event.set_kind(v1::Event::AGGREGATE_REPORT_RECEIVED);
  event.set_text(Printable(entry.text));
  if (tenants.empty()) change_->AddEvent(event);
  for (const std::string& tenant : tenants) {
    event.set_tenant(tenant);
    change_->AddEvent(event);
  }
  return absl::OkStatus();
}

void AggregateRows::Write() {
  for (const auto& [key, row] : sources_) change_->Put(kAggregates, key, row);
  for (const auto& [key, row] : sessions_) change_->Put(kAggregates, key, row);
  for (const auto& [key, row] : failures_) change_->Put(kAggregates, key, row);
  for (const auto& [domain, state] : domains_) {
    for (const int64_t day : state.changed) {
      const DayCount count = state.days.at(day);
      std::string value;
      AppendBig32(count.rows, &value);
      AppendBig32(count.reports, &value);
      change_->Put(kAggregates, AggregateCountKey(domain, day), value);
    }
  }
}

// Forgets the oldest rows of each sort, at most kTrimRowsMax, of days before `first_day`.
absl::Status Trim(Change* change, int64_t first_day) {
  constexpr std::array<AggregateRow, 4> kRows = {AggregateRow::kReport, AggregateRow::kSource, AggregateRow::kSessions,
                                                 AggregateRow::kFailure};
  for (const AggregateRow row : kRows) {
    std::set<std::string> counts;
    size_t rows = 0;
    const std::string from = AggregatePrefix(row, 0);
    RETURN_IF_ERROR(change->read().Scan(
        kAggregates, from, AggregatePrefix(row, first_day), [&](std::string_view key, std::string_view) {
          const std::string_view after = key.substr(from.size());
          const std::string_view domain = after.substr(0, after.find('\0'));
          change->Delete(kAggregates, key);
          counts.insert(AggregateCountKey(domain, ReadBig32(key.substr(1))));
          if (row == AggregateRow::kReport && key.size() > 16) {
            change->Delete(kAggregates, std::string(1, static_cast<char>(AggregateRow::kSeen)) +
                                            std::string(key.substr(key.size() - 16)));
          }
          return ++rows < kTrimRowsMax;
        }));
    for (const std::string& key : counts) change->Delete(kAggregates, key);
  }
  return absl::OkStatus();
}

absl::StatusOr<OursSet> EgressIps(const Reader& read) {
  OursSet ours;
  absl::Status failed;
  const std::string prefix = NameKey(NameKind::kNode, "");
  RETURN_IF_ERROR(read.Scan(kNames, prefix, PrefixEnd(prefix), [&](std::string_view, std::string_view value) {
    const auto node = Reader::ParseRecord<cluster::v1::StoredNode>(value);
    failed.Update(node.status());
    if (!node.ok()) return false;
    for (const v1::EgressIp& ip : node->egress_ips()) ours.insert(CanonicalIp(ip.address()));
    return true;
  }));
  RETURN_IF_ERROR(failed);
  return ours;
}

}  // namespace

absl::StatusOr<const CoveredDomains*> RocksStore::Covered(Change& change) {
  if (covered_.has_value() && covered_generation_ == writer_.keys_generation) return &*covered_;
  CoveredDomains fresh;
  for (const std::string& domain : options_.own_domains) fresh.Add(domain, "");
  absl::Status failed;
  const std::string prefix = NameKey(NameKind::kDomain, "");
  RETURN_IF_ERROR(change.read().Scan(kNames, prefix, PrefixEnd(prefix), [&](std::string_view, std::string_view value) {
    const auto stored = Reader::ParseRecord<cluster::v1::StoredSendingDomain>(value);
    failed.Update(stored.status());
    if (!stored.ok()) return false;
    // Nobody gets to see reports about a domain by merely naming it.
    if (stored->domain().state() != v1::SendingDomain::VERIFIED &&
        stored->domain().state() != v1::SendingDomain::LOST) {
      return true;
    }
    const std::string& name = stored->domain().name();
    fresh.Add(std::string_view(name).substr(name.rfind('/') + 1), TenantOf(name));
    return true;
  }));
  RETURN_IF_ERROR(failed);
  covered_ = std::move(fresh);
  covered_generation_ = writer_.keys_generation;
  return &*covered_;
}

absl::StatusOr<RocksStore::BounceReports> RocksStore::EnterAggregates(Change& change, const BounceReports& reports) {
  BounceReports aggregates;
  BounceReports others;
  for (const cluster::v1::BounceReport* report : reports) {
    (report->has_dmarc() || report->has_tls() ? aggregates : others).push_back(report);
  }
  if (aggregates.empty()) return others;
  ASSIGN_OR_RETURN(const CoveredDomains* const covered, Covered(change));
  ASSIGN_OR_RETURN(const OursSet ours, EgressIps(change.read()));
  AggregateFigures figures = AggregatesSinceStart();
  AggregateRows rows(&change, &figures);
  for (const cluster::v1::BounceReport* report : aggregates) {
    if (!IsTimely(*report, change.now())) {
      ++figures.untimely;
      continue;
    }
    const std::vector<AggregateEntry> entries = DivideReport(*report, *covered, ours);
    if (entries.empty()) ++figures.foreign;
    for (const AggregateEntry& entry : entries) {
      RETURN_IF_ERROR(rows.Enter(entry, covered->TenantsOf(entry.domain)));
    }
  }
  rows.Write();
  RETURN_IF_ERROR(Trim(&change, DayOf(change.now()) - kAggregateDays + 1));
  std::lock_guard lock(figures_mutex_);
  figures_ = std::move(figures);
  return others;
}

AggregateFigures RocksStore::AggregatesSinceStart() {
  std::lock_guard lock(figures_mutex_);
  return figures_;
}

}  // namespace wavepost
