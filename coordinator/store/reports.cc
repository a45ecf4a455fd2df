// What came back: the words of senders and bouncers, entered into the books.
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "coordinator/store/rocks_store_impl.h"
#include "coordinator/store/row_set.h"
#include "coordinator/store/soft_book.h"
#include "coordinator/store/strangers.h"
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
                    Effect effect, SoftBook* soft) {
  row.changed = row.changed || effect.changed;
  soft->Add(effect.sign, wave.campaign(), row.recipient.address(), row.id, status.text());
  std::string tenant;
  v1::Suppression suppression;
  bool suppress = effect.suppress != v1::Suppression::CAUSE_UNSPECIFIED;
  if (suppress) {
    tenant = TenantOf(wave.campaign());
    suppression.set_address(row.recipient.address());
    suppression.set_cause(effect.suppress);
    suppression.set_evidence(effect.evidence.empty() ? status.text() : effect.evidence);
    suppression.set_recipient(absl::StrCat(wave.wave().name(), "/recipients/", row.id.ToString()));
    ASSIGN_OR_RETURN(suppress, change.WouldSuppress(tenant, suppression));
  }
  if (effect.event.has_value() && (suppress || !effect.only_if_suppressed)) {
    effect.event->set_address(row.recipient.address());
    change.AddEvent(*std::move(effect.event), row.id.wave, row.id);
  }
  if (!suppress) return absl::OkStatus();
  return change.Suppress(tenant, std::move(suppression), row.id.wave, row.id).status();
}

// Enters each report; `apply(report, &row.state, counts)` decides. Returns those about nobody.
template <class Report, class Transition>
absl::StatusOr<std::vector<const Report*>> Enter(Change& change, const std::vector<const Report*>& reports,
                                                 Transition apply) {
  ASSIGN_OR_RETURN(RowSet rows, RowSet::Load(change.read(), IdsOf(reports)));
  std::vector<const Report*> unknown;
  SoftBook soft(&change);
  for (const Report* report : reports) {
    Row* const row = rows.Find(RecipientId::FromPacked(report->recipient_id()));
    if (row == nullptr) {
      unknown.push_back(report);
      continue;
    }
    ASSIGN_OR_RETURN(cluster::v1::StoredWave* const wave, change.Wave(row->id.wave));
    Effect effect = apply(*report, &row->state, wave->mutable_wave()->mutable_counts());
    RETURN_IF_ERROR(Record(change, *wave, *row, report->status(), std::move(effect), &soft));
    CompleteWave(&change, wave);
  }
  RETURN_IF_ERROR(soft.Enter());
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
  ASSIGN_OR_RETURN(const auto unknown, Enter(change, fresh, [&](const auto& report, auto* state, auto* counts) {
                     return ApplyReport(report, change.now(), state, counts);
                   }));
  node->set_report_sequence(fresh.back()->sequence());
  unknown_reports_ += static_cast<int64_t>(unknown.size());
  TellHeldBack(change);
  return absl::OkStatus();
}

// Of what came without proof, when a minute with too much of it is over.
void RocksStore::TellHeldBack(Change& change) {
  const int64_t held_back = strangers_.TakeHeldBack(change.now());
  if (held_back > 0) change.AddEvent(HeldBackEvent(held_back));
}

absl::Status RocksStore::EnterStrangers(Change& change, const std::vector<const cluster::v1::BounceReport*>& reports) {
  TellHeldBack(change);
  for (const cluster::v1::BounceReport* report : reports) {
    if (!strangers_.Take(change.now())) continue;
    ASSIGN_OR_RETURN(v1::Event event, StrangerEvent(change, *report));
    change.AddEvent(std::move(event));
  }
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
  ASSIGN_OR_RETURN(const auto others, EnterAggregates(change, fresh));
  std::vector<const cluster::v1::BounceReport*> proven, strangers;
  for (const cluster::v1::BounceReport* report : others) {
    (report->recipient_id() != 0 ? proven : strangers).push_back(report);
  }
  ASSIGN_OR_RETURN(const auto unknown, Enter(change, proven, [&](const auto& report, auto* state, auto* counts) {
                     return ApplyBounceReport(report, change.now(), state, counts);
                   }));
  unknown_reports_ += static_cast<int64_t>(unknown.size());
  CountReports(proven, strangers);
  strangers.insert(strangers.end(), unknown.begin(), unknown.end());
  RETURN_IF_ERROR(EnterStrangers(change, strangers));
  bouncer->set_report_sequence(fresh.back()->sequence());
  change.Put(kNames, key, *bouncer);
  return absl::OkStatus();
}

void RocksStore::CountReports(const std::vector<const cluster::v1::BounceReport*>& proven,
                              const std::vector<const cluster::v1::BounceReport*>& strangers) {
  const std::lock_guard lock(report_figures_mutex_);
  for (const auto* report : proven) ++report_figures_.proven[report->bounce_class()];
  for (const auto* report : strangers) ++report_figures_.unproven[report->bounce_class()];
}

ReportFigures RocksStore::Reports() {
  const std::lock_guard lock(report_figures_mutex_);
  return report_figures_;
}

}  // namespace wavepost
