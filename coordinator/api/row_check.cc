#include "coordinator/api/row_check.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "common/content/template.h"
#include "common/mail/address.h"
#include "coordinator/rpc/auth.h"

namespace wavepost {
namespace {

using Refusal = v1::ImportRecipientsResponse::Refusal;

constexpr size_t kRefusedAddressBytesMax = 320;

Refusal Refuse(int64_t position, std::string_view address, std::string_view reason, std::string description) {
  Refusal refusal;
  refusal.set_position(position);
  refusal.set_address(Printable(address, kRefusedAddressBytesMax));
  refusal.set_reason(std::string(reason));
  refusal.set_description(std::move(description));
  return refusal;
}

bool HasControls(std::string_view value) {
  return std::any_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

// Length first, so that no two lists of values look the same.
void AppendHashed(std::string_view value, std::string* out) {
  const auto size = static_cast<uint32_t>(value.size());
  for (int shift = 24; shift >= 0; shift -= 8) *out += static_cast<char>(size >> shift & 0xff);
  out->append(value);
}

}  // namespace

RowRules RowRules::For(const cluster::v1::StoredCampaign& campaign) {
  RowRules rules;
  const auto& optional = campaign.optional_columns();
  for (const std::string& column : campaign.stored_columns()) {
    rules.columns.push_back({column, std::find(optional.begin(), optional.end(), column) == optional.end()});
  }
  return rules;
}

std::optional<Refusal> CheckRow(const RowRules& rules, int64_t position, v1::Recipient* row, NewRecipient* accepted) {
  const absl::StatusOr<Address> address = ParseAddress(row->address());
  if (!address.ok()) {
    return Refuse(position, row->address(), "MALFORMED_ADDRESS", std::string(address.status().message()));
  }
  accepted->position = position;
  accepted->recipient.set_address(address->ToString());
  accepted->recipient.mutable_values()->Reserve(static_cast<int>(rules.columns.size()));
  auto& attributes = *row->mutable_attributes();
  for (const RowRules::Column& column : rules.columns) {
    const auto found = attributes.find(column.name);
    if (found == attributes.end() || !HasValue(found->second)) {
      if (column.needed) {
        return Refuse(position, row->address(), "MISSING_ATTRIBUTE",
                      absl::StrCat("'", column.name, "' has no value, and the message needs one"));
      }
      accepted->recipient.add_values();
      continue;
    }
    std::string& value = found->second;
    if (value.size() > kAttributeBytesMax) {
      return Refuse(position, row->address(), "ATTRIBUTE_TOO_LARGE",
                    absl::StrCat("'", column.name, "' has ", value.size(), " bytes; at most ", kAttributeBytesMax,
                                 " are allowed"));
    }
    if (HasControls(value)) {
      return Refuse(position, row->address(), "BAD_ATTRIBUTE",
                    absl::StrCat("'", column.name, "' has a line break or another control character in it"));
    }
    if (!IsUtf8(value)) {
      return Refuse(position, row->address(), "BAD_ATTRIBUTE", absl::StrCat("'", column.name, "' is not valid UTF-8"));
    }
    accepted->recipient.add_values(std::move(value));
  }
  return std::nullopt;
}

std::string ChunkHash(int64_t first_position, const std::vector<NewRecipient>& rows,
                      const std::vector<Refusal>& refusals) {
  std::string bytes = absl::StrCat(first_position, " ", rows.size(), " ", refusals.size(), " ");
  bytes.reserve(128 * rows.size());
  for (const NewRecipient& row : rows) {
    absl::StrAppend(&bytes, row.position, " ");
    AppendHashed(row.recipient.address(), &bytes);
    for (const std::string& value : row.recipient.values()) AppendHashed(value, &bytes);
  }
  for (const Refusal& refusal : refusals) {
    absl::StrAppend(&bytes, refusal.position(), " ", refusal.reason(), " ");
    AppendHashed(refusal.address(), &bytes);
  }
  return Sha256(bytes);
}

}  // namespace wavepost
