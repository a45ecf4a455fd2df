// wavepost tenants: who may use the cluster. For operators.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "cli/call.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/names.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "wavepost/v1/tenants_service.grpc.pb.h"

namespace wavepost::cli {
namespace {

using Stub = v1::TenantService::Stub;

constexpr int kPerPage = 1000;

struct TenantArgs {
  std::string id;
  std::string display_name;
};

void Print(const Cli& cli, const v1::Tenant& tenant) {
  if (cli.options.json) {
    cli.out() << Dump(ToJson(tenant)) << "\n";
  } else {
    cli.out() << Leaf(tenant.name()) << (tenant.display_name().empty() ? "" : "  " + Printable(tenant.display_name()))
              << "\n";
  }
}

absl::StatusOr<ExitCode> Create(Cli& cli, const TenantArgs& args) {
  v1::CreateTenantRequest request;
  request.set_tenant_id(args.id);
  request.mutable_tenant()->set_display_name(args.display_name);
  request.set_request_id(cli.env.nonce);
  const auto stub = v1::TenantService::NewStub(cli.channel());
  ASSIGN_OR_RETURN(const v1::Tenant tenant, Call(cli, *stub, &Stub::CreateTenant, request));
  Print(cli, tenant);
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> List(Cli& cli) {
  v1::ListTenantsRequest request;
  request.set_page_size(kPerPage);
  const auto stub = v1::TenantService::NewStub(cli.channel());
  do {
    ASSIGN_OR_RETURN(const v1::ListTenantsResponse page, Call(cli, *stub, &Stub::ListTenants, request));
    for (const v1::Tenant& tenant : page.tenants()) Print(cli, tenant);
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return ExitCode::kOk;
}

}  // namespace

void AddTenants(CLI::App& app, Cli& cli) {
  auto args = std::make_shared<TenantArgs>();
  CLI::App* cmd = app.add_subcommand("tenants", "Tenants (operators); 'default' is there from the beginning");
  cmd->require_subcommand(1);
  cmd->footer(
      "Example:\n  wavepost tenants create acme --display-name 'Acme Ltd'\n  wavepost keys create --tenant acme");
  CLI::App* create = cmd->add_subcommand("create", "Create a tenant");
  create->add_option("id", args->id, "[a-z][a-z0-9-]{0,62}")->required();
  create->add_option("--display-name", args->display_name, "Name for people");
  create->callback([&cli, args] { cli.action = [&cli, args] { return Create(cli, *args); }; });
  CLI::App* list = cmd->add_subcommand("list", "All tenants");
  list->callback([&cli] { cli.action = [&cli] { return List(cli); }; });
}

}  // namespace wavepost::cli
