// wavepost recipient: everything that the books know about one recipient.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/call.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/json.h"
#include "cli/names.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "wavepost/v1/campaigns_service.grpc.pb.h"

namespace wavepost::cli {
namespace {

using Stub = v1::CampaignService::Stub;

// "1,000x hard (user_unknown), first 2026-05-01 12:00:00, last 2026-05-02 09:30:00"
std::string ReportLine(const v1::ReportCount& kind) {
  std::string line = absl::StrCat(WithCommas(kind.count()), "x ", ClassWord(kind.bounce_class()));
  const std::string reason = ReasonWord(kind.reason());
  if (!reason.empty()) absl::StrAppend(&line, " (", reason, ")");
  if (kind.has_first_time() && kind.count() == 1) absl::StrAppend(&line, ", ", LocalTime(FromProto(kind.first_time())));
  if (kind.count() > 1 && kind.has_first_time() && kind.has_last_time()) {
    absl::StrAppend(&line, ", first ", LocalTime(FromProto(kind.first_time())), ", last ",
                    LocalTime(FromProto(kind.last_time())));
  }
  return line;
}

void Print(std::ostream& out, const v1::Recipient& r) {
  Table table;
  table.Column("");
  table.Column("");
  const auto row = [&](const char* name, const std::string& value) {
    if (!value.empty()) table.Row({name, Printable(value, 2048)});
  };
  const v1::DeliveryStatus& s = r.status();
  row("recipient", r.name());
  row("address", r.address());
  row("outcome", OutcomeWord(r.outcome()));
  if (r.has_outcome_time()) row("since", LocalTime(FromProto(r.outcome_time())));
  row("attempts", std::to_string(r.attempts()));
  if (r.has_next_attempt_time()) row("next attempt", LocalTime(FromProto(r.next_attempt_time())));
  row("reply", ReplyLine(s));
  row("code", s.enhanced_code());
  row("reason", ReasonWord(s.reason()));
  row("phase", s.phase());
  row("host", s.mx_host() + (s.mx_ip().empty() ? "" : " (" + s.mx_ip() + ")"));
  row("from IP", s.egress_ip());
  row("TLS", s.tls());
  if (s.maybe_delivered()) row("note", "an earlier transaction may have been completed: maybe delivered");
  for (const v1::ReportCount& kind : r.reports()) row("came back", ReportLine(kind));
  for (const auto& [column, value] : r.attributes()) row(("." + column).c_str(), value);
  out << table.ToString();
}

absl::StatusOr<ExitCode> Show(Cli& cli, const std::string& text) {
  v1::GetRecipientRequest request;
  ASSIGN_OR_RETURN(*request.mutable_name(), RecipientName(text, cli.options.tenant));
  const auto stub = v1::CampaignService::NewStub(cli.channel());
  ASSIGN_OR_RETURN(const v1::Recipient recipient, Call(cli, *stub, &Stub::GetRecipient, request));
  if (cli.options.json) {
    cli.out() << Dump(ToJson(recipient)) << "\n";
  } else {
    Print(cli.out(), recipient);
  }
  return ExitCode::kOk;
}

}  // namespace

void AddRecipient(CLI::App& app, Cli& cli) {
  auto name = std::make_shared<std::string>();
  CLI::App* cmd = app.add_subcommand("recipient", "Show one recipient and the last word of its host");
  cmd->add_option("name", *name, "CAMPAIGN/WAVE/RECIPIENT or full name, as audit and events print it")->required();
  cmd->footer("Example:\n  wavepost recipient spring/main/w1-17");
  cmd->callback([&cli, name] { cli.action = [&cli, name] { return Show(cli, *name); }; });
}

}  // namespace wavepost::cli
