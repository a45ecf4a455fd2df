#include "coordinator/api/row_check.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/content/template.h"
#include "common/mail/address.h"
#include "common/mail/message.h"
#include "common/mail/outgoing.h"
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

// Whether a header depends on the row: then its length, its emptiness, or whether it is an address does too.
bool HasHeaderVariables(const v1::Content& content) {
  const auto has_tag = [](const std::string& text) { return absl::StrContains(text, "{{"); };
  return has_tag(content.subject()) || has_tag(content.from_name()) || has_tag(content.reply_to()) ||
         std::any_of(content.headers().begin(), content.headers().end(),
                     [&](const v1::Header& header) { return has_tag(header.value()); });
}

// Values up to this length cannot make a body too long, wherever they stand in it.
size_t SafeBytes(const std::string& body) {
  constexpr size_t kEscapedMax = 6;              // "&quot;" for '"'
  if (absl::StrContains(body, "{{=")) return 0;  // other delimiters: tags cannot be counted by their braces
  const size_t tags = 1 + static_cast<size_t>(std::count(body.begin(), body.end(), '{'));
  return body.size() >= kRenderedBytesMax ? 0 : (kRenderedBytesMax - body.size()) / tags / kEscapedMax;
}

// What is wrong with the values, where the message cannot be rendered with them.
std::optional<Refusal> TryToRender(const RowRules& rules, int64_t position, const std::string& address,
                                   const std::vector<std::string>& values) {
  const absl::Status status = rules.message->CheckValues(values);
  if (status.ok()) return std::nullopt;
  // Which of the values it is can be said better here.
  for (size_t i = 0; i < values.size(); ++i) {
    const RowRules::Column& column = rules.columns[i];
    if (!column.is_json) continue;
    if (const auto problem = CheckValue(values[i], /*is_json=*/true)) {
      return Refuse(position, address, problem->reason, absl::StrCat("'", column.name, "' ", problem->what));
    }
  }
  const std::string_view sentence = Sv(status.message());
  const bool missing = absl::StrContains(Av(sentence), "has no value");
  return Refuse(position, address, missing ? "MISSING_ATTRIBUTE" : "CANNOT_RENDER", std::string(sentence));
}

// Length first, so that no two lists of values look the same.
void AppendHashed(std::string_view value, std::string* out) {
  const auto size = static_cast<uint32_t>(value.size());
  for (int shift = 24; shift >= 0; shift -= 8) *out += static_cast<char>(size >> shift & 0xff);
  out->append(value);
}

}  // namespace

absl::StatusOr<RowRules> RowRules::For(const cluster::v1::StoredCampaign& campaign, const ContentOptions& options) {
  RowRules rules;
  cluster::v1::Content content = ContentOf(campaign, "", "", options);
  const auto is_in = [](const auto& list, const std::string& text) {
    return std::find(list.begin(), list.end(), text) != list.end();
  };
  for (const std::string& column : campaign.stored_columns()) {
    const auto& defaults = campaign.campaign().defaults();
    const auto found = defaults.find(column);
    rules.columns.push_back({.name = column,
                             .needed = !is_in(campaign.optional_columns(), column),
                             .is_json = is_in(content.json_columns(), column),
                             .default_value = found == defaults.end() ? "" : found->second});
  }
  rules.try_all = HasHeaderVariables(content.content()) || content.json_columns_size() > 0;
  rules.try_above_bytes = std::min(SafeBytes(content.content().html()), SafeBytes(content.content().text()));
  if (!rules.try_all && rules.try_above_bytes >= kAttributeBytesMax) return rules;
  // Without the files' bytes: those are the same for all rows, and were weighed with the campaign.
  auto message = MessageTemplate::Compile(SpecOf(std::move(content)));
  if (!message.ok()) return absl::InternalError(absl::StrCat("the campaign: ", message.status().message()));
  rules.message = *std::move(message);
  return rules;
}

std::optional<Refusal> CheckRow(const RowRules& rules, int64_t position, v1::Recipient* row, NewRecipient* accepted) {
  const absl::StatusOr<Address> address = ParseAddress(row->address());
  if (!address.ok()) {
    return Refuse(position, row->address(), "MALFORMED_ADDRESS", std::string(address.status().message()));
  }
  auto& attributes = *row->mutable_attributes();
  std::vector<std::string> values(rules.columns.size());
  size_t longest = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const RowRules::Column& column = rules.columns[i];
    const auto found = attributes.find(column.name);
    if (found == attributes.end() || !HasValue(found->second)) {
      values[i] = column.default_value;  // was checked with the campaign
      if (values[i].empty() && column.needed) {
        return Refuse(position, row->address(), "MISSING_ATTRIBUTE",
                      absl::StrCat("'", column.name, "' has no value, and the message needs one"));
      }
    } else {
      // JSON is parsed once, by TryToRender.
      const auto problem = column.is_json ? CheckJsonSize(found->second) : CheckValue(found->second, false);
      if (problem.has_value()) {
        return Refuse(position, row->address(), problem->reason, absl::StrCat("'", column.name, "' ", problem->what));
      }
      values[i] = std::move(found->second);
    }
    longest = std::max(longest, values[i].size());
  }
  if (rules.message != nullptr && (rules.try_all || longest > rules.try_above_bytes)) {
    if (auto refusal = TryToRender(rules, position, row->address(), values)) return refusal;
  }
  accepted->position = position;
  accepted->recipient.set_address(address->ToString());
  accepted->recipient.mutable_values()->Reserve(static_cast<int>(values.size()));
  for (std::string& value : values) accepted->recipient.add_values(std::move(value));
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
