#include "coordinator/store/aggregate_book.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/storage/db.h"
#include "coordinator/store/keys.h"
#include "coordinator/store/proto_time.h"
#include "coordinator/store/reader.h"

namespace wavepost {
namespace {

// Rows of each sort that go with a group of reports; the rest goes with the next groups.
constexpr size_t kTrimRowsMax = 2 * (kSourcesOfReportMax + kFailuresOfReportMax);

// Reports that are not listed need to be known again only as long as their dates allow them in.
int64_t UnlistedDays() {
  return absl::ToInt64Hours(kAggregateAgeMax + kAggregateFutureMax) / 24 + 1;
}

int64_t DayOf(absl::Time time) {
  return absl::ToUnixSeconds(time) / (24 * 60 * 60);
}

std::string SeenKey(std::string_view hash) {
  return absl::StrCat(std::string(1, static_cast<char>(AggregateRow::kSeen)), Av(hash));
}

size_t RowsOf(const cluster::v1::BounceReport& report) {
  if (report.has_dmarc()) return static_cast<size_t>(report.dmarc().rows_size());
  size_t rows = 0;
  for (const v1::TlsPolicyResult& policy : report.tls().policies()) {
    rows += 1 + static_cast<size_t>(policy.failures_size());
  }
  return rows;
}

std::vector<std::string> KeysOf(const AggregateEntry& entry) {
  std::vector<std::string> keys;
  if (entry.summary.kind() == v1::AggregateReport::DMARC) {
    const std::string prefix = AggregatePrefix(AggregateRow::kSource, entry.day, entry.domain);
    for (const v1::DmarcSource& source : entry.sources) keys.push_back(prefix + source.source_ip());
    keys.push_back(prefix + kOtherSource);
    return keys;
  }
  const std::string prefix = AggregatePrefix(AggregateRow::kFailure, entry.day, entry.domain);
  for (v1::TlsFailure kind : entry.failures) {
    kind.clear_sessions();
    keys.push_back(prefix + AggregateHash(kind.SerializeAsString()));
  }
  v1::TlsFailure rest;
  rest.set_result_type(kOtherSource);
  keys.push_back(prefix + AggregateHash(rest.SerializeAsString()));
  keys.push_back(AggregatePrefix(AggregateRow::kSessions, entry.day, entry.domain));
  return keys;
}

// Said once a day, with the first report behind a limit. `place`: how many there were before it today. Empty: nothing.
std::string LimitText(const AggregateEntry& entry, uint32_t place) {
  std::string_view then;
  if (place == Store::kReportEventsOfDayMax)
    then = "further ones of today make no event; they are listed and summed up";
  if (place == Store::kReportLinesOfDayMax) then = "further ones of today are summed up, but not listed";
  if (place == Store::kReportsOfDayMax) then = "further ones of today are dropped";
  if (then.empty()) return "";
  return absl::StrCat(place, " DMARC and TLS reports about ", entry.domain,
                      " came today, which is a limit: ", Av(then));
}

}  // namespace

absl::StatusOr<AggregateBook::DomainState*> AggregateBook::StateOf(std::string_view domain) {
  const auto found = domains_.find(domain);
  if (found != domains_.end()) return &found->second;
  DomainState state;
  const std::string prefix = AggregateCountPrefix(domain);
  const auto visit = [&](std::string_view key, std::string_view value) {
    if (key.size() != prefix.size() + 4 || value.size() != 8) return true;
    const DayCount count = {ReadBig32(value), ReadBig32(value.substr(4))};
    state.days[ReadBig32(key.substr(prefix.size()))] = count;
    state.rows += count.rows;
    return true;
  };
  RETURN_IF_ERROR(change_->read().Scan(kAggregates, prefix, PrefixEnd(prefix), visit));
  return &domains_.emplace(std::string(domain), std::move(state)).first->second;
}

absl::StatusOr<bool> AggregateBook::AllFull(const cluster::v1::BounceReport& report) {
  const std::vector<std::string> domains = DomainsNamed(report, *covered_);
  for (const std::string& domain : domains) {
    ASSIGN_OR_RETURN(DomainState* const state, StateOf(domain));
    if (state->days[DayOf(change_->now())].reports <= Store::kReportsOfDayMax) return false;
  }
  return !domains.empty();
}

absl::Status AggregateBook::Add(const cluster::v1::BounceReport& report) {
  if (!IsTimely(report, change_->now())) {
    ++figures_->untimely;
    return absl::OkStatus();
  }
  if (!MayConcern(report, *covered_)) {
    ++figures_->foreign;
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const bool full, AllFull(report));
  const size_t rows = RowsOf(report);
  if (full || rows > kRowsOfChangeMax - rows_taken_) {
    ++figures_->over_limit;
    return absl::OkStatus();
  }
  rows_taken_ += rows;
  std::vector<AggregateEntry> entries = DivideReport(report, *covered_, *ours_);
  if (entries.empty()) ++figures_->foreign;
  for (AggregateEntry& entry : entries) {
    Given& given = given_.emplace_back();
    given.hash = AggregateHash(entry.identity);
    given.seen = SeenKey(given.hash);
    given.keys = KeysOf(entry);
    given.entry = std::move(entry);
  }
  return absl::OkStatus();
}

absl::Status AggregateBook::Read(std::vector<std::string> keys) {
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  ASSIGN_OR_RETURN(auto values, change_->read().MultiGet(kAggregates, keys));
  for (size_t i = 0; i < keys.size(); ++i) stored_[std::move(keys[i])] = std::move(values[i]);
  return absl::OkStatus();
}

absl::Status AggregateBook::ReadRows() {
  std::vector<std::string> keys;
  for (const Given& given : given_) keys.push_back(given.seen);
  RETURN_IF_ERROR(Read(std::move(keys)));
  std::vector<Given> fresh;
  keys.clear();
  for (Given& given : given_) {
    if (stored_[given.seen].has_value()) {
      ++figures_->repeated;
      continue;
    }
    keys.insert(keys.end(), given.keys.begin(), given.keys.end());
    fresh.push_back(std::move(given));
  }
  given_ = std::move(fresh);
  return Read(std::move(keys));
}

absl::Status AggregateBook::Enter() {
  RETURN_IF_ERROR(ReadRows());
  std::set<std::string_view> seen;
  for (const Given& given : given_) {
    if (!seen.insert(given.seen).second) {
      ++figures_->repeated;
      continue;
    }
    RETURN_IF_ERROR(EnterOne(given));
  }
  Write();
  return absl::OkStatus();
}

absl::Status AggregateBook::EnterOne(const Given& given) {
  const AggregateEntry& entry = given.entry;
  ASSIGN_OR_RETURN(DomainState* const state, StateOf(entry.domain));
  const int64_t today = DayOf(change_->now());
  uint32_t& reports = state->days[today].reports;
  if (reports > Store::kReportsOfDayMax) {
    ++figures_->over_limit;
    return absl::OkStatus();
  }
  const uint32_t place = reports++;
  state->changed.insert(today);
  const std::string limit = LimitText(entry, place);
  if (!limit.empty()) AddEvent(entry, limit);
  if (place == Store::kReportsOfDayMax) {
    ++figures_->over_limit;
    return absl::OkStatus();
  }
  PutReport(given, place);
  if (entry.summary.kind() == v1::AggregateReport::DMARC) {
    RETURN_IF_ERROR(AddSources(given, state));
  } else {
    RETURN_IF_ERROR(AddSessions(given, state));
  }
  Count(entry);
  const bool failed = entry.summary.passed() < entry.summary.total();
  if (place < (failed ? Store::kReportEventsOfDayMax : Store::kPassedEventsOfDayMax)) AddEvent(entry, entry.text);
  return absl::OkStatus();
}

void AggregateBook::PutReport(const Given& given, uint32_t place) {
  const AggregateEntry& entry = given.entry;
  const bool listed = place < Store::kReportLinesOfDayMax;
  const AggregateRow sort = listed ? AggregateRow::kReport : AggregateRow::kUnlisted;
  // Inverted, so that the newest of a day stands first.
  std::string key = AggregatePrefix(sort, DayOf(change_->now()), entry.domain);
  AppendBig64(~static_cast<uint64_t>(absl::ToUnixMicros(change_->now())), &key);
  key += given.hash;
  v1::AggregateReport summary;
  if (listed) {
    summary = entry.summary;
    *summary.mutable_receive_time() = ToProtoTime(change_->now());
  }
  change_->Put(kAggregates, key, summary);
  change_->Put(kAggregates, given.seen, key);
}

void AggregateBook::AddEvent(const AggregateEntry& entry, const std::string& text) {
  v1::Event event;
  event.set_kind(v1::Event::AGGREGATE_REPORT_RECEIVED);
  event.set_text(Printable(text));
  const std::vector<std::string>& tenants = covered_->TenantsOf(entry.domain);
  if (tenants.empty()) change_->AddEvent(event);
  for (const std::string& tenant : tenants) {
    event.set_tenant(tenant);
    change_->AddEvent(event);
  }
}

template <class Message>
absl::StatusOr<Message*> AggregateBook::Row(std::map<std::string, Message>* rows, const std::string& key, bool* fresh) {
  *fresh = false;
  if (const auto found = rows->find(key); found != rows->end()) return &found->second;
  const std::optional<std::string>& stored = stored_.at(key);
  *fresh = !stored.has_value();
  Message row;
  if (stored.has_value()) {
    ASSIGN_OR_RETURN(row, Reader::ParseRecord<Message>(*stored));
  }
  return &rows->emplace(key, std::move(row)).first->second;
}

template <class Message>
absl::StatusOr<Message*> AggregateBook::RowOr(std::map<std::string, Message>* rows, const std::string& key,
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

absl::Status AggregateBook::AddSources(const Given& given, DomainState* state) {
  const std::string& other = given.keys.back();
  for (size_t i = 0; i < given.entry.sources.size(); ++i) {
    const v1::DmarcSource& source = given.entry.sources[i];
    ASSIGN_OR_RETURN(v1::DmarcSource* const row, RowOr(&sources_, given.keys[i], other, state, given.entry.day));
    row->set_messages(row->messages() + source.messages());
    row->set_passed(row->passed() + source.passed());
    row->set_dkim_aligned(row->dkim_aligned() + source.dkim_aligned());
    row->set_spf_aligned(row->spf_aligned() + source.spf_aligned());
    row->set_quarantined(row->quarantined() + source.quarantined());
    row->set_rejected(row->rejected() + source.rejected());
  }
  return absl::OkStatus();
}

absl::Status AggregateBook::AddSessions(const Given& given, DomainState* state) {
  const AggregateEntry& entry = given.entry;
  bool fresh = false;
  ASSIGN_OR_RETURN(v1::TlsPolicyResult* const sums, Row(&sessions_, given.keys.back(), &fresh));
  sums->set_successful_sessions(sums->successful_sessions() + entry.successful_sessions);
  sums->set_failed_sessions(sums->failed_sessions() + entry.failed_sessions);
  const std::string& other = given.keys[entry.failures.size()];
  for (size_t i = 0; i < entry.failures.size(); ++i) {
    const std::string& key = given.keys[i];
    ASSIGN_OR_RETURN(v1::TlsFailure* const row, RowOr(&failures_, key, other, state, entry.day));
    if (row->sessions() == 0) {
      // New. There was no room for it if its own row is not there.
      if (failures_.contains(key)) *row = entry.failures[i];
      if (!failures_.contains(key)) row->set_result_type(kOtherSource);
      row->set_sessions(0);
    }
    row->set_sessions(row->sessions() + entry.failures[i].sessions());
  }
  return absl::OkStatus();
}

void AggregateBook::Count(const AggregateEntry& entry) {
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

void AggregateBook::Write() {
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

absl::Status TrimAggregates(Change* change) {
  const int64_t today = DayOf(change->now());
  for (const AggregateRow row : {AggregateRow::kReport, AggregateRow::kUnlisted, AggregateRow::kSource,
                                 AggregateRow::kSessions, AggregateRow::kFailure}) {
    const bool unlisted = row == AggregateRow::kUnlisted;
    const int64_t first_day = today - (unlisted ? UnlistedDays() : Store::kAggregateDays) + 1;
    std::set<std::string> counts;
    size_t rows = 0;
    const std::string from = AggregatePrefix(row, 0);
    const auto visit = [&](std::string_view key, std::string_view) {
      const std::string_view after = key.substr(from.size());
      change->Delete(kAggregates, key);
      if (!unlisted) counts.insert(AggregateCountKey(after.substr(0, after.find('\0')), ReadBig32(key.substr(1))));
      if ((unlisted || row == AggregateRow::kReport) && key.size() > 16) {
        change->Delete(kAggregates, SeenKey(key.substr(key.size() - 16)));
      }
      return ++rows < kTrimRowsMax;
    };
    RETURN_IF_ERROR(change->read().Scan(kAggregates, from, AggregatePrefix(row, first_day), visit));
    for (const std::string& key : counts) change->Delete(kAggregates, key);
  }
  return absl::OkStatus();
}

}  // namespace wavepost
