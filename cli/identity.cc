// wavepost identity: what the operator has to publish for the cluster, and how receivers see its addresses.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "cli/call.h"
#include "cli/commands.h"
#include "cli/identity_view.h"
#include "cli/json_content.h"
#include "cli/record_view.h"
#include "common/base/status_macros.h"
#include "wavepost/v1/identity_service.grpc.pb.h"

namespace wavepost::cli {
namespace {

using Stub = v1::IdentityService::Stub;

constexpr absl::Duration kCheckTimeout = absl::Minutes(3);  // the server takes up to one

struct IdentityArgs {
  bool zone = false;
};

void Print(const Cli& cli, const IdentityArgs& args, const v1::Identity& identity) {
  if (cli.options.json) {
    cli.out() << Dump(ToJson(identity)) << "\n";
  } else if (args.zone) {
    cli.out() << RecordsZone(identity.dns_records());
  } else {
    cli.out() << IdentityText(identity, cli.env.columns);
  }
}

absl::Status CheckForm(const Cli& cli, const IdentityArgs& args) {
  if (args.zone && cli.options.json) {
    return UsageError("--zone and --json are two forms of the same records; choose one");
  }
  return absl::OkStatus();
}

absl::StatusOr<ExitCode> Show(Cli& cli, const IdentityArgs& args) {
  RETURN_IF_ERROR(CheckForm(cli, args));
  const auto stub = v1::IdentityService::NewStub(cli.channel());
  ASSIGN_OR_RETURN(const v1::Identity identity, Call(cli, *stub, &Stub::GetIdentity, v1::GetIdentityRequest()));
  Print(cli, args, identity);
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Check(Cli& cli, const IdentityArgs& args) {
  RETURN_IF_ERROR(CheckForm(cli, args));
  const auto stub = v1::IdentityService::NewStub(cli.channel());
  if (cli.env.err_is_terminal) cli.err() << "Looking at records, reverse names and block lists ...\n";
  ASSIGN_OR_RETURN(const v1::Identity identity,
                   Call(cli, *stub, &Stub::CheckIdentity, v1::CheckIdentityRequest(), kCheckTimeout));
  Print(cli, args, identity);
  return ProblemsOf(identity) == 0 ? ExitCode::kOk : ExitCode::kFailed;
}

}  // namespace

void AddIdentity(CLI::App& app, Cli& cli) {
  auto args = std::make_shared<IdentityArgs>();
  CLI::App* cmd = app.add_subcommand("identity", "Our own DNS records, reverse names and block lists (operators)");
  cmd->require_subcommand(1);
  cmd->footer(
      "SPF is made from the egress IPs that are there now: publish it again when they change.\n\nExample:\n"
      "  wavepost identity show --zone > wavepost.zone\n"
      "  wavepost identity check");
  const std::string zone_help = "The records as lines for a zone file";
  CLI::App* show = cmd->add_subcommand("show", "What to publish, and what the last check saw");
  show->add_flag("--zone", args->zone, zone_help);
  show->callback([&cli, args] { cli.action = [&cli, args] { return Show(cli, *args); }; });
  CLI::App* check = cmd->add_subcommand("check", "Look now; takes up to a minute");
  check->add_flag("--zone", args->zone, zone_help);
  check->footer(
      "Exit code 0 only if every required record and every reverse name is right, and no block list names an address.");
  check->callback([&cli, args] { cli.action = [&cli, args] { return Check(cli, *args); }; });
}

}  // namespace wavepost::cli
