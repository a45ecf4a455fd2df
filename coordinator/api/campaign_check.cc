#include "coordinator/api/campaign_check.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "common/mail/message.h"
#include "common/rpc/status.h"
#include "coordinator/names/content_record.h"
#include "coordinator/names/resource_names.h"

namespace wavepost {
namespace {

constexpr int64_t kMaxAgeSecondsDefault = 72 * 3600;
constexpr int64_t kMaxAgeSecondsMin = 60;
constexpr int64_t kMaxAgeSecondsMax = 30 * 24 * 3600;

ContentSpec SpecOf(const v1::Content& content, std::vector<std::string> columns) {
  ContentSpec spec{.subject = content.subject(),
                   .from_name = content.from_name(),
                   .from_address = content.from_address(),
                   .reply_to = content.reply_to(),
                   .html = content.html(),
                   .text = content.text(),
                   .headers = {},
                   .columns = std::move(columns)};
  for (const v1::Header& header : content.headers()) spec.headers.emplace_back(header.name(), header.value());
  return spec;
}

// Cuts "12:5: message" into "line 12, column 5: message"; any other text stays as it is.
std::string WithPosition(std::string_view text) {
  const size_t first = text.find(':');
  const size_t second = first == std::string_view::npos ? first : text.find(':', first + 1);
  int line = 0, column = 0;
  if (second == std::string_view::npos || !absl::SimpleAtoi(Av(text.substr(0, first)), &line) ||
      !absl::SimpleAtoi(Av(text.substr(first + 1, second - first - 1)), &column)) {
    return std::string(text);
  }
  text.remove_prefix(second + 1);
  while (!text.empty() && text[0] == ' ') text.remove_prefix(1);
  return absl::StrCat("line ", line, ", column ", column, ": ", Av(text));
}

// Turns Compile's "FIELD:LINE:COLUMN: what" or "FIELD: what" into a violation with a path.
FieldViolation ViolationOf(const v1::Content& content, std::string_view message) {
  for (int i = 0; i < content.headers_size(); ++i) {
    const std::string head = absl::StrCat("header ", content.headers(i).name(), ":");
    if (!absl::StartsWith(Av(message), head)) continue;
    message.remove_prefix(head.size());
    while (!message.empty() && message[0] == ' ') message.remove_prefix(1);
    return {absl::StrCat("campaign.content.headers[", i, "]"), WithPosition(message)};
  }
  const size_t colon = message.find(':');
  if (colon == std::string_view::npos) return {"campaign.content", std::string(message)};
  const std::string_view field = message.substr(0, colon);
  message.remove_prefix(colon + 1);
  while (!message.empty() && message[0] == ' ') message.remove_prefix(1);
  if (field == "columns") return {"campaign.columns", WithPosition(message)};
  for (const std::string_view known : {"subject", "from_name", "from_address", "reply_to", "html", "text", "headers"}) {
    if (field == known) return {absl::StrCat("campaign.content.", Av(field)), WithPosition(message)};
  }
  return {"campaign.content", absl::StrCat(Av(field), ": ", Av(message))};
}

void CheckColumns(const v1::Campaign& campaign, std::vector<FieldViolation>* bad) {
  if (campaign.columns_size() > kCampaignColumnsMax) {
    bad->push_back({"campaign.columns", absl::StrCat("has ", campaign.columns_size(), " names; at most ",
                                                     kCampaignColumnsMax, " are allowed")});
    return;
  }
  std::set<std::string_view> seen;
  for (int i = 0; i < campaign.columns_size(); ++i) {
    const std::string& column = campaign.columns(i);
    const std::string path = absl::StrCat("campaign.columns[", i, "]");
    if (column.empty() || column.size() > kColumnBytesMax || Printable(column) != column) {
      bad->push_back({path, absl::StrCat("must be 1 to ", kColumnBytesMax, " printable bytes")});
    } else if (!seen.insert(column).second) {
      bad->push_back({path, absl::StrCat("'", column, "' is there twice")});
    }
  }
}

void CheckMaxAge(const v1::Campaign& campaign, std::vector<FieldViolation>* bad) {
  if (!campaign.has_max_age()) return;
  const int64_t seconds = campaign.max_age().seconds();
  if (seconds < kMaxAgeSecondsMin || seconds > kMaxAgeSecondsMax ||
      (seconds == kMaxAgeSecondsMax && campaign.max_age().nanos() > 0)) {
    bad->push_back({"campaign.max_age", absl::StrCat("must be from 1 minute to 30 days, is ", seconds, " s")});
  }
}

}  // namespace

absl::StatusOr<cluster::v1::StoredCampaign> CheckCampaign(const v1::Campaign& campaign, std::string_view name,
                                                          std::string_view message_id_domain) {
  std::vector<FieldViolation> bad;
  if (campaign.display_name().size() > kDisplayNameBytesMax ||
      Printable(campaign.display_name()) != campaign.display_name()) {
    bad.push_back(
        {"campaign.display_name", absl::StrCat("must be at most ", kDisplayNameBytesMax, " printable bytes")});
  }
  if (!campaign.has_content()) bad.push_back({"campaign.content", "is required"});
  if (!campaign.pool().empty() && !IsResourceId(campaign.pool())) {
    bad.push_back({"campaign.pool", absl::StrCat(Av(kResourceIdRule), ", is '", Printable(campaign.pool(), 200), "'")});
  }
  CheckMaxAge(campaign, &bad);
  if (!v1::Priority_IsValid(campaign.priority())) {
    bad.push_back({"campaign.priority", absl::StrCat(static_cast<int>(campaign.priority()), " is no priority")});
  }
  CheckColumns(campaign, &bad);

  bool unknown_variable = false;
  std::shared_ptr<const MessageTemplate> compiled;
  if (campaign.has_content()) {
    auto result = MessageTemplate::Compile(
        SpecOf(campaign.content(), std::vector<std::string>(campaign.columns().begin(), campaign.columns().end())));
    if (result.ok()) {
      compiled = *std::move(result);
    } else {
      unknown_variable = bad.empty() && absl::StrContains(result.status().message(), "is not a column");
      bad.push_back(ViolationOf(campaign.content(), Sv(result.status().message())));
    }
  }
  if (!bad.empty()) return BadFields(unknown_variable ? "UNKNOWN_VARIABLE" : "BAD_CAMPAIGN", bad);

  cluster::v1::StoredCampaign stored;
  *stored.mutable_campaign() = campaign;
  stored.mutable_campaign()->set_name(std::string(name));
  stored.mutable_campaign()->clear_create_time();
  if (campaign.pool().empty()) stored.mutable_campaign()->set_pool("default");
  if (campaign.priority() == v1::PRIORITY_UNSPECIFIED) stored.mutable_campaign()->set_priority(v1::BULK);
  if (!campaign.has_max_age()) stored.mutable_campaign()->mutable_max_age()->set_seconds(kMaxAgeSecondsDefault);
  const auto& needed = compiled->variables();
  const auto& optional = compiled->section_variables();
  for (const std::string& column : campaign.columns()) {
    const bool is_needed = std::find(needed.begin(), needed.end(), column) != needed.end();
    if (!is_needed && std::find(optional.begin(), optional.end(), column) == optional.end()) continue;
    stored.add_stored_columns(column);
    if (!is_needed) stored.add_optional_columns(column);
  }
  stored.set_content_id(ContentOf(stored, message_id_domain).content_id());
  return stored;
}

}  // namespace wavepost
