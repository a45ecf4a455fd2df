#include "sender/tls/tls_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

using Json = nlohmann::ordered_json;
using State = cluster::v1::TlsReportState;

constexpr int64_t kDaySeconds = 24 * 3600;
constexpr size_t kReasonBytesMax = 256;
constexpr size_t kFieldBytesMax = 512;
constexpr size_t kUrisMax = 16;

template <class Repeated>
bool SameStrings(const Repeated& stored, const std::vector<std::string>& strings) {
  return std::equal(stored.begin(), stored.end(), strings.begin(), strings.end());
}

State::Policy* FindOrAddPolicy(State* state, const ReportedPolicy& policy, size_t policies_max) {
  for (State::Policy& known : *state->mutable_policy()) {
    if (known.type() == policy.type && known.policy_domain() == policy.domain &&
        SameStrings(known.policy_string(), policy.strings) && SameStrings(known.mx_host(), policy.mx)) {
      return &known;
    }
  }
  const bool full = static_cast<size_t>(state->policy_size()) >= policies_max;
  if (full && !(policy.strings.empty() && policy.mx.empty() && policy.domain == state->domain())) {
    ReportedPolicy rest;  // one place for all the others of its type
    rest.type = policy.type;
    rest.domain = state->domain();
    return FindOrAddPolicy(state, rest, policies_max);
  }
  State::Policy* added = state->add_policy();
  added->set_type(policy.type);
  added->set_policy_domain(policy.domain);
  for (const std::string& line : policy.strings) added->add_policy_string(line);
  for (const std::string& mx : policy.mx) added->add_mx_host(mx);
  return added;
}

State::Failure* FindOrAddFailure(State::Policy* policy, const State::Failure& failure, size_t failures_max) {
  for (State::Failure& known : *policy->mutable_failure()) {
    if (known.result_type() == failure.result_type() && known.sending_mta_ip() == failure.sending_mta_ip() &&
        known.receiving_mx_hostname() == failure.receiving_mx_hostname() &&
        known.receiving_ip() == failure.receiving_ip()) {
      return &known;
    }
  }
  const bool is_rest =
      failure.sending_mta_ip().empty() && failure.receiving_mx_hostname().empty() && failure.receiving_ip().empty();
  if (static_cast<size_t>(policy->failure_size()) >= failures_max && !is_rest) {
    State::Failure rest;
    rest.set_result_type(failure.result_type());
    return FindOrAddFailure(policy, rest, failures_max);
  }
  State::Failure* added = policy->add_failure();
  *added = failure;
  added->set_sessions(0);
  return added;
}

std::string Time(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

absl::Time StartOf(const State& state) {
  return absl::FromUnixSeconds(state.day() * kDaySeconds);
}

// The last second of the report: its end is told inclusively, as in the examples of RFC 8460.
absl::Time LastSecond(const State& state, absl::Time end) {
  const absl::Time day_end = StartOf(state) + absl::Seconds(kDaySeconds);
  return std::max(std::min(end, day_end) - absl::Seconds(1), StartOf(state));
}

std::string Field(const std::string& text) {
  return Printable(text, kFieldBytesMax);
}

Json FailureJson(const State::Failure& failure) {
  Json out;
  out["result-type"] = Field(failure.result_type());
  if (!failure.sending_mta_ip().empty()) out["sending-mta-ip"] = Field(failure.sending_mta_ip());
  if (!failure.receiving_mx_hostname().empty()) out["receiving-mx-hostname"] = Field(failure.receiving_mx_hostname());
  if (!failure.receiving_ip().empty()) out["receiving-ip"] = Field(failure.receiving_ip());
  out["failed-session-count"] = failure.sessions();
  if (!failure.reason().empty()) out["failure-reason-code"] = Field(failure.reason());
  return out;
}

Json PolicyJson(const State::Policy& policy) {
  Json described;
  described["policy-type"] = Field(policy.type());
  if (policy.policy_string_size() > 0) {
    Json& lines = described["policy-string"] = Json::array();
    for (const std::string& line : policy.policy_string()) lines.push_back(Printable(line, 2 * kTlsaDataBytesMax + 64));
  }
  described["policy-domain"] = Field(policy.policy_domain());
  if (policy.mx_host_size() > 0) {
    Json& hosts = described["mx-host"] = Json::array();
    for (const std::string& mx : policy.mx_host()) hosts.push_back(Field(mx));
  }
  Json out;
  out["policy"] = std::move(described);
  out["summary"] = {{"total-successful-session-count", policy.successes()},
                    {"total-failure-session-count", policy.failures()}};
  if (policy.failure_size() > 0) {
    Json& details = out["failure-details"] = Json::array();
    for (const State::Failure& failure : policy.failure()) details.push_back(FailureJson(failure));
  }
  return out;
}

std::string_view Trimmed(std::string_view s) {
  const size_t begin = s.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return s.substr(begin, s.find_last_not_of(" \t") - begin + 1);
}

std::vector<std::string_view> Split(std::string_view s, char delimiter) {
  std::vector<std::string_view> pieces;
  for (;;) {
    const size_t end = s.find(delimiter);
    pieces.push_back(Trimmed(s.substr(0, end)));
    if (end == std::string_view::npos) return pieces;
    s.remove_prefix(end + 1);
  }
}

bool IsUri(std::string_view uri) {
  const bool known = StartsWithIgnoreCase(uri, "mailto:") || StartsWithIgnoreCase(uri, "https:");
  return known && std::all_of(uri.begin(), uri.end(), [](unsigned char c) { return c > 0x20 && c < 0x7F; });
}

}  // namespace

TlsSession SessionOf(const std::string& domain, const std::string& mx_host, const HostPlan& plan,
                     const TlsOutcome& outcome, const std::string& sending_ip, const std::string& receiving_ip) {
  TlsSession session{.domain = domain,
                     .policy = plan.policy,
                     .sending_ip = sending_ip,
                     .mx_host = mx_host,
                     .receiving_ip = receiving_ip};
  if (!plan.allowed) {
    session.failure_type = plan.refusal_type;
    session.reason = plan.refusal;
  } else if (!outcome.failure_type.empty()) {
    session.failure_type = outcome.failure_type;
    session.reason = outcome.failure_detail;
  } else if (plan.policy != nullptr) {
    session.failure_type = plan.policy->failure_type;
  }
  return session;
}

int64_t UtcDay(absl::Time time) {
  const int64_t seconds = absl::ToUnixSeconds(time);
  return seconds >= 0 ? seconds / kDaySeconds : -((kDaySeconds - 1 - seconds) / kDaySeconds);
}

void TlsReportBook::Count(const TlsSession& session, absl::Time now) {
  if (session.policy == nullptr || session.domain.empty()) return;
  Key key(UtcDay(now), session.domain);
  auto it = days_.find(key);
  if (it == days_.end()) {
    if (days_.size() >= limits_.domains_max) {
      ++sessions_lost_;
      return;
    }
    it = days_.emplace(key, State()).first;
    it->second.set_day(key.first);
    it->second.set_domain(key.second);
  }
  State::Policy* policy = FindOrAddPolicy(&it->second, *session.policy, limits_.policies_max);
  changed_.insert(std::move(key));
  if (session.failure_type.empty()) {
    policy->set_successes(policy->successes() + 1);
    return;
  }
  policy->set_failures(policy->failures() + 1);
  State::Failure failure;
  failure.set_result_type(session.failure_type);
  failure.set_sending_mta_ip(session.sending_ip);
  failure.set_receiving_mx_hostname(session.mx_host);
  failure.set_receiving_ip(session.receiving_ip);
  failure.set_reason(Printable(session.reason, kReasonBytesMax));
  State::Failure* row = FindOrAddFailure(policy, failure, limits_.failures_max);
  row->set_sessions(row->sessions() + 1);
}

void TlsReportBook::Restore(const State& state) {
  const Key key(state.day(), state.domain());
  const auto it = days_.find(key);
  if (it == days_.end()) {
    if (days_.size() < limits_.domains_max) days_.emplace(key, state);
    return;
  }
  for (const State::Policy& stored : state.policy()) {
    ReportedPolicy described{.type = stored.type(), .domain = stored.policy_domain()};
    described.strings.assign(stored.policy_string().begin(), stored.policy_string().end());
    described.mx.assign(stored.mx_host().begin(), stored.mx_host().end());
    State::Policy* policy = FindOrAddPolicy(&it->second, described, limits_.policies_max);
    policy->set_successes(policy->successes() + stored.successes());
    policy->set_failures(policy->failures() + stored.failures());
    for (const State::Failure& failure : stored.failure()) {
      State::Failure* row = FindOrAddFailure(policy, failure, limits_.failures_max);
      row->set_sessions(row->sessions() + failure.sessions());
    }
  }
  changed_.insert(key);
}

const State* TlsReportBook::Find(const Key& key) const {
  const auto it = days_.find(key);
  return it == days_.end() ? nullptr : &it->second;
}

std::vector<TlsReportBook::Key> TlsReportBook::Keys() const {
  std::vector<Key> keys;
  for (const auto& [key, state] : days_) keys.push_back(key);
  return keys;
}

void TlsReportBook::Remove(const Key& key) {
  days_.erase(key);
  changed_.erase(key);
}

std::vector<TlsReportBook::Key> TlsReportBook::TakeChanged() {
  std::vector<Key> keys(changed_.begin(), changed_.end());
  changed_.clear();
  return keys;
}

std::string TlsReportJson(const State& state, const TlsReportIdentity& identity, absl::Time end) {
  Json out;
  out["organization-name"] = Field(identity.organization);
  out["date-range"] = {{"start-datetime", Time(StartOf(state))}, {"end-datetime", Time(LastSecond(state, end))}};
  out["contact-info"] = Field(identity.contact);
  out["report-id"] = Field(
      absl::StrCat(Time(LastSecond(state, end)), "_", state.domain(), "_", identity.node, "@", identity.submitter));
  Json& policies = out["policies"] = Json::array();
  for (const State::Policy& policy : state.policy()) policies.push_back(PolicyJson(policy));
  return out.dump(2, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace) + "\n";
}

std::string TlsReportFileName(const State& state, const TlsReportIdentity& identity, absl::Time end) {
  std::string name = absl::StrCat(identity.submitter, "!", state.domain(), "!", absl::ToUnixSeconds(StartOf(state)),
                                  "!", absl::ToUnixSeconds(LastSecond(state, end)), "!", identity.node);
  for (char& c : name) {  // names come from configuration and from recipients: none may leave the folder
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                       c == '-' || c == '_' || c == '!';
    if (!plain) c = '_';
  }
  return name;
}

std::vector<std::string> ParseTlsRptRecord(const std::vector<std::string>& texts) {
  std::vector<std::string> uris;
  int records = 0;
  for (const std::string& text : texts) {
    const std::vector<std::string_view> fields = Split(text, ';');
    if (fields.size() < 2 || fields[0] != "v=TLSRPTv1" || !text.starts_with("v=TLSRPTv1")) continue;
    ++records;
    for (const std::string_view field : fields) {
      if (!field.starts_with("rua=")) continue;
      for (const std::string_view uri : Split(field.substr(4), ',')) {
        if (IsUri(uri) && uris.size() < kUrisMax) uris.emplace_back(uri);
      }
      break;
    }
  }
  if (records != 1) uris.clear();
  return uris;
}

}  // namespace wavepost
