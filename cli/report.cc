// wavepost report: what became of a campaign, for people who were not there.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/call.h"
#include "cli/commands.h"
#include "cli/failures.h"
#include "cli/format.h"
#include "cli/json.h"
#include "cli/listing.h"
#include "cli/names.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "wavepost/v1/campaigns_service.grpc.pb.h"

namespace wavepost::cli {
namespace {

using Stub = v1::CampaignService::Stub;

constexpr size_t kReasonsShown = 10;

struct ReportArgs {
  std::string campaign;
};

void PrintWave(const Cli& cli, const v1::Wave& wave) {
  const v1::WaveCounts& c = wave.counts();
  std::ostream& out = cli.out();
  out << "Wave " << Leaf(wave.name()) << ": " << StateWord(wave.state()) << "\n";
  if (wave.has_start_time()) out << "  started    " << LocalTime(FromProto(wave.start_time())) << "\n";
  if (wave.has_start_time() && wave.has_complete_time()) {
    const absl::Duration took = FromProto(wave.complete_time()) - FromProto(wave.start_time());
    out << "  completed  " << LocalTime(FromProto(wave.complete_time())) << ", after " << ShortDuration(took);
    if (took > absl::ZeroDuration()) {
      out << " (" << WithCommas(static_cast<int64_t>(static_cast<double>(c.accepted()) / absl::ToDoubleSeconds(took)))
          << " recipients/s)";
    }
    out << "\n";
  }
  Table table;
  table.Column("outcome");
  table.Column("recipients", Table::Align::kRight);
  table.Column("share", Table::Align::kRight);
  const auto row = [&](const char* name, int64_t n, bool always) {
    if (n != 0 || always) table.Row({name, WithCommas(n), Share(n, c.accepted())});
  };
  row("delivered", c.delivered(), true);
  row("bounced", c.bounced(), true);
  row("expired", c.expired(), true);
  row("suppressed", c.suppressed(), true);
  row("capped", c.capped(), false);
  row("cancelled", c.cancelled(), false);
  row("open", c.open(), true);
  row("accepted", c.accepted(), true);
  out << "\n" << table.ToString("  ") << "\n";
  out << "  refused at import " << WithCommas(c.refused()) << ", deferrals on the way " << WithCommas(c.deferrals())
      << "\n\n";
}

void PrintFailures(const Cli& cli, const Failures& failures) {
  if (failures.top(1).empty()) return;
  Table table;
  table.Column("recipients", Table::Align::kRight);
  table.Column("outcome");
  table.Column("reason");
  table.Column("most at");
  table.Column("for example");
  for (const Failures::Line& line : failures.top(kReasonsShown)) {
    table.Row({WithCommas(line.count), line.outcome, line.reason,
               absl::StrCat(line.top_domain, " (", WithCommas(line.top_domain_count), ")"),
               Printable(line.example, 80)});
  }
  cli.out() << "Why mail was not delivered, most frequent first:\n\n" << table.ToString("  ");
}

absl::StatusOr<ExitCode> Report(Cli& cli, const ReportArgs& args) {
  ASSIGN_OR_RETURN(const std::string name, CampaignName(args.campaign, cli.options.tenant));
  const auto stub = v1::CampaignService::NewStub(cli.channel());
  v1::GetCampaignRequest get;
  get.set_name(name);
  ASSIGN_OR_RETURN(const v1::Campaign campaign, Call(cli, *stub, &Stub::GetCampaign, get));
  ASSIGN_OR_RETURN(const std::vector<v1::Wave> waves, ListWaves(cli, name));
  Failures failures;
  for (const v1::Wave& wave : waves) {
    RETURN_IF_ERROR(ForEachRecipient(cli, wave.name(), {v1::BOUNCED, v1::EXPIRED}, [&](const v1::Recipient& recipient) {
      failures.Add(recipient);
      return absl::OkStatus();
    }));
  }
  if (cli.options.json) {
    Json json{{"campaign", campaign.name()}, {"display_name", campaign.display_name()}};
    json["waves"] = Json::array();
    for (const v1::Wave& wave : waves) json["waves"].push_back(ToJson(wave));
    json["failures"] = Json::array();
    for (const Failures::Line& line : failures.top(kReasonsShown)) {
      json["failures"].push_back({{"outcome", line.outcome},
                                  {"reason", line.reason},
                                  {"recipients", line.count},
                                  {"top_domain", line.top_domain},
                                  {"top_domain_recipients", line.top_domain_count},
                                  {"example", line.example}});
    }
    cli.out() << Dump(json) << "\n";
    return ExitCode::kOk;
  }
  cli.out() << "Campaign " << Leaf(campaign.name());
  if (!campaign.display_name().empty()) cli.out() << ", " << Printable(campaign.display_name());
  cli.out() << "\n\n";
  if (waves.empty()) cli.out() << "It has no wave yet.\n";
  for (const v1::Wave& wave : waves) PrintWave(cli, wave);
  PrintFailures(cli, failures);
  return ExitCode::kOk;
}

}  // namespace

void AddReport(CLI::App& app, Cli& cli) {
  auto args = std::make_shared<ReportArgs>();
  CLI::App* cmd = app.add_subcommand("report", "Outcomes, shares, times and the most frequent reasons for failure");
  cmd->add_option("campaign", args->campaign, "CAMPAIGN or full name")->required();
  cmd->footer("Example:\n  wavepost report spring\n  wavepost report spring --json | jq '.waves[].delivered'");
  cmd->callback([&cli, args] { cli.action = [&cli, args] { return Report(cli, *args); }; });
}

}  // namespace wavepost::cli
