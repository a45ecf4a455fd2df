#include "bouncer/inbound/intake.h"

#include <cstdint>
#include <utility>

#include "bouncer/classify/classify.h"
#include "bouncer/report/parser.h"

namespace wavepost {

namespace {

void AddFor(const std::vector<RecipientId>& recipients, cluster::v1::BounceReport record, absl::Time now,
            std::vector<cluster::v1::BounceReport>* out) {
  const int64_t micros = absl::ToUnixMicros(now);
  record.mutable_time()->set_seconds(micros / 1'000'000);
  record.mutable_time()->set_nanos(static_cast<int32_t>(micros % 1'000'000) * 1000);
  for (const RecipientId& recipient : recipients) {
    record.set_recipient_id(recipient.packed());
    out->push_back(record);
  }
}

}  // namespace

std::vector<cluster::v1::BounceReport> MakeBounceReports(std::string_view message,
                                                         const std::vector<RecipientId>& recipients,
                                                         const std::vector<RecipientId>& unsubscribes, absl::Time now) {
  std::vector<cluster::v1::BounceReport> out;
  if (!recipients.empty()) {
    const Finding finding = ClassifyReport(ParseReport(message));
    cluster::v1::BounceReport record;
    record.set_bounce_class(finding.bounce_class);
    *record.mutable_status() = finding.status;
    record.set_final_recipient(finding.final_recipient);
    AddFor(recipients, std::move(record), now, &out);
  }
  cluster::v1::BounceReport unsubscribe;
  unsubscribe.set_bounce_class(v1::UNSUBSCRIBE);
  unsubscribe.mutable_status()->set_phase("report");
  unsubscribe.mutable_status()->set_text("unsubscribed by mail");
  AddFor(unsubscribes, std::move(unsubscribe), now, &out);
  return out;
}

}  // namespace wavepost
