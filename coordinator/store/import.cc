// Import: a chunk of recipients goes into a wave, once.
#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/rpc/status.h"
#include "coordinator/store/rocks_store_impl.h"

namespace wavepost {
namespace {

using Refusal = v1::ImportRecipientsResponse::Refusal;

constexpr uint32_t kRecipientsMax = UINT32_MAX;  // per wave: an index has 32 bits
constexpr size_t kRefusalAddressBytesMax = 320;

Refusal Duplicate(const NewRecipient& row) {
  Refusal refusal;
  refusal.set_position(row.position);
  refusal.set_address(Printable(row.recipient.address(), kRefusalAddressBytesMax));
  refusal.set_reason("DUPLICATE");
  refusal.set_description("the wave has this address already");
  return refusal;
}

absl::Status CheckImportable(const cluster::v1::StoredWave& wave, size_t rows) {
  if (wave.wave().state() != v1::Wave::DRAFT) {
    return ApiError(absl::StatusCode::kFailedPrecondition, "WAVE_STARTED",
                    absl::StrCat("wave '", wave.wave().name(), "' has started and takes no more recipients"),
                    {{"resource", wave.wave().name()}});
  }
  if (rows > kRecipientsMax - wave.next_index()) {
    return ApiError(absl::StatusCode::kResourceExhausted, "WAVE_FULL",
                    absl::StrCat("a wave takes at most ", kRecipientsMax, " recipients; split it"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::ImportRecipientsResponse> RocksStore::ImportChunk(std::string_view wave_name,
                                                                     std::vector<NewRecipient> rows,
                                                                     std::vector<Refusal> refusals,
                                                                     const RequestKey& request) {
  // Here, on the caller's thread, all that needs no look at the books.
  ASSIGN_OR_RETURN(const cluster::v1::StoredWave known, GetWave(wave_name));
  const uint32_t number = known.number();
  std::vector<std::string> address_keys;
  std::vector<std::string> values;
  address_keys.reserve(rows.size());
  values.reserve(rows.size());
  for (const NewRecipient& row : rows) {
    address_keys.push_back(AddressKey(number, row.recipient.address()));
    values.push_back(row.recipient.SerializeAsString());
  }

  using Response = v1::ImportRecipientsResponse;
  return Create<Response>(wave_name, request, [&](Change& change) -> absl::StatusOr<Response> {
    ASSIGN_OR_RETURN(cluster::v1::StoredWave* const wave, change.Wave(number));
    RETURN_IF_ERROR(CheckImportable(*wave, rows.size()));
    std::vector<std::optional<std::string>> there(rows.size());
    if (wave->next_index() > 0) {
      ASSIGN_OR_RETURN(there, change.read().MultiGet(kAddresses, address_keys));
    }
    absl::flat_hash_set<absl::string_view> in_chunk;
    in_chunk.reserve(rows.size());
    int64_t accepted = 0;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (there[i].has_value() || !in_chunk.insert(address_keys[i]).second) {
        refusals.push_back(Duplicate(rows[i]));
        continue;
      }
      const uint32_t index = wave->next_index();
      wave->set_next_index(index + 1);
      change.Put(kRecipients, RecipientKey({number, index}), values[i]);
      std::string index_bytes;
      AppendBig32(index, &index_bytes);
      change.Put(kAddresses, address_keys[i], index_bytes);
      ++accepted;
    }
    std::stable_sort(refusals.begin(), refusals.end(),
                     [](const Refusal& a, const Refusal& b) { return a.position() < b.position(); });
    v1::WaveCounts* const counts = wave->mutable_wave()->mutable_counts();
    counts->set_accepted(counts->accepted() + accepted);
    counts->set_open(counts->open() + accepted);
    counts->set_refused(counts->refused() + static_cast<int64_t>(refusals.size()));

    if (!rows.empty() || !refusals.empty()) {
      v1::Event event;
      event.set_kind(v1::Event::IMPORTED);
      event.set_count(accepted);
      if (!refusals.empty()) event.set_text(absl::StrCat(refusals.size(), " refused"));
      change.AddEvent(std::move(event), number);
    }

    Response response;
    response.set_accepted(accepted);
    response.set_request_id(request.id);
    response.mutable_refusals()->Assign(refusals.begin(), refusals.end());
    return response;
  });
}

}  // namespace wavepost
