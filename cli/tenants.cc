// wavepost tenants: who may use the cluster. For operators.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "cli/call.h"
#include "cli/commands.h"
#include "cli/json_content.h"
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
  std::string fallback_from;
  double weight = 1;
  // Which were given: an empty text is a value, too.
  const CLI::Option* display_name_given = nullptr;
  const CLI::Option* fallback_from_given = nullptr;
  const CLI::Option* weight_given = nullptr;
};

void Print(const Cli& cli, const v1::Tenant& tenant) {
  if (cli.options.json) {
    cli.out() << Dump(ToJson(tenant)) << "\n";
  } else {
    cli.out() << Printable(Leaf(tenant.name()), 100)
              << (tenant.display_name().empty() ? "" : "  " + Printable(tenant.display_name()));
    if (tenant.weight() > 0 && tenant.weight() != 1) cli.out() << "  weight " << tenant.weight();
    if (!tenant.fallback_from_address().empty()) {
      cli.out() << "  fallback From " << Printable(tenant.fallback_from_address(), 320);
    }
    cli.out() << "\n";
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

absl::StatusOr<ExitCode> Update(Cli& cli, const TenantArgs& args) {
  v1::UpdateTenantRequest request;
  v1::Tenant& tenant = *request.mutable_tenant();
  ASSIGN_OR_RETURN(*tenant.mutable_name(), TenantName(args.id));
  if (args.display_name_given->count() > 0) {
    tenant.set_display_name(args.display_name);
    request.mutable_update_mask()->add_paths("display_name");
  }
  if (args.weight_given->count() > 0) {
    tenant.set_weight(args.weight);
    request.mutable_update_mask()->add_paths("weight");
  }
  if (args.fallback_from_given->count() > 0) {
    tenant.set_fallback_from_address(args.fallback_from);
    request.mutable_update_mask()->add_paths("fallback_from_address");
  }
  if (request.update_mask().paths().empty()) {
    return UsageError("nothing to change; give --display-name, --weight or --fallback-from");
  }
  const auto stub = v1::TenantService::NewStub(cli.channel());
  ASSIGN_OR_RETURN(const v1::Tenant changed, Call(cli, *stub, &Stub::UpdateTenant, request));
  Print(cli, changed);
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
      "Example:\n  wavepost tenants create acme --display-name 'Acme Ltd'\n  wavepost keys create --tenant acme\n"
      "  wavepost tenants update acme --fallback-from surveys@neutral.example");
  CLI::App* create = cmd->add_subcommand("create", "Create a tenant");
  create->add_option("id", args->id, "[a-z][a-z0-9-]{0,62}")->required();
  create->add_option("--display-name", args->display_name, "Name for people");
  create->callback([&cli, args] { cli.action = [&cli, args] { return Create(cli, *args); }; });

  CLI::App* update = cmd->add_subcommand("update", "Change a tenant: what is given, the rest stays");
  update->add_option("id", args->id, "Which one")->required();
  args->display_name_given = update->add_option("--display-name", args->display_name, "Name for people");
  args->weight_given =
      update
          ->add_option("--weight", args->weight, "Turns against other tenants' bulk mail at the same site; usual is 1")
          ->check(CLI::Range(0.01, 1000.0));
  args->fallback_from_given = update->add_option(
      "--fallback-from", args->fallback_from,
      "Neutral address that its mail leaves from while the From domain is not verified; '' for none");
  update->footer(
      "The fallback's domain is a verified sending domain of the tenant; answers go to the campaign's own address.\n\n"
      "Example:\n  wavepost tenants update acme --fallback-from surveys@neutral.example\n"
      "  wavepost tenants update acme --weight 2 --display-name 'Acme Ltd'");
  update->callback([&cli, args] { cli.action = [&cli, args] { return Update(cli, *args); }; });

  CLI::App* list = cmd->add_subcommand("list", "All tenants");
  list->callback([&cli] { cli.action = [&cli] { return List(cli); }; });
}

}  // namespace wavepost::cli
