// What came back: the words of senders and bouncers, entered into the books.
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "coordinator/store/rocks_store_impl.h"
#include "coordinator/store/row_set.h"
#include "coordinator/store/transition.h"

namespace wavepost {
namespace {

// Reports above `stored`, in order. What is at or below it was entered before: the acknowledgement was lost.
template <class Report>
std::vector<const Report*> Fresh(const std::vector<Report>& reports, int64_t stored) {
  std::vector<const Report*> fresh;
  for (const Report& report : reports) {
    if (report.sequence() <= stored) continue;
    stored = report.sequence();
    fresh.push_back(&report);
  }
  return fresh;
}

template <class Report>
std::vector<RecipientId> IdsOf(const std::vector<const Report*>& reports) {
  std::vector<RecipientId> ids;
  ids.reserve(reports.size());
  for (const Report* report : reports) ids.push_back(RecipientId::FromPacked(report->recipient_id()));
  return ids;
}

// Enters what the transition decided about one recipient.
absl::Status Record(Change& change, const cluster::v1::StoredWave& wave, Row& row, const v1::DeliveryStatus& status,
                    Effect effect) {
  row.changed = row.changed || effect.changed;
  if (effect.event.has_value()) {
    effect.event->set_address(row.recipient.address());
    change.AddEvent(*std::move(effect.event), row.id.wave, row.id);
  }
  if (effect.suppress == v1::Suppression::CAUSE_UNSPECIFIED) return absl::OkStatus();
  v1::Suppression suppression;
  suppression.set_address(row.recipient.address());
  suppression.set_cause(effect.suppress);
  suppression.set_evidence(status.text());
  suppression.set_recipient(absl::StrCat(wave.wave().name(), "/recipients/", row.id.ToString()));
  return change.Suppress(TenantOf(wave.campaign()), std::move(suppression), row.id.wave, row.id).status();
}

// Enters each report; `apply(report, &row.state, counts)` decides. Returns how many were about nobody.
template <class Report, class Transition>
absl::StatusOr<int64_t> Enter(Change& change, const std::vector<const Report*>& reports, Transition apply) {
  ASSIGN_OR_RETURN(RowSet rows, RowSet::Load(change.read(), IdsOf(reports)));
  int64_t unknown = 0;
  for (const Report* report : reports) {
    Row* const row = rows.Find(RecipientId::FromPacked(report->recipient_id()));
    if (row == nullptr) {
      ++unknown;
      continue;
    }
    ASSIGN_OR_RETURN(cluster::v1::StoredWave* const wave, change.Wave(row->id.wave));
    Effect effect = apply(*report, &row->state, wave->mutable_wave()->mutable_counts());
    RETURN_IF_ERROR(Record(change, *wave, *row, report->status(), std::move(effect)));
    CompleteWave(&change, wave);
  }
  rows.Store(&change);
  return unknown;
}

}  // namespace

void RocksStore::ApplyReports(std::string_view node, std::vector<cluster::v1::Report> reports, Done done) {
  Submit([this, node = std::string(node),
          reports = std::move(reports)](Change& change) { return ApplyReportsNow(change, node, reports); },
         std::move(done));
}

absl::Status RocksStore::ApplyReportsNow(Change& change, std::string_view node_id,
                                         const std::vector<cluster::v1::Report>& reports) {
  ASSIGN_OR_RETURN(cluster::v1::StoredNode* const node, change.Node(node_id));
  const auto fresh = Fresh(reports, node->report_sequence());
  if (fresh.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const int64_t unknown, Enter(change, fresh, [&](const auto& report, auto* state, auto* counts) {
                     return ApplyReport(report, change.now(), state, counts);
                   }));
  node->set_report_sequence(fresh.back()->sequence());
  unknown_reports_ += unknown;
  return absl::OkStatus();
}

void RocksStore::ApplyBounceReports(std::string_view bouncer, std::vector<cluster::v1::BounceReport> reports,
                                    Done done) {
  Submit([this, bouncer = std::string(bouncer),
          reports = std::move(reports)](Change& change) { return ApplyBounceReportsNow(change, bouncer, reports); },
         std::move(done));
}

absl::Status RocksStore::ApplyBounceReportsNow(Change& change, std::string_view bouncer_id,
                                               const std::vector<cluster::v1::BounceReport>& reports) {
  const std::string key = NameKey(NameKind::kBouncer, bouncer_id);
  auto bouncer = change.read().GetMessage<cluster::v1::StoredBouncer>(kNames, key);
  if (absl::IsNotFound(bouncer.status())) {
    bouncer = cluster::v1::StoredBouncer();
    bouncer->set_bouncer_id(std::string(bouncer_id));
  }
  RETURN_IF_ERROR(bouncer.status());
  const auto fresh = Fresh(reports, bouncer->report_sequence());
  if (fresh.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const int64_t unknown, Enter(change, fresh, [&](const auto& report, auto* state, auto* counts) {
                     return ApplyBounceReport(report, change.now(), state, counts);
                   }));
  bouncer->set_report_sequence(fresh.back()->sequence());
  change.Put(kNames, key, *bouncer);
  unknown_reports_ += unknown;
  return absl::OkStatus();
}

}  // namespace wavepost
