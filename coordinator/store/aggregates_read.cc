// What DMARC and TLS reports said, read back.
#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/storage/db.h"
#include "coordinator/store/aggregate_rules.h"
#include "coordinator/store/proto_time.h"
#include "coordinator/store/rocks_store_impl.h"

namespace wavepost {
namespace {

constexpr size_t kFailuresListedMax = 1000;
// Kinds of failure looked at for one answer.
constexpr size_t kFailuresReadMax = 100'000;

google::protobuf::Timestamp MidnightOf(int64_t day) {
  google::protobuf::Timestamp out;
  out.set_seconds(day * 24 * 60 * 60);
  return out;
}

void AddDay(const v1::DmarcSource& day, const google::protobuf::Timestamp& midnight, v1::DmarcSource* sum) {
  sum->set_messages(sum->messages() + day.messages());
  sum->set_passed(sum->passed() + day.passed());
  sum->set_dkim_aligned(sum->dkim_aligned() + day.dkim_aligned());
  sum->set_spf_aligned(sum->spf_aligned() + day.spf_aligned());
  sum->set_quarantined(sum->quarantined() + day.quarantined());
  sum->set_rejected(sum->rejected() + day.rejected());
  // Days come newest first.
  if (!sum->has_last_day()) *sum->mutable_last_day() = midnight;
  *sum->mutable_first_day() = midnight;
}

// Visits the rows of one sort, domain and day. `take(suffix, message)`.
template <class Message, class Take>
absl::Status ForEach(const Reader& read, const std::string& prefix, Take take) {
  absl::Status failed;
  RETURN_IF_ERROR(read.Scan(kAggregates, prefix, PrefixEnd(prefix), [&](std::string_view key, std::string_view value) {
    const auto row = Reader::ParseRecord<Message>(value);
    failed.Update(row.status());
    if (!row.ok()) return false;
    take(key.substr(prefix.size()), *row);
    return true;
  }));
  return failed;
}

}  // namespace

std::vector<int64_t> RocksStore::LastDays(int days) const {
  const int64_t today = absl::ToUnixSeconds(options_.clock->Now()) / (24 * 60 * 60);
  std::vector<int64_t> out;
  for (int i = 0; i < std::clamp(days, 1, kAggregateDays); ++i) out.push_back(today - i);
  return out;
}

absl::StatusOr<std::vector<v1::DmarcSource>> RocksStore::DmarcSources(std::string_view domain, int days) {
  const Reader read = Durable();
  std::map<std::string, v1::DmarcSource, std::less<>> sums;
  for (const int64_t day : LastDays(days)) {
    const google::protobuf::Timestamp midnight = MidnightOf(day);
    const auto take = [&](std::string_view ip, const v1::DmarcSource& row) {
      auto found = sums.find(ip);
      if (found == sums.end()) found = sums.emplace(std::string(ip), v1::DmarcSource()).first;
      AddDay(row, midnight, &found->second);
    };
    RETURN_IF_ERROR(ForEach<v1::DmarcSource>(read, AggregatePrefix(AggregateRow::kSource, day, domain), take));
  }
  ASSIGN_OR_RETURN(const std::vector<cluster::v1::StoredNode> nodes, ListNodes());
  for (const cluster::v1::StoredNode& node : nodes) {
    for (const v1::EgressIp& ip : node.egress_ips()) {
      if (const auto found = sums.find(CanonicalIp(ip.address())); found != sums.end()) found->second.set_ours(true);
    }
  }
  std::vector<v1::DmarcSource> out;
  out.reserve(sums.size());
  for (auto& [ip, source] : sums) {
    source.set_source_ip(ip);
    out.push_back(std::move(source));
  }
  // Equal ones stay in order of their address.
  std::stable_sort(out.begin(), out.end(),
                   [](const v1::DmarcSource& a, const v1::DmarcSource& b) { return a.messages() > b.messages(); });
  return out;
}

absl::StatusOr<v1::ListTlsResultsResponse> RocksStore::TlsResults(std::string_view domain, int days) {
  const Reader read = Durable();
  v1::ListTlsResultsResponse out;
  std::map<std::string, v1::TlsFailure, std::less<>> kinds;
  for (const int64_t day : LastDays(days)) {
    const auto add = [&](std::string_view, const v1::TlsPolicyResult& sums) {
      out.set_successful_sessions(out.successful_sessions() + sums.successful_sessions());
      out.set_failed_sessions(out.failed_sessions() + sums.failed_sessions());
    };
    RETURN_IF_ERROR(ForEach<v1::TlsPolicyResult>(read, AggregatePrefix(AggregateRow::kSessions, day, domain), add));
    const auto take = [&](std::string_view hash, const v1::TlsFailure& row) {
      auto found = kinds.find(hash);
      if (found == kinds.end()) {
        if (kinds.size() >= kFailuresReadMax) return;
        found = kinds.emplace(std::string(hash), row).first;
        return;
      }
      found->second.set_sessions(found->second.sessions() + row.sessions());
    };
    RETURN_IF_ERROR(ForEach<v1::TlsFailure>(read, AggregatePrefix(AggregateRow::kFailure, day, domain), take));
  }
  std::vector<v1::TlsFailure> failures;
  for (auto& [hash, failure] : kinds) failures.push_back(std::move(failure));
  std::stable_sort(failures.begin(), failures.end(),
                   [](const v1::TlsFailure& a, const v1::TlsFailure& b) { return a.sessions() > b.sessions(); });
  if (failures.size() > kFailuresListedMax) failures.resize(kFailuresListedMax);
  for (v1::TlsFailure& failure : failures) *out.add_failures() = std::move(failure);
  return out;
}

absl::StatusOr<Page<v1::AggregateReport>> RocksStore::AggregateReports(std::string_view domain, int page_size,
                                                                       std::string_view cursor) {
  const size_t limit = PageSize(page_size);
  const Reader read = Durable();
  Page<v1::AggregateReport> page;
  std::string last;
  // The cursor is the last key of the page before.
  const int64_t cursor_day = cursor.size() < 5 ? 0 : ReadBig32(cursor.substr(1));
  for (const int64_t day : LastDays(kAggregateDays)) {
    if (!cursor.empty() && day > cursor_day) continue;
    const std::string prefix = AggregatePrefix(AggregateRow::kReport, day, domain);
    std::string from = prefix;
    if (!cursor.empty() && day == cursor_day && cursor > from) from = std::string(cursor) + '\0';
    absl::Status failed;
    const auto visit = [&](std::string_view key, std::string_view value) {
      if (page.items.size() == limit) {
        page.next = last;
        return false;
      }
      auto report = Reader::ParseRecord<v1::AggregateReport>(value);
      failed.Update(report.status());
      if (!report.ok()) return false;
      page.items.push_back(*std::move(report));
      last = key;
      return true;
    };
    RETURN_IF_ERROR(read.Scan(kAggregates, from, PrefixEnd(prefix), visit));
    RETURN_IF_ERROR(failed);
    if (!page.next.empty()) break;
  }
  return page;
}

absl::StatusOr<bool> RocksStore::VerifiedElsewhere(std::string_view name) {
  const std::string prefix = NameKey(NameKind::kDomain, "");
  const std::string_view same = name.substr(name.find('/', name.find('/') + 1));  // "/sendingDomains/{domain}"
  bool verified = false;
  absl::Status failed;
  const auto visit = [&](std::string_view key, std::string_view value) {
    if (!absl::EndsWith(Av(key), Av(same)) || key.substr(prefix.size()) == name) return true;
    const auto stored = Reader::ParseRecord<cluster::v1::StoredSendingDomain>(value);
    failed.Update(stored.status());
    verified = stored.ok() && stored->domain().state() == v1::SendingDomain::VERIFIED;
    return stored.ok() && !verified;
  };
  RETURN_IF_ERROR(Durable().Scan(kNames, prefix, PrefixEnd(prefix), visit));
  RETURN_IF_ERROR(failed);
  return verified;
}

}  // namespace wavepost
