#include "cli/campaign_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "cli/exit_code.h"
#include "cli/files.h"
#include "cli/names.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"

namespace wavepost::cli {
namespace {

constexpr size_t kTemplateBytesMax = 2 << 20;

absl::Status CheckColumn(const std::string& option, const std::string& column,
                         const std::vector<std::string>& columns) {
  if (std::find(columns.begin(), columns.end(), column) != columns.end()) return absl::OkStatus();
  return UsageError(absl::StrCat(option, ": the CSV file has no column '", Printable(column, 100), "' among ",
                                 Printable(absl::StrJoin(columns, ", "), 300)));
}

absl::Status SetContent(const CampaignOptions& options, v1::Content* content) {
  ASSIGN_OR_RETURN(Mailbox from, ParseMailbox(options.from));
  content->set_from_name(from.name);
  content->set_from_address(from.address);
  content->set_reply_to(options.reply_to);
  content->set_subject(options.subject);
  if (!options.subject_file.empty()) {
    ASSIGN_OR_RETURN(std::string subject, ReadTextFile("--subject-file", options.subject_file, kTemplateBytesMax));
    while (!subject.empty() && (subject.back() == '\n' || subject.back() == '\r')) subject.pop_back();
    content->set_subject(subject);
  }
  ASSIGN_OR_RETURN(*content->mutable_html(), ReadTextFile("--html", options.html, kTemplateBytesMax));
  if (!options.text.empty()) {
    ASSIGN_OR_RETURN(*content->mutable_text(), ReadTextFile("--text", options.text, kTemplateBytesMax));
  }
  for (const std::string& text : options.headers) {
    ASSIGN_OR_RETURN(const HeaderLine header, ParseHeader(text));
    v1::Header& out = *content->add_headers();
    out.set_name(header.name);
    out.set_value(header.value);
  }
  if (options.unsubscribe) content->set_unsubscribe(v1::UNSUBSCRIBE_YES);
  if (options.no_unsubscribe) content->set_unsubscribe(v1::UNSUBSCRIBE_NO);
  content->set_auto_submitted(options.auto_submitted);
  content->set_smime(options.smime);
  return absl::OkStatus();
}

absl::Status SetColumns(const CampaignOptions& options, const std::vector<std::string>& columns,
                        v1::Campaign* campaign) {
  for (const std::string& column : columns) campaign->add_columns(column);
  for (const std::string& text : options.defaults) {
    ASSIGN_OR_RETURN(const auto value, ParseAssignment("--default", text));
    RETURN_IF_ERROR(CheckColumn("--default", value.first, columns));
    if (!campaign->mutable_defaults()->insert({value.first, value.second}).second) {
      return UsageError(absl::StrCat("--default names the column '", Printable(value.first, 100), "' twice"));
    }
  }
  std::set<std::string> seen;
  for (const std::string& column : options.json_columns) {
    RETURN_IF_ERROR(CheckColumn("--json-column", column, columns));
    if (seen.insert(column).second) campaign->add_json_columns(column);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::Campaign> BuildCampaign(const CampaignOptions& options, const std::vector<std::string>& columns) {
  v1::Campaign campaign;
  RETURN_IF_ERROR(SetContent(options, campaign.mutable_content()));
  RETURN_IF_ERROR(SetColumns(options, columns, &campaign));
  campaign.set_display_name(options.display_name);
  campaign.set_pool(options.pool);
  if (options.priority == "urgent") campaign.set_priority(v1::URGENT);
  if (options.priority == "bulk") campaign.set_priority(v1::BULK);
  if (!options.max_age.empty()) {
    absl::Duration max_age;
    if (!absl::ParseDuration(options.max_age, &max_age) || max_age <= absl::ZeroDuration()) {
      return UsageError(absl::StrCat("--max-age '", options.max_age, "' is no duration; write e.g. 72h or 90m"));
    }
    campaign.mutable_max_age()->set_seconds(absl::ToInt64Seconds(max_age));
  }
  return campaign;
}

void AddCampaignOptions(CLI::App& cmd, CampaignOptions& options) {
  auto* subject = cmd.add_option("--subject", options.subject, "Subject, a template");
  cmd.add_option("--subject-file", options.subject_file, "The same from a file")->excludes(subject);
  cmd.add_option("--from", options.from, "\"Name <local@domain>\"; the name may be a template")->required();
  cmd.add_option("--html", options.html, "HTML template file")->required();
  cmd.add_option("--text", options.text, "Text template file; without it the text is derived from the HTML");
  cmd.add_option("--reply-to", options.reply_to,
                 "Where answers go: \"Name <local@domain>\" or the address alone, a template");
  cmd.add_option("--header", options.headers, "\"Name: value\", more header fields; the value is a template")
      ->allow_extra_args(false);
  cmd.add_option("--attach", options.attach, "Attach FILE, or 'FILE;type=application/pdf;name=Angebot.pdf'; repeat it")
      ->allow_extra_args(false);
  cmd.add_option("--inline", options.inlined, "CID=FILE: a picture in the HTML, by src=\"cid:CID\"; repeat it")
      ->allow_extra_args(false);
  cmd.add_option("--default", options.defaults,
                 "COLUMN=VALUE for rows in which the column is missing or blank; repeat it")
      ->allow_extra_args(false);
  cmd.add_option("--json-column", options.json_columns,
                 "Column whose values are JSON: lists and objects for sections; repeat it")
      ->allow_extra_args(false);
  auto* unsubscribe =
      cmd.add_flag("--unsubscribe", options.unsubscribe, "List-Unsubscribe fields that lead to us (default for bulk)");
  cmd.add_flag("--no-unsubscribe", options.no_unsubscribe, "Without them (default for urgent)")->excludes(unsubscribe);
  cmd.add_flag("--auto-submitted", options.auto_submitted, "Say that a machine wrote it: absence notices stay away");
  cmd.add_flag("--smime", options.smime, "Sign with the certificate for the From address, see 'wavepost certificates'");
  cmd.add_option("--display-name", options.display_name, "Title for people");
  cmd.add_option("--pool", options.pool, "Egress pool");
  cmd.add_option("--priority", options.priority,
                 "urgent: goes before all bulk, for single messages; waves of at most 1000 recipients")
      ->check(CLI::IsMember({"bulk", "urgent"}));
  cmd.add_option("--max-age", options.max_age, "How long temporary failures are retried, e.g. 72h");
}

}  // namespace wavepost::cli
