// wavepost allowlist: the sheet for a recipient's IT department.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "cli/call.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/json.h"
#include "cli/names.h"
#include "common/base/status_macros.h"
#include "wavepost/v1/identity_service.grpc.pb.h"

namespace wavepost::cli {
namespace {

using Stub = v1::IdentityService::Stub;

struct AllowListArgs {
  std::string language = "en";
  std::string format = "md";
  std::string output;
};

absl::StatusOr<ExitCode> Sheet(Cli& cli, const AllowListArgs& args) {
  v1::GetAllowListSheetRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), TenantName(cli.options.tenant));
  request.set_language(args.language);
  request.set_format(args.format);
  const auto stub = v1::IdentityService::NewStub(cli.channel());
  ASSIGN_OR_RETURN(const v1::AllowListSheet sheet, Call(cli, *stub, &Stub::GetAllowListSheet, request));
  if (!args.output.empty()) RETURN_IF_ERROR(WriteFile("--output", args.output, sheet.text()));
  if (cli.options.json) {
    Json json{{"content_type", sheet.content_type()}};
    if (args.output.empty()) {
      json["text"] = sheet.text();
    } else {
      json["file"] = args.output;
    }
    cli.out() << Dump(json) << "\n";
  } else if (args.output.empty()) {
    PrintBytes(cli, sheet.text());
  } else {
    cli.out() << args.output << "\n";
  }
  return ExitCode::kOk;
}

}  // namespace

void AddAllowList(CLI::App& app, Cli& cli) {
  auto args = std::make_shared<AllowListArgs>();
  CLI::App* cmd = app.add_subcommand("allowlist", "A sheet for a recipient's IT: what to let in, step by step");
  cmd->add_option("--lang", args->language, "de or en")->capture_default_str()->check(CLI::IsMember({"de", "en"}));
  cmd->add_option("--format", args->format, "md or html")->capture_default_str()->check(CLI::IsMember({"md", "html"}));
  cmd->add_option("--output", args->output, "Into this file instead of stdout");
  cmd->footer(
      "Made from what is configured now (addresses, return path, domains): fetch a new one rather than keep it.\n\n"
      "Example:\n  wavepost allowlist --tenant acme --lang de --format html --output allowlist.html");
  cmd->callback([&cli, args] { cli.action = [&cli, args] { return Sheet(cli, *args); }; });
}

}  // namespace wavepost::cli
