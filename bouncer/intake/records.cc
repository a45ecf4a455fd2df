#include "bouncer/intake/records.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "bouncer/aggregate/aggregate.h"
#include "bouncer/reading/reading.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

using cluster::v1::BounceReport;

BounceReport NewRecord(BounceReport::Source source, absl::Time now) {
  BounceReport record;
  const int64_t micros = absl::ToUnixMicros(now);
  record.mutable_time()->set_seconds(micros / 1'000'000);
  record.mutable_time()->set_nanos(static_cast<int32_t>(micros % 1'000'000) * 1000);
  record.set_source(source);
  return record;
}

BounceReport RecordOf(const Finding& finding, const Reading& reading, BounceReport::Source source, absl::Time now) {
  BounceReport record = NewRecord(source, now);
  record.set_bounce_class(finding.bounce_class);
  *record.mutable_status() = finding.status;
  record.set_final_recipient(finding.final_recipient);
  record.set_evidence(reading.evidence);
  record.set_original_message_id(reading.original_message_id);
  return record;
}

BounceReport UnsubscribeRecord(RecipientId recipient, BounceReport::Source source, std::string_view how,
                               absl::Time now) {
  BounceReport record = NewRecord(source, now);
  record.set_recipient_id(recipient.packed());
  record.set_bounce_class(v1::UNSUBSCRIBE);
  record.mutable_status()->set_phase("report");
  record.mutable_status()->set_text(std::string(how));
  return record;
}

void AppendAbout(RecipientId recipient, BounceReport record, std::vector<BounceReport>* out) {
  record.set_recipient_id(recipient.packed());
  out->push_back(std::move(record));
}

// Whom it is about stands inside, or nowhere.
void AppendFromInside(const Reading& reading, const TokenKeys& keys, BounceReport::Source source, absl::Time now,
                      std::vector<BounceReport>* out) {
  if (const std::optional<RecipientId> recipient = RecipientOfTokens(keys, reading.tokens); recipient.has_value()) {
    return AppendAbout(*recipient, RecordOf(Combine(reading.findings), reading, source, now), out);
  }
  const size_t count = std::min(reading.findings.size(), kUnattributedMax);
  for (size_t i = 0; i < count; ++i) out->push_back(RecordOf(reading.findings[i], reading, source, now));
}

}  // namespace

std::optional<RecipientId> RecipientOfLocalPart(const TokenKeys& keys, std::string_view local_part) {
  absl::StatusOr<RecipientId> recipient = absl::NotFoundError("");
  if (const std::optional<std::string> token = TokenOf(local_part); token.has_value()) {
    recipient = CheckToken(keys, *token);
  } else if (const std::optional<std::string> other = UnsubscribeTokenOf(local_part); other.has_value()) {
    recipient = CheckUnsubscribeToken(keys, *other);
  }
  if (!recipient.ok()) return std::nullopt;
  return *recipient;
}

std::optional<RecipientId> RecipientOfTokens(const TokenKeys& keys, const std::vector<std::string>& local_parts) {
  for (const bool of_return_path : {true, false}) {
    std::optional<RecipientId> found;
    for (const std::string& local_part : local_parts) {
      if (TokenOf(local_part).has_value() != of_return_path) continue;
      const std::optional<RecipientId> recipient = RecipientOfLocalPart(keys, local_part);
      if (!recipient.has_value()) continue;
      if (found.has_value() && *found != *recipient) return std::nullopt;
      found = recipient;
    }
    if (found.has_value()) return found;
  }
  return std::nullopt;
}

std::vector<BounceReport> RecordsOfMail(std::string_view message, const Envelope& envelope, const TokenKeys& keys,
                                        absl::Time now) {
  std::vector<BounceReport> out;
  if (!envelope.recipients.empty() || envelope.feedback) {
    const Reading reading = ReadMail(message);
    if (!envelope.recipients.empty()) {
      const BounceReport record = RecordOf(Combine(reading.findings), reading, BounceReport::RETURN_PATH, now);
      for (const RecipientId& recipient : envelope.recipients) AppendAbout(recipient, record, &out);
    }
    if (envelope.feedback) AppendFromInside(reading, keys, BounceReport::FEEDBACK_LOOP, now, &out);
  }
  for (const RecipientId& recipient : envelope.unsubscribes) {
    out.push_back(UnsubscribeRecord(recipient, BounceReport::UNSUBSCRIBE_MAIL, "unsubscribed by mail", now));
  }
  return out;
}

BounceReport RecordOfAggregate(std::string_view message, absl::Time now) {
  BounceReport record = NewRecord(BounceReport::AGGREGATE_MAIL, now);
  absl::StatusOr<AggregateReport> report = ReadAggregateReport(message);
  if (!report.ok()) {
    record.set_bounce_class(v1::NOT_A_BOUNCE);
    record.mutable_status()->set_phase("report");
    record.mutable_status()->set_text(
        Printable(absl::StrCat("no readable DMARC or TLS report: ", report.status().message()), 1024));
    return record;
  }
  if (auto* const dmarc = std::get_if<v1::DmarcReport>(&*report)) {
    *record.mutable_dmarc() = std::move(*dmarc);
  } else {
    *record.mutable_tls() = std::move(std::get<v1::TlsReport>(*report));
  }
  return record;
}

std::vector<BounceReport> RecordsOfIngest(std::string_view message, std::string_view envelope_recipient,
                                          const TokenKeys& keys, absl::Time now) {
  const std::string_view local_part = envelope_recipient.substr(0, envelope_recipient.rfind('@'));
  const std::optional<RecipientId> recipient = RecipientOfLocalPart(keys, local_part);
  std::vector<BounceReport> out;
  if (recipient.has_value() && UnsubscribeTokenOf(local_part).has_value()) {
    out.push_back(UnsubscribeRecord(*recipient, BounceReport::INGEST, "unsubscribed by mail", now));
    return out;
  }
  const Reading reading = ReadMail(message);
  if (recipient.has_value()) {
    AppendAbout(*recipient, RecordOf(Combine(reading.findings), reading, BounceReport::INGEST, now), &out);
  } else {
    AppendFromInside(reading, keys, BounceReport::INGEST, now, &out);
  }
  return out;
}

BounceReport RecordOfPage(RecipientId recipient, absl::Time now) {
  return UnsubscribeRecord(recipient, BounceReport::UNSUBSCRIBE_PAGE, "unsubscribed on the page", now);
}

}  // namespace wavepost
