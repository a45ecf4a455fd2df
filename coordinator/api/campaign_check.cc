#include "coordinator/api/campaign_check.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/mail/header_policy.h"
#include "common/mail/message.h"
#include "common/mail/outgoing.h"
#include "common/rpc/status.h"
#include "coordinator/api/value_check.h"
#include "coordinator/names/resource_names.h"

namespace wavepost {
namespace {

constexpr int64_t kMaxAgeSecondsDefault = 72 * 3600;
constexpr int64_t kMaxAgeSecondsMin = 60;
constexpr int64_t kMaxAgeSecondsMax = 30 * 24 * 3600;

template <class List>
bool Contains(const List& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
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

// Cuts "attachments[2]: content_type must..." into path and rest.
FieldViolation ViolationOfAttachment(absl::string_view field, absl::string_view message) {
  for (const absl::string_view part : {"file_name", "content_type", "content_id"}) {
    const std::string head = absl::StrCat(part, " ");
    if (absl::ConsumePrefix(&message, head)) {
      return {absl::StrCat("campaign.content.", field, ".", part), std::string(message)};
    }
  }
  return {absl::StrCat("campaign.content.", field), std::string(message)};
}

// Turns Compile's "FIELD:LINE:COLUMN: what" or "FIELD: what" into a violation with a path.
FieldViolation ViolationOf(const v1::Content& content, absl::string_view message) {
  const auto skip_blanks = [&message] { message = absl::StripLeadingAsciiWhitespace(message); };
  for (int i = 0; i < content.headers_size(); ++i) {
    if (!absl::ConsumePrefix(&message, absl::StrCat("header ", Printable(content.headers(i).name()), ":"))) continue;
    skip_blanks();
    return {absl::StrCat("campaign.content.headers[", i, "]"),
            absl::StrCat(Printable(content.headers(i).name(), kHeaderNameBytesMax), ": ", WithPosition(Sv(message)))};
  }
  const size_t colon = message.find(':');
  if (colon == absl::string_view::npos) return {"campaign.content", std::string(message)};
  const absl::string_view field = message.substr(0, colon);
  message.remove_prefix(colon + 1);
  skip_blanks();
  if (field == "columns" || field == "json_columns") {
    return {absl::StrCat("campaign.", field), WithPosition(Sv(message))};
  }
  if (absl::StartsWith(field, "attachments")) return ViolationOfAttachment(field, message);
  for (const absl::string_view known :
       {"subject", "from_name", "from_address", "reply_to", "html", "text", "headers"}) {
    if (field == known) return {absl::StrCat("campaign.content.", field), WithPosition(Sv(message))};
  }
  return {"campaign.content", absl::StrCat(field, ": ", message)};
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

void CheckJsonColumns(const v1::Campaign& campaign, std::vector<FieldViolation>* bad) {
  std::set<std::string_view> seen;
  for (int i = 0; i < std::min(campaign.json_columns_size(), kCampaignColumnsMax + 1); ++i) {
    const std::string& column = campaign.json_columns(i);
    const std::string path = absl::StrCat("campaign.json_columns[", i, "]");
    if (!Contains(campaign.columns(), column)) {
      bad->push_back({path, absl::StrCat("'", Printable(column, kColumnBytesMax),
                                         "' is not a column; add it to campaign.columns, or correct the name")});
    } else if (!seen.insert(column).second) {
      bad->push_back({path, absl::StrCat("'", column, "' is there twice")});
    }
  }
}

void CheckDefaults(const v1::Campaign& campaign, std::vector<FieldViolation>* bad) {
  // In order of the columns, so that the same mistake always yields the same answer.
  std::set<std::string_view> names;
  for (const auto& [column, value] : campaign.defaults()) names.insert(column);
  for (const std::string_view column : names) {
    const std::string path = absl::StrCat("campaign.defaults[", Printable(column, kColumnBytesMax), "]");
    const std::string& value = campaign.defaults().at(std::string(column));
    if (!Contains(campaign.columns(), column)) {
      bad->push_back({path, "is not a column; add it to campaign.columns, or correct the name"});
    } else if (std::optional<ValueProblem> problem = CheckValue(value, Contains(campaign.json_columns(), column))) {
      bad->push_back({path, std::move(problem->what)});
    } else if (!HasValue(value)) {
      bad->push_back({path, "is blank, which is the same as none; leave it out"});
    }
  }
}

void CheckEnums(const v1::Campaign& campaign, std::vector<FieldViolation>* bad) {
  if (!v1::Priority_IsValid(campaign.priority())) {
    bad->push_back({"campaign.priority", absl::StrCat(static_cast<int>(campaign.priority()), " is no priority")});
  }
  if (!v1::Unsubscribe_IsValid(campaign.content().unsubscribe())) {
    bad->push_back({"campaign.content.unsubscribe",
                    absl::StrCat(static_cast<int>(campaign.content().unsubscribe()),
                                 " is none of the choices; use UNSUBSCRIBE_YES or UNSUBSCRIBE_NO")});
  }
}

// The campaign with defaults filled in; which columns are stored is not known yet.
cluster::v1::StoredCampaign WithDefaults(const v1::Campaign& campaign, std::string_view name) {
  cluster::v1::StoredCampaign stored;
  v1::Campaign& out = *stored.mutable_campaign();
  out = campaign;
  out.set_name(std::string(name));
  out.clear_create_time();
  out.clear_warnings();
  if (out.pool().empty()) out.set_pool("default");
  if (out.priority() == v1::PRIORITY_UNSPECIFIED) out.set_priority(v1::BULK);
  if (!out.has_max_age()) out.mutable_max_age()->set_seconds(kMaxAgeSecondsDefault);
  return stored;
}

// As it would be compiled to be sent. Problems of the content go to `bad`.
absl::StatusOr<std::shared_ptr<const MessageTemplate>> CompileAll(cluster::v1::StoredCampaign stored,
                                                                  const ContentOptions& options,
                                                                  const CampaignFiles& files,
                                                                  std::vector<FieldViolation>* bad) {
  *stored.mutable_stored_columns() = stored.campaign().columns();
  cluster::v1::Content content = ContentOf(stored, "", "", options);
  // Where something is wrong already, the rest is checked all the same, without the bytes.
  for (int i = 0; bad->empty() && i < content.content().attachments_size(); ++i) {
    ASSIGN_OR_RETURN(*content.add_files(), files.read(content.content().attachments(i).file()));
  }
  auto compiled = MessageTemplate::Compile(SpecOf(std::move(content)));
  if (compiled.ok()) return compiled;
  bad->push_back(ViolationOf(stored.campaign().content(), compiled.status().message()));
  return std::shared_ptr<const MessageTemplate>();
}

}  // namespace

absl::StatusOr<cluster::v1::StoredCampaign> CheckCampaign(const v1::Campaign& campaign, std::string_view name,
                                                          const ContentOptions& options, const CampaignFiles& files) {
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
  CheckEnums(campaign, &bad);
  CheckColumns(campaign, &bad);
  CheckJsonColumns(campaign, &bad);
  CheckDefaults(campaign, &bad);
  RETURN_IF_ERROR(CheckAttachedFiles(campaign.content(), TenantPartOf(name).value_or(""), files.size_of, &bad));
  if (absl::StrContains(campaign.content().from_address(), "{{")) {
    bad.push_back({"campaign.content.from_address",
                   "is no template: all mail of a campaign comes from one address; what differs can go into from_name "
                   "or reply_to"});
  }

  cluster::v1::StoredCampaign stored = WithDefaults(campaign, name);
  std::shared_ptr<const MessageTemplate> compiled;
  bool unknown_variable = false;
  if (campaign.has_content()) {
    const size_t before = bad.size();
    ASSIGN_OR_RETURN(compiled, CompileAll(stored, options, files, &bad));
    unknown_variable =
        before == 0 && bad.size() == 1 && absl::StrContains(Av(bad.front().description), "is not a column");
  }
  if (!bad.empty()) return BadFields(unknown_variable ? "UNKNOWN_VARIABLE" : "BAD_CAMPAIGN", bad);

  for (const std::string& column : campaign.columns()) {
    const bool is_needed = Contains(compiled->variables(), column);
    if (!is_needed && !Contains(compiled->section_variables(), column)) continue;
    stored.add_stored_columns(column);
    if (!is_needed) stored.add_optional_columns(column);
  }
  return stored;
}

}  // namespace wavepost
