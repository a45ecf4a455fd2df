#include "bouncer/inbound/report_sink.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "bouncer/inbound/intake.h"
#include "bouncer/log_value.h"
#include "common/base/strings.h"

namespace wavepost {

void ReportSink::Take(TakenMessage message, std::string client, Done done) {
  const Envelope& envelope = message.envelope;
  if (envelope.recipients.empty() && envelope.unsubscribes.empty()) return done(absl::OkStatus());
  std::vector<cluster::v1::BounceReport> reports =
      MakeBounceReports(message.head, envelope.recipients, envelope.unsubscribes, clock_->Now());
  const cluster::v1::BounceReport& first = reports.front();
  std::string what = "recipient=" + RecipientId::FromPacked(first.recipient_id()).ToString() +
                     " recipients=" + std::to_string(reports.size()) +
                     " class=" + v1::BounceClass_Name(first.bounce_class()) +
                     " reason=" + v1::Reason_Name(first.status().reason()) + " client=" + client;
  store_->Append(std::move(reports), [what = std::move(what), done = std::move(done)](absl::Status status) {
    if (status.ok()) {
      spdlog::debug("event=report_stored {}", what);
    } else {
      spdlog::error("event=report_not_stored {} error={}", what, LogValue(Sv(status.message())));
    }
    done(std::move(status));
  });
}

}  // namespace wavepost
