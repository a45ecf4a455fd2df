// The audit: counts a wave's recipients one by one, without trusting any counter.
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "coordinator/store/rocks_store_impl.h"
#include "coordinator/store/transition.h"

namespace wavepost {
namespace {

constexpr size_t kFindingsMax = 100;

class Recount {
 public:
  void Finding(std::string sentence) {
    if (findings_.size() < kFindingsMax) findings_.push_back(std::move(sentence));
  }

  void Recipient(RecipientId id) {
    if (id.index != next_index_) {
      Finding(absl::StrCat("recipients are missing before ", id.ToString(), ": expected index ", next_index_));
    }
    next_index_ = id.index + 1;
    counts_.set_accepted(counts_.accepted() + 1);
    counts_.set_open(counts_.open() + 1);  // until its state says otherwise
  }

  void State(RecipientId id, const cluster::v1::RecipientState& state) {
    if (state.state() == v1::Recipient::DONE) {
      if (!IsOutcome(state.outcome())) return Finding(absl::StrCat(id.ToString(), " is done without an outcome"));
      counts_.set_open(counts_.open() - 1);
      AddToOutcome(state.outcome(), +1, &counts_);
      return;
    }
    if (state.outcome() != v1::OUTCOME_UNSPECIFIED) {
      Finding(absl::StrCat(id.ToString(), " has an outcome but is not done"));
    }
    if (state.state() == v1::Recipient::ASSIGNED) counts_.set_assigned(counts_.assigned() + 1);
  }

  uint32_t next_index() const { return next_index_; }
  v1::WaveCounts& counts() { return counts_; }
  std::vector<std::string> findings() const { return findings_; }

 private:
  uint32_t next_index_ = 0;
  v1::WaveCounts counts_;
  std::vector<std::string> findings_;
};

}  // namespace

absl::StatusOr<v1::AuditWaveResponse> RocksStore::AuditWave(std::string_view wave_name) {
  const Reader read = Durable();
  const auto number = read.Get(kNames, NameKey(NameKind::kWaveNumber, wave_name));
  if (absl::IsNotFound(number.status())) return NoSuch("wave", wave_name);
  if (!number.ok()) return number.status();
  ASSIGN_OR_RETURN(const auto wave, read.GetMessage<cluster::v1::StoredWave>(kWaves, *number));
  const std::string from = WaveKey(wave.number());
  const std::string until = PrefixEnd(from);

  Recount recount;
  RETURN_IF_ERROR(read.Scan(kRecipients, from, until, [&](std::string_view key, std::string_view) {
    recount.Recipient(ParseRecipientKey(key));
    return true;
  }));
  if (recount.next_index() != wave.next_index()) {
    recount.Finding(absl::StrCat("the wave has given out ", wave.next_index(), " places, its last recipient is at ",
                                 recount.next_index()));
  }
  absl::Status failed;
  RETURN_IF_ERROR(read.Scan(kStates, from, until, [&](std::string_view key, std::string_view value) {
    const RecipientId id = ParseRecipientKey(key);
    const auto state = Reader::ParseRecord<cluster::v1::RecipientState>(value);
    failed.Update(state.status());
    if (!state.ok()) return false;
    if (id.index >= recount.next_index()) {
      recount.Finding(absl::StrCat(id.ToString(), " has a state but was never accepted"));
    } else {
      recount.State(id, *state);
    }
    return true;
  }));
  RETURN_IF_ERROR(failed);
  int64_t addresses = 0;
  RETURN_IF_ERROR(read.Scan(kAddresses, from, until, [&](std::string_view, std::string_view) {
    ++addresses;
    return true;
  }));
  if (addresses != recount.counts().accepted()) {
    recount.Finding(absl::StrCat("the wave has ", recount.counts().accepted(), " recipients, but ", addresses,
                                 " different addresses"));
  }

  // Of these two the recipients keep no trace that could be counted.
  const v1::WaveCounts& counters = wave.wave().counts();
  recount.counts().set_refused(counters.refused());
  recount.counts().set_deferrals(counters.deferrals());

  v1::AuditWaveResponse response;
  *response.mutable_recounted() = recount.counts();
  *response.mutable_counters() = counters;
  for (const std::vector<std::string>& findings :
       {recount.findings(), CompareCounts(recount.counts(), counters), CheckCounts("recounted", recount.counts()),
        CheckCounts("counters", counters)}) {
    for (const std::string& finding : findings) response.add_findings(finding);
  }
  if (wave.wave().state() == v1::Wave::COMPLETED && recount.counts().open() != 0) {
    response.add_findings(absl::StrCat("the wave is completed, but ", recount.counts().open(), " recipients are open"));
  }
  response.set_balanced(response.findings_size() == 0);
  return response;
}

}  // namespace wavepost
