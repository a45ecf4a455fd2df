// wavepost start: a wave in draft begins to go out.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/call.h"
#include "cli/commands.h"
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

struct StartArgs {
  std::string campaign;
  std::string wave;
};

// The campaign's only draft; without one, its only wave, since starting twice is harmless.
absl::StatusOr<std::string> WaveToStart(const Cli& cli, const std::string& campaign) {
  ASSIGN_OR_RETURN(const std::vector<v1::Wave> waves, ListWaves(cli, campaign));
  std::string found;
  std::string drafts;
  for (const v1::Wave& wave : waves) {
    if (wave.state() != v1::Wave::DRAFT) continue;
    absl::StrAppend(&drafts, drafts.empty() ? "" : ", ", Leaf(wave.name()));
    found = wave.name();
  }
  if (drafts.find(',') != std::string::npos) {
    return absl::FailedPreconditionError(
        absl::StrCat(Leaf(campaign), ": has several waves in draft: ", drafts, "; choose one with --wave"));
  }
  if (!found.empty()) return found;
  if (waves.size() == 1) return waves[0].name();
  if (waves.empty()) return absl::NotFoundError(absl::StrCat(Leaf(campaign), ": has no wave"));
  return absl::FailedPreconditionError(absl::StrCat(Leaf(campaign), ": every wave is started already"));
}

absl::StatusOr<ExitCode> Start(Cli& cli, const StartArgs& args) {
  ASSIGN_OR_RETURN(const std::string campaign, CampaignName(args.campaign, cli.options.tenant));
  v1::StartWaveRequest request;
  if (args.wave.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_name(), WaveToStart(cli, campaign));
  } else {
    request.set_name(absl::StrCat(campaign, "/waves/", Leaf(args.wave)));
  }
  const auto stub = v1::CampaignService::NewStub(cli.channel());
  ASSIGN_OR_RETURN(const v1::Wave wave, Call(cli, *stub, &Stub::StartWave, request));
  if (cli.options.json) {
    cli.out() << Dump(ToJson(wave)) << "\n";
  } else {
    cli.out() << "wave " << Leaf(wave.name()) << " of " << Leaf(campaign) << " is " << StateWord(wave.state()) << ", "
              << WithCommas(wave.counts().open()) << " recipients open\n";
    if (!wave.from_address().empty())
      cli.out() << "Its mail leaves from " << Printable(wave.from_address(), 320) << "\n";
    cli.out() << "Look at it: wavepost watch " << Leaf(campaign) << "\n";
  }
  return ExitCode::kOk;
}

}  // namespace

void AddStart(CLI::App& app, Cli& cli) {
  auto args = std::make_shared<StartArgs>();
  CLI::App* cmd = app.add_subcommand("start", "Start a wave of a campaign");
  cmd->add_option("campaign", args->campaign, "CAMPAIGN or full name")->required();
  cmd->add_option("--wave", args->wave, "Which one; not needed if only one is in draft");
  cmd->footer("Starting a wave that runs already changes nothing.\n\nExample:\n  wavepost start spring");
  cmd->callback([&cli, args] { cli.action = [&cli, args] { return Start(cli, *args); }; });
}

}  // namespace wavepost::cli
