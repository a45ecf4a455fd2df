// Reading recipients, one or a page.
#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/rpc/status.h"
#include "coordinator/store/rocks_store_impl.h"
#include "coordinator/store/row_set.h"

namespace wavepost {
namespace {

constexpr uint32_t kReadMax = 5000;  // recipients per call of ListRecipients

v1::Recipient ToApi(const Row& row, const std::string& wave_name, const cluster::v1::StoredCampaign& campaign) {
  v1::Recipient out;
  out.set_name(absl::StrCat(wave_name, "/recipients/", row.id.ToString()));
  out.set_address(row.recipient.address());
  const int columns = std::min(campaign.stored_columns_size(), row.recipient.values_size());
  for (int i = 0; i < columns; ++i) (*out.mutable_attributes())[campaign.stored_columns(i)] = row.recipient.values(i);
  const cluster::v1::RecipientState& state = row.state;
  out.set_state(state.state());
  out.set_outcome(state.outcome());
  if (state.has_status()) *out.mutable_status() = state.status();
  out.set_attempts(state.attempts());
  if (state.has_outcome_time()) *out.mutable_outcome_time() = state.outcome_time();
  if (state.has_next_attempt_time()) *out.mutable_next_attempt_time() = state.next_attempt_time();
  *out.mutable_reports() = state.reports();
  return out;
}

}  // namespace

absl::StatusOr<std::vector<OpenRow>> RocksStore::ReadOpen(uint32_t wave, uint32_t from_index, size_t limit) {
  const Reader read = Durable();
  std::vector<RecipientId> ids;
  const size_t rows_max = std::min<size_t>(limit, kReadMax);
  for (size_t i = 0; i < rows_max && from_index + uint64_t{i} <= UINT32_MAX; ++i) {
    ids.push_back({wave, from_index + static_cast<uint32_t>(i)});
  }
  ASSIGN_OR_RETURN(RowSet rows, RowSet::Load(read, ids));
  std::vector<OpenRow> out;
  for (Row& row : rows.rows()) {
    if (row.state.state() == v1::Recipient::DONE) continue;
    out.push_back({.address = std::move(*row.recipient.mutable_address()),
                   .assigned = row.state.state() == v1::Recipient::ASSIGNED,
                   .node = row.state.node(),
                   .egress_ip = row.state.egress_ip()});
  }
  return out;
}

absl::StatusOr<v1::Recipient> RocksStore::GetRecipient(RecipientId id) {
  const Reader read = Durable();
  ASSIGN_OR_RETURN(RowSet rows, RowSet::Load(read, {id}));
  const Row* const row = rows.Find(id);
  if (row == nullptr) return NoSuch("recipient", id.ToString());
  ASSIGN_OR_RETURN(const auto wave, read.GetMessage<cluster::v1::StoredWave>(kWaves, WaveKey(id.wave)));
  ASSIGN_OR_RETURN(const auto campaign,
                   read.GetMessage<cluster::v1::StoredCampaign>(kNames, NameKey(NameKind::kCampaign, wave.campaign())));
  return ToApi(*row, wave.wave().name(), campaign);
}

absl::StatusOr<RecipientId> RocksStore::FindRecipient(std::string_view wave, std::string_view address) {
  const Reader read = Durable();
  const auto number = read.Get(kNames, NameKey(NameKind::kWaveNumber, wave));
  if (absl::IsNotFound(number.status())) return NoSuch("wave", wave);
  if (!number.ok()) return number.status();
  const uint32_t wave_number = ReadBig32(*number);
  const auto index = read.Get(kAddresses, AddressKey(wave_number, address));
  if (absl::IsNotFound(index.status())) return NoSuch("recipient", address);
  if (!index.ok()) return index.status();
  return RecipientId{wave_number, ReadBig32(*index)};
}

absl::StatusOr<Page<v1::Recipient>> RocksStore::ListRecipients(std::string_view wave_name, int page_size,
                                                               std::string_view cursor,
                                                               const std::vector<v1::Outcome>& outcomes) {
  uint32_t index = 0;
  if (!cursor.empty() && !absl::SimpleAtoi(Av(cursor), &index)) {
    return ApiError(absl::StatusCode::kInvalidArgument, "BAD_PAGE_TOKEN",
                    "page_token is not one that this listing gave; start again without it");
  }
  const Reader read = Durable();
  const auto number = read.Get(kNames, NameKey(NameKind::kWaveNumber, wave_name));
  if (absl::IsNotFound(number.status())) return NoSuch("wave", wave_name);
  if (!number.ok()) return number.status();
  ASSIGN_OR_RETURN(const auto wave, read.GetMessage<cluster::v1::StoredWave>(kWaves, *number));
  ASSIGN_OR_RETURN(const auto campaign,
                   read.GetMessage<cluster::v1::StoredCampaign>(kNames, NameKey(NameKind::kCampaign, wave.campaign())));

  // In slices, so that a small page does not read kReadMax rows.
  const size_t limit = PageSize(page_size);
  const uint32_t until = static_cast<uint32_t>(std::min<uint64_t>(wave.next_index(), uint64_t{index} + kReadMax));
  Page<v1::Recipient> page;
  while (index < until && page.items.size() < limit) {
    const uint32_t slice = std::min<uint32_t>(until - index, static_cast<uint32_t>(limit - page.items.size()));
    std::vector<RecipientId> ids;
    for (uint32_t i = 0; i < slice; ++i) ids.push_back({wave.number(), index + i});
    ASSIGN_OR_RETURN(RowSet rows, RowSet::Load(read, ids));
    for (const Row& row : rows.rows()) {
      if (!outcomes.empty() && std::find(outcomes.begin(), outcomes.end(), row.state.outcome()) == outcomes.end()) {
        continue;
      }
      page.items.push_back(ToApi(row, wave.wave().name(), campaign));
    }
    index += slice;
  }
  if (index < wave.next_index()) page.next = absl::StrCat(index);
  return page;
}

}  // namespace wavepost
