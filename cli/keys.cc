// wavepost keys: API keys of a tenant.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "cli/call.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/names.h"
#include "common/base/status_macros.h"
#include "wavepost/v1/tenants_service.grpc.pb.h"

namespace wavepost::cli {
namespace {

using Stub = v1::TenantService::Stub;

absl::StatusOr<ExitCode> Create(Cli& cli, const std::string& display_name) {
  v1::CreateApiKeyRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), TenantName(cli.options.tenant));
  request.set_display_name(display_name);
  request.set_request_id(cli.env.nonce);
  const auto stub = v1::TenantService::NewStub(cli.channel());
  ASSIGN_OR_RETURN(const v1::CreateApiKeyResponse key, Call(cli, *stub, &Stub::CreateApiKey, request));
  if (cli.options.json) {
    cli.out() << Dump(Json{{"key", key.name()}, {"secret", key.secret()}}) << "\n";
  } else {
    // The secret alone on stdout: it can go straight into a file.
    cli.out() << key.secret() << "\n";
    cli.err() << "This is " << key.name() << ". It is shown this once; keep it in a file for --api-key-file.\n";
  }
  return ExitCode::kOk;
}

}  // namespace

void AddKeys(CLI::App& app, Cli& cli) {
  auto display_name = std::make_shared<std::string>();
  CLI::App* cmd = app.add_subcommand("keys", "API keys of the tenant");
  cmd->require_subcommand(1);
  cmd->footer("Example:\n  (umask 077; wavepost keys create --tenant acme > acme.key)");
  CLI::App* create = cmd->add_subcommand("create", "Make a key; the secret is printed once");
  create->add_option("--display-name", *display_name, "What it is for");
  create->callback([&cli, display_name] { cli.action = [&cli, display_name] { return Create(cli, *display_name); }; });
}

}  // namespace wavepost::cli
