#include "coordinator/planner/planner.h"

#include <algorithm>
#include <utility>

#include "common/base/status_macros.h"
#include "coordinator/base/log.h"

namespace wavepost {
namespace {

constexpr absl::Duration kRetryAfter = absl::Seconds(1);

}  // namespace

std::vector<uint32_t> TurnOrder(const std::vector<WaveToPlan>& waves, uint32_t last) {
  std::vector<uint32_t> order;
  order.reserve(waves.size());
  for (const bool urgent : {true, false}) {
    // Round robin: first those behind the one that had its turn.
    for (const bool behind : {true, false}) {
      for (const WaveToPlan& wave : waves) {
        if (wave.urgent == urgent && (wave.number > last) == behind) order.push_back(wave.number);
      }
    }
  }
  return order;
}

Planner::Planner(Store* store, const Clock* clock)
    : store_(store), clock_(clock), wakeup_(&thread_, [this] { Turn(); }) {}

Planner::~Planner() {
  Stop();
}

void Planner::Stop() {
  thread_.Stop();
}

void Planner::Turn() {
  if (scheduled_) return;
  auto waves = store_->WavesToPlan();
  absl::Status failed = waves.status();
  bool progress = false;
  if (waves.ok()) {
    std::erase_if(works_, [&](const auto& work) {
      const auto at = std::lower_bound(waves->begin(), waves->end(), work.first,
                                       [](const WaveToPlan& wave, uint32_t number) { return wave.number < number; });
      return at == waves->end() || at->number != work.first;
    });
    if (waves->empty()) return;
    for (const uint32_t wave : TurnOrder(*waves, last_)) {
      last_ = wave;
      const absl::StatusOr<bool> advanced = Advance(wave);
      if (!advanced.ok()) failed = Annotate(advanced.status(), absl::StrCat("wave w", wave));
      progress = advanced.ok() && *advanced;
      if (progress) break;
    }
  }
  if (!failed.ok()) LogWarning("planning_failed", {{"error", std::string(failed.ToString())}});
  scheduled_ = true;
  const auto again = [this] {
    scheduled_ = false;
    Turn();
  };
  if (progress) {
    thread_.Post(again);
  } else {
    thread_.After(kRetryAfter, again);  // a pool without IPs, or a store that refuses
  }
}

absl::StatusOr<bool> Planner::Advance(uint32_t number) {
  const auto [found, is_new] = works_.try_emplace(number);
  Work& work = found->second;
  if (is_new || work.pool.empty()) {
    ASSIGN_OR_RETURN(const auto wave, store_->GetWaveByNumber(number));
    ASSIGN_OR_RETURN(const auto campaign, store_->GetCampaign(wave.campaign()));
    work.wave = wave.wave().name();
    work.pool = campaign.campaign().pool();
  }
  ASSIGN_OR_RETURN(const auto nodes, store_->ListNodes());
  RETURN_IF_ERROR(LoadBook());
  std::vector<PoolIp> ips = IpsOfPool(nodes, work.pool, book_.day());
  if (ips.empty()) return false;
  if (ips.size() > 1 && !work.counted) {
    RETURN_IF_ERROR(Count(&work));
    return true;
  }
  ASSIGN_OR_RETURN(const auto page, store_->ReadPlanPage(number, kPageMax));
  if (page.second.empty()) return false;
  if (work.pages == nullptr || !work.pages->IsFor(ips)) {
    work.pages = std::make_unique<PagePlanner>(std::move(ips), work.volumes);
  }
  const absl::Status recorded = store_->RecordPlan(work.pages->Decide(number, page.first, page.second, &book_));
  if (!recorded.ok()) {
    book_.Rollback();
    // A drop has completed the wave in between.
    if (absl::IsFailedPrecondition(recorded)) return false;
    return recorded;
  }
  book_.Commit();
  return true;
}

absl::Status Planner::LoadBook() {
  const int64_t today = DayOf(clock_->Now());
  if (today == book_.day()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const auto counts, store_->WarmUpCounts(today));
  book_.StartDay(today);
  for (const WarmUpCount& count : counts) book_.Load(count.egress_ip, count.domain, count.recipients);
  return absl::OkStatus();
}

absl::Status Planner::Count(Work* work) {
  ASSIGN_OR_RETURN(const auto page, store_->ListRecipients(work->wave, kCountPageMax, work->count_cursor, {}));
  for (const v1::Recipient& recipient : page.items) work->volumes->Add(recipient.address());
  work->count_cursor = page.next;
  if (!page.next.empty()) return absl::OkStatus();
  work->counted = true;
  work->pages = nullptr;  // one made before the count knew no volumes
  return absl::OkStatus();
}

}  // namespace wavepost
