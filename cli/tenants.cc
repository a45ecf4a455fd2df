// wavepost tenants: who may use the cluster. For operators.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
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
  int soft_campaigns = 0;
  std::string soft_window;
  bool soft_never = false;
  // Which were given: an empty text is a value, too.
  const CLI::Option* display_name_given = nullptr;
  const CLI::Option* fallback_from_given = nullptr;
  const CLI::Option* weight_given = nullptr;
  const CLI::Option* soft_campaigns_given = nullptr;
};

// "soft bounces suppress after 5 campaigns in 30 days"
std::string PolicyText(const v1::SuppressionPolicy& policy) {
  if (policy.soft_never()) return "soft bounces never suppress";
  const int64_t seconds = policy.soft_window().seconds() > 0 ? policy.soft_window().seconds() : 90 * 86400;
  const int campaigns = policy.soft_campaigns() > 0 ? policy.soft_campaigns() : 3;
  return absl::StrCat(
      "soft bounces suppress after ", campaigns, campaigns == 1 ? " campaign in " : " campaigns in ",
      seconds % 86400 == 0 ? absl::StrCat(seconds / 86400, " days") : absl::FormatDuration(absl::Seconds(seconds)));
}

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
    if (tenant.has_suppression_policy()) cli.out() << "  " << PolicyText(tenant.suppression_policy());
    cli.out() << "\n";
  }
}

// "90d", or as absl::ParseDuration ("36h").
absl::StatusOr<absl::Duration> ParseWindow(const std::string& text) {
  absl::Duration window;
  int days = 0;
  if (!text.empty() && text.back() == 'd' && absl::SimpleAtoi(text.substr(0, text.size() - 1), &days)) {
    window = absl::Hours(24) * days;
  } else if (!absl::ParseDuration(text, &window)) {
    return UsageError("--soft-window must be like 90d or 36h, is '" + Printable(text, 40) + "'");
  }
  if (window < absl::Hours(1) || window > absl::Hours(24) * 1095) {
    return UsageError("--soft-window must be from 1h to 1095d");
  }
  return window;
}

bool GivesPolicy(const TenantArgs& args) {
  return args.soft_campaigns_given->count() > 0 || !args.soft_window.empty() || args.soft_never;
}

// What is given goes over the policy that the tenant has; how many campaigns, or in which time, ends a "never".
absl::StatusOr<v1::SuppressionPolicy> ChangedPolicy(v1::SuppressionPolicy policy, const TenantArgs& args) {
  if (args.soft_never && (args.soft_campaigns_given->count() > 0 || !args.soft_window.empty())) {
    return UsageError("--soft-never goes with neither --soft-campaigns nor --soft-window");
  }
  policy.set_soft_never(args.soft_never);
  if (args.soft_campaigns_given->count() > 0) policy.set_soft_campaigns(args.soft_campaigns);
  if (!args.soft_window.empty()) {
    ASSIGN_OR_RETURN(const absl::Duration window, ParseWindow(args.soft_window));
    policy.mutable_soft_window()->set_seconds(absl::ToInt64Seconds(window));
  }
  return policy;
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
  const auto stub = v1::TenantService::NewStub(cli.channel());
  if (GivesPolicy(args)) {
    RETURN_IF_ERROR(ChangedPolicy({}, args).status());  // before anything is asked
    v1::GetTenantRequest get;
    get.set_name(tenant.name());
    ASSIGN_OR_RETURN(const v1::Tenant now, Call(cli, *stub, &Stub::GetTenant, get));
    ASSIGN_OR_RETURN(*tenant.mutable_suppression_policy(), ChangedPolicy(now.suppression_policy(), args));
    request.mutable_update_mask()->add_paths("suppression_policy");
  }
  if (request.update_mask().paths().empty()) {
    return UsageError(
        "nothing to change; give --display-name, --weight, --fallback-from, --soft-campaigns, --soft-window or "
        "--soft-never");
  }
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
  args->soft_campaigns_given =
      update
          ->add_option("--soft-campaigns", args->soft_campaigns,
                       "Suppress an address that bounced softly in so many campaigns in a row; usual is 3")
          ->check(CLI::Range(1, 100));
  update->add_option("--soft-window", args->soft_window, "All of them within this time, e.g. 90d or 36h; usual is 90d");
  update->add_flag("--soft-never", args->soft_never, "Soft bounces never suppress");
  update->footer(
      "The fallback's domain is a verified sending domain of the tenant; answers go to the campaign's own address.\n\n"
      "Example:\n  wavepost tenants update acme --fallback-from surveys@neutral.example\n"
      "  wavepost tenants update acme --weight 2 --display-name 'Acme Ltd'\n"
      "  wavepost tenants update acme --soft-campaigns 5 --soft-window 180d");
  update->callback([&cli, args] { cli.action = [&cli, args] { return Update(cli, *args); }; });

  CLI::App* list = cmd->add_subcommand("list", "All tenants");
  list->callback([&cli] { cli.action = [&cli] { return List(cli); }; });
}

}  // namespace wavepost::cli
