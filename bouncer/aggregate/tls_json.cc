#include "bouncer/aggregate/tls_json.h"

#include <cmath>
#include <cstdint>
#include <istream>
#include <nlohmann/json.hpp>
#include <optional>
#include <streambuf>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "bouncer/aggregate/dmarc_rows.h"
#include "bouncer/aggregate/fields.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

// The unpacked bytes as the parser wants them. An error looks like an end; the status says it.
class PieceBuffer : public std::streambuf {
 public:
  explicit PieceBuffer(Unpacker* in) : in_(in) {}
  const absl::Status& status() const { return status_; }

 protected:
  int_type underflow() override {
    if (!status_.ok()) return traits_type::eof();
    auto piece = in_->Next();
    if (!piece.ok()) {
      status_ = piece.status();
      return traits_type::eof();
    }
    bytes_ += piece->size();
    if (bytes_ > kJsonBytesMax) {
      status_ = absl::ResourceExhaustedError(absl::StrCat("the JSON has more than ", kJsonBytesMax, " bytes"));
      return traits_type::eof();
    }
    if (piece->empty()) return traits_type::eof();
    // streambuf wants pointers to what it may write; nothing here writes.
    char* const start = const_cast<char*>(piece->data());
    setg(start, start, start + piece->size());
    return traits_type::to_int_type(*gptr());
  }

 private:
  Unpacker* in_;
  absl::Status status_;
  size_t bytes_ = 0;
};

// nlohmann-json's events. Returning false ends the parse.
class TlsEvents : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return Value({}); }
  bool boolean(bool) override { return Value({}); }
  bool number_integer(number_integer_t value) override { return Value(absl::StrCat(value)); }
  bool number_unsigned(number_unsigned_t value) override { return Value(absl::StrCat(value)); }
  bool number_float(number_float_t value, const string_t&) override {
    const bool whole = std::floor(value) == value && value >= 0 && value <= static_cast<double>(kReportCountMax);
    return Value(whole ? absl::StrCat(static_cast<int64_t>(value)) : "?");
  }
  bool string(string_t& value) override { return Value(value); }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override { return Open(); }
  bool start_array(size_t) override { return Open(); }
  bool end_array() override { return Close(false); }
  bool end_object() override { return Close(true); }
  bool key(string_t& value) override {
    path_.resize(ends_.empty() ? 0 : ends_.back());
    absl::StrAppend(&path_, "/", AsciiLower(std::string_view(value).substr(0, 64)));
    return true;
  }
  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception&) override {
    Fail(absl::InvalidArgumentError(absl::StrCat("the JSON is broken at byte ", position)));
    return false;
  }

  const absl::Status& status() const { return status_; }
  absl::StatusOr<v1::TlsReport> Finish();

 private:
  void Fail(absl::Status why) {
    if (status_.ok()) status_ = std::move(why);
  }
  bool Open();
  bool Close(bool object);
  bool Value(std::string_view text);
  bool PolicyValue(std::string_view name, std::string_view text);
  void FailureValue(std::string_view name, std::string_view text);
  void EndFailure();
  void EndPolicy();

  absl::Status status_;
  std::string path_;          // of keys; arrays add nothing: "/policies/summary/total-..."
  std::vector<size_t> ends_;  // length of path_ where each open object or array began
  v1::TlsReport report_;
  v1::TlsPolicyResult policy_;
  bool policy_readable_ = true;
  v1::TlsFailure failure_;
  bool failure_readable_ = true;
  size_t bytes_ = 0;  // about what is kept
  std::string contact_;
  std::optional<absl::Time> begin_, end_;
};

bool TlsEvents::Open() {
  if (ends_.size() >= kJsonDepthMax) {
    Fail(absl::ResourceExhaustedError(absl::StrCat("the JSON is more than ", kJsonDepthMax, " levels deep")));
    return false;
  }
  ends_.push_back(path_.size());
  return true;
}

bool TlsEvents::Close(bool object) {
  if (ends_.empty()) return false;
  path_.resize(ends_.back());
  ends_.pop_back();
  if (!object) return true;
  if (path_ == "/policies/failure-details") EndFailure();
  if (path_ == "/policies") EndPolicy();
  return true;
}

bool TlsEvents::Value(std::string_view text) {
  const std::string_view path = path_;
  constexpr std::string_view kPolicies = "/policies/";
  if (path == "/organization-name") report_.set_org_name(ReportText(text));
  if (path == "/report-id") report_.set_report_id(ReportText(text));
  if (path == "/contact-info") contact_ = ReportText(text);
  if (path == "/date-range/start-datetime") begin_ = ReportTime(text);
  if (path == "/date-range/end-datetime") end_ = ReportTime(text);
  if (path.substr(0, kPolicies.size()) != kPolicies) return true;
  return PolicyValue(path.substr(kPolicies.size()), text);
}

bool TlsEvents::PolicyValue(std::string_view name, std::string_view text) {
  constexpr std::string_view kFailures = "failure-details/";
  if (name.substr(0, kFailures.size()) == kFailures) {
    FailureValue(name.substr(kFailures.size()), text);
    return true;
  }
  if (name == "policy/policy-type") policy_.set_policy_type(ReportWord(text));
  if (name == "policy/policy-domain") policy_.set_policy_domain(ReportDomain(text).value_or(""));
  const bool good = name == "summary/total-successful-session-count";
  const bool bad = name == "summary/total-failure-session-count";
  if (!good && !bad) return true;
  const std::optional<int64_t> count = ReportCount(text);
  policy_readable_ = policy_readable_ && count.has_value();
  if (good) policy_.set_successful_sessions(count.value_or(0));
  if (bad) policy_.set_failed_sessions(count.value_or(0));
  return true;
}

void TlsEvents::FailureValue(std::string_view name, std::string_view text) {
  if (name == "result-type") failure_.set_result_type(ReportWord(text));
  if (name == "sending-mta-ip") failure_.set_sending_mta_ip(ReportIp(text).value_or(""));
  if (name == "receiving-mx-hostname") failure_.set_receiving_mx(ReportText(text));
  if (name == "failure-reason-code" || (name == "additional-information" && failure_.reason().empty())) {
    failure_.set_reason(ReportText(text));
  }
  if (name != "failed-session-count") return;
  const std::optional<int64_t> count = ReportCount(text);
  failure_readable_ = failure_readable_ && count.has_value();
  failure_.set_sessions(count.value_or(0));
}

void TlsEvents::EndFailure() {
  v1::TlsFailure failure = std::exchange(failure_, v1::TlsFailure());
  const bool readable = std::exchange(failure_readable_, true) && !failure.result_type().empty();
  const size_t bytes = failure.ByteSizeLong() + 8;
  // Half of the room, so that all policies with their sums have their place.
  if (!readable || policy_.failures_size() >= kTlsFailuresMax || bytes_ + bytes > kAggregateBytesMax / 2) {
    report_.set_incomplete(true);
    return;
  }
  bytes_ += bytes;
  *policy_.add_failures() = std::move(failure);
}

void TlsEvents::EndPolicy() {
  v1::TlsPolicyResult policy = std::exchange(policy_, v1::TlsPolicyResult());
  const bool readable = std::exchange(policy_readable_, true) && !policy.policy_domain().empty();
  if (!readable || report_.policies_size() >= kTlsPoliciesMax) {
    report_.set_incomplete(true);
    return;
  }
  *report_.add_policies() = std::move(policy);
}

absl::StatusOr<v1::TlsReport> TlsEvents::Finish() {
  if (report_.policies_size() == 0) return absl::InvalidArgumentError("the JSON is no TLS report: it has no policies");
  if (!begin_.has_value()) return absl::InvalidArgumentError("the TLS report has no date that makes sense");
  const absl::Time end = end_.value_or(*begin_ + absl::Hours(24));
  if (!IsReportPeriod(*begin_, end)) return absl::InvalidArgumentError("the TLS report's dates contradict each other");
  *report_.mutable_begin_time() = ReportTimestamp(*begin_);
  *report_.mutable_end_time() = ReportTimestamp(end);
  if (report_.org_name().empty()) report_.set_org_name(contact_.substr(contact_.rfind('@') + 1));
  if (report_.org_name().empty()) report_.set_org_name("unknown");
  if (report_.report_id().empty()) report_.set_report_id(MadeUpReportId(report_.SerializeAsString()));
  return std::move(report_);
}

}  // namespace

absl::StatusOr<v1::TlsReport> ReadTlsJson(Unpacker& in) {
  PieceBuffer buffer(&in);
  std::istream stream(&buffer);
  TlsEvents events;
  // Not strict: what follows the report's end is not looked at.
  const bool parsed = nlohmann::json::sax_parse(stream, &events, nlohmann::json::input_format_t::json, false);
  RETURN_IF_ERROR(buffer.status());
  RETURN_IF_ERROR(events.status());
  if (!parsed) return absl::InvalidArgumentError("the JSON is broken");
  return events.Finish();
}

}  // namespace wavepost
