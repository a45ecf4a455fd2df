#include "bouncer/intake/intake.h"

#include <algorithm>
#include <asio/post.hpp>
#include <iterator>
#include <utility>

#include "bouncer/intake/records.h"

namespace wavepost {

Intake::Intake(const TokenKeys* keys, ReportStore* store, Keep keep, const Clock* clock)
    : keys_(keys), store_(store), keep_(std::move(keep)), clock_(clock) {}

Intake::~Intake() {
  Stop();
}

void Intake::Stop() {
  aggregator_.join();
  reader_.join();
}

void Intake::Take(TakenMessage message, std::string client, Done done) {
  if (!message.envelope.aggregate) {
    asio::post(reader_,
               [this, message = std::move(message), client = std::move(client), done = std::move(done)]() mutable {
                 Read(std::move(message), std::move(client), {}, std::move(done));
               });
    return;
  }
  if (aggregates_waiting_.fetch_add(1) >= kAggregatesWaitingMax) {
    aggregates_waiting_.fetch_sub(1);
    return done(absl::ResourceExhaustedError("too many DMARC and TLS reports at once"));
  }
  asio::post(aggregator_,
             [this, message = std::move(message), client = std::move(client), done = std::move(done)]() mutable {
               Records records = {RecordOfAggregate(message.head, clock_->Now())};
               aggregates_waiting_.fetch_sub(1);
               message.envelope.aggregate = false;
               if (message.envelope.empty()) return Append(std::move(records), std::move(done));
               asio::post(reader_, [this, message = std::move(message), client = std::move(client),
                                    records = std::move(records), done = std::move(done)]() mutable {
                 Read(std::move(message), std::move(client), std::move(records), std::move(done));
               });
             });
}

void Intake::Read(TakenMessage message, std::string client, Records records, Done done) {
  Records more = RecordsOfMail(message.head, message.envelope, *keys_, clock_->Now());
  std::move(more.begin(), more.end(), std::back_inserter(records));
  if (!message.envelope.keep) return Append(std::move(records), std::move(done));
  keep_(std::move(message.head), std::move(client),
        [this, records = std::move(records), done = std::move(done)](const absl::Status& status) mutable {
          if (!status.ok()) return done(status);
          counters_.kept.fetch_add(1);
          Append(std::move(records), std::move(done));
        });
}

void Intake::Ingest(std::string message, std::string envelope_recipient, Ingested done) {
  asio::post(reader_, [this, message = std::move(message), envelope_recipient = std::move(envelope_recipient),
                       done = std::move(done)]() mutable {
    Records records = RecordsOfIngest(message, envelope_recipient, *keys_, clock_->Now());
    Records told = records;
    Append(std::move(records), [told = std::move(told), done = std::move(done)](const absl::Status& status) {
      done(status, status.ok() ? told : Records());
    });
  });
}

void Intake::Append(std::vector<cluster::v1::BounceReport> records, Done done) {
  if (records.empty()) return done(absl::OkStatus());
  std::vector<Tally> tallies;
  tallies.reserve(records.size());
  for (const cluster::v1::BounceReport& record : records) {
    tallies.push_back({.bounce_class = record.bounce_class(),
                       .source = record.source(),
                       .aggregate = record.has_dmarc() || record.has_tls(),
                       .attributed = record.recipient_id() != 0});
  }
  store_->Append(std::move(records),
                 [this, tallies = std::move(tallies), done = std::move(done)](const absl::Status& status) {
                   if (status.ok()) {
                     for (const Tally& tally : tallies) Count(tally);
                   } else {
                     counters_.not_stored.fetch_add(static_cast<int64_t>(tallies.size()));
                   }
                   done(status);
                 });
}

void Intake::Count(const Tally& tally) {
  counters_.by_source[std::min(static_cast<size_t>(tally.source), Counters::kSources - 1)].fetch_add(1);
  if (tally.aggregate) {
    counters_.aggregates.fetch_add(1);
    return;
  }
  counters_.by_class[std::min(static_cast<size_t>(tally.bounce_class), Counters::kClasses - 1)].fetch_add(1);
  if (!tally.attributed) counters_.unattributed.fetch_add(1);
}

}  // namespace wavepost
