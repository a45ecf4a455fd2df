#include "coordinator/api/wave_estimate.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/rpc/status.h"
#include "coordinator/planner/page_planner.h"
#include "coordinator/planner/wave_volumes.h"
#include "coordinator/sharder/warm_up.h"
#include "coordinator/store/proto_time.h"

namespace wavepost {
namespace {

constexpr uint32_t kReadPage = 2000;
constexpr int kSlowestMax = 10;

// Where to read: all of it, or evenly spread pages.
std::vector<uint32_t> PagesOf(uint32_t recipients) {
  std::vector<uint32_t> starts;
  const uint32_t pages = kEstimateRowsMax / kReadPage;
  if (recipients <= kEstimateRowsMax) {
    for (uint32_t from = 0; from < recipients; from += kReadPage) starts.push_back(from);
    return starts;
  }
  for (uint32_t i = 0; i < pages; ++i) {
    starts.push_back(static_cast<uint32_t>(uint64_t{recipients - kReadPage} * i / (pages - 1)));
  }
  return starts;
}

}  // namespace

void WaveLoads::Add(const std::string& node, const std::string& egress_ip, std::string_view domain) {
  Node& entry = nodes_[node];
  ++recipients_;
  ++entry.recipients;
  const auto key = std::make_pair(egress_ip, std::string(domain));
  const auto found = entry.loads.find(key);
  if (found != entry.loads.end()) {
    ++found->second;
  } else if (entries_ < kEntriesMax) {
    entry.loads[key] = 1;
    ++entries_;
  }
}

std::map<std::string, cluster::v1::Question> WaveLoads::Questions(int64_t open) const {
  std::map<std::string, cluster::v1::Question> questions;
  if (recipients_ == 0) return questions;
  const double sampled = static_cast<double>(std::max(open, recipients_)) / static_cast<double>(recipients_);
  for (const auto& [node_id, node] : nodes_) {
    std::vector<std::tuple<int64_t, const std::string*, const std::string*>> loads;
    for (const auto& [key, recipients] : node.loads) loads.emplace_back(-recipients, &key.first, &key.second);
    const size_t kept = std::min(loads.size(), kLoadsPerNodeMax);
    std::partial_sort(loads.begin(), loads.begin() + static_cast<ptrdiff_t>(kept), loads.end(),
                      [](const auto& a, const auto& b) {
                        return std::tie(std::get<0>(a), *std::get<1>(a), *std::get<2>(a)) <
                               std::tie(std::get<0>(b), *std::get<1>(b), *std::get<2>(b));
                      });
    int64_t kept_recipients = 0;
    for (size_t i = 0; i < kept; ++i) kept_recipients -= std::get<0>(loads[i]);
    const double scale = sampled * static_cast<double>(node.recipients) / static_cast<double>(kept_recipients);
    cluster::v1::ForecastQuestion& forecast = *questions[node_id].mutable_forecast();
    for (size_t i = 0; i < kept; ++i) {
      auto& load = *forecast.add_loads();
      load.set_egress_ip(*std::get<1>(loads[i]));
      load.set_domain(*std::get<2>(loads[i]));
      load.set_recipients(std::llround(static_cast<double>(-std::get<0>(loads[i])) * scale));
    }
  }
  return questions;
}

absl::StatusOr<OpenWave> ReadOpenWave(Store* store, std::string_view name, absl::Time now) {
  ASSIGN_OR_RETURN(const auto wave, store->GetWave(name));
  if (wave.wave().state() == v1::Wave::DRAFT) {
    return ApiError(absl::StatusCode::kFailedPrecondition, "NOT_STARTED",
                    absl::StrCat("wave '", Av(name), "' is not started; there is nothing to estimate yet"),
                    {{"resource", std::string(name)}});
  }
  OpenWave out{.open = wave.wave().counts().open(), .exact = true, .complete_time = now};
  if (wave.wave().has_complete_time()) out.complete_time = FromProtoTime(wave.wave().complete_time());
  if (out.open == 0) return out;
  ASSIGN_OR_RETURN(const auto campaign, store->GetCampaign(wave.campaign()));
  ASSIGN_OR_RETURN(const auto nodes, store->ListNodes());

  const std::vector<uint32_t> pages = PagesOf(wave.next_index());
  out.exact = wave.next_index() <= kEstimateRowsMax;
  const int64_t scale = out.exact ? 1 : std::max<int64_t>(wave.next_index() / kEstimateRowsMax, 1);
  auto volumes = std::make_shared<WaveVolumes>();
  std::vector<std::string> undecided;
  for (const uint32_t from : pages) {
    ASSIGN_OR_RETURN(auto rows, store->ReadOpen(wave.number(), from, kReadPage));
    for (OpenRow& row : rows) {
      const std::string_view domain = WaveVolumes::DomainOf(row.address);
      if (row.assigned) {
        out.loads.Add(row.node, row.egress_ip, domain);
      } else {
        for (int64_t i = 0; i < scale; ++i) volumes->Add(row.address);
        undecided.push_back(std::move(row.address));
      }
    }
  }
  const int64_t today = DayOf(now);
  std::vector<PoolIp> ips = IpsOfPool(nodes, campaign.campaign().pool(), today);
  if (undecided.empty() || ips.empty()) {
    out.exact = out.exact && undecided.empty();
    out.has_no_ip = !undecided.empty();
    return out;
  }
  WarmUpBook book;
  book.StartDay(today);
  ASSIGN_OR_RETURN(const auto counts, store->WarmUpCounts(today));
  for (const WarmUpCount& count : counts) book.Load(count.egress_ip, count.domain, count.recipients);
  PagePlanner planner(std::move(ips), volumes);
  for (const std::string& address : undecided) {
    const PoolIp& ip = planner.Choose(address, &book);
    out.loads.Add(ip.node, ip.address, WaveVolumes::DomainOf(address));
  }
  return out;
}

absl::StatusOr<v1::EstimateWaveResponse> JoinForecasts(const OpenWave& wave, const NodeAnswers& answers,
                                                       absl::Time now) {
  v1::EstimateWaveResponse out;
  out.set_open(wave.open);
  out.set_exact(wave.exact && answers.silent.empty());
  if (wave.open == 0) {
    *out.mutable_through_time() = ToProtoTime(wave.complete_time);
    return out;
  }
  if (answers.answers.empty() && answers.silent.empty() && !wave.has_no_ip) {
    // A few are open that the sample missed, or that have had their outcome since.
    out.set_exact(false);
    *out.mutable_through_time() = ToProtoTime(now);
    return out;
  }
  std::vector<v1::SlowSite> slowest;
  bool anybody = false;
  for (const auto& [node, answer] : answers.answers) {
    if (!answer.has_forecast()) {
      out.set_exact(false);
      continue;
    }
    anybody = true;
    slowest.insert(slowest.end(), answer.forecast().slowest().begin(), answer.forecast().slowest().end());
  }
  if (!anybody) {
    return ApiError(absl::StatusCode::kUnavailable, "NO_ANSWER",
                    "no node that has to do with the wave answered; see 'wavepost nodes', and try again in a moment");
  }
  std::stable_sort(slowest.begin(), slowest.end(), [](const v1::SlowSite& a, const v1::SlowSite& b) {
    return FromProtoTime(a.through_time()) > FromProtoTime(b.through_time());
  });
  absl::Time through = now;
  if (!slowest.empty()) through = std::max(now, FromProtoTime(slowest.front().through_time()));
  *out.mutable_through_time() = ToProtoTime(through);
  for (size_t i = 0; i < slowest.size() && out.slowest_size() < kSlowestMax; ++i) {
    *out.add_slowest() = std::move(slowest[i]);
  }
  return out;
}

}  // namespace wavepost
