// wavepost suppressions: the tenant's list of addresses that must not be mailed.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "cli/call.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/json.h"
#include "cli/names.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "wavepost/v1/suppressions_service.grpc.pb.h"

namespace wavepost::cli {
namespace {

using Stub = v1::SuppressionService::Stub;

constexpr int kPerPage = 1000;

struct SuppressionArgs {
  std::string address, evidence, who, why;
};

void Print(const Cli& cli, const v1::Suppression& s) {
  if (cli.options.json) {
    cli.out() << Dump(ToJson(s)) << "\n";
    return;
  }
  // One line each, streamed: the list may be long, so columns are not fitted.
  cli.out() << s.address() << "  " << CauseWord(s.cause()) << "  "
            << (s.has_create_time() ? LocalTime(FromProto(s.create_time())) : "-");
  if (s.has_expire_time()) cli.out() << "  until " << LocalTime(FromProto(s.expire_time()));
  if (!s.evidence().empty()) cli.out() << "  " << Printable(s.evidence());
  cli.out() << "\n";
}

absl::StatusOr<ExitCode> List(Cli& cli) {
  v1::ListSuppressionsRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), TenantName(cli.options.tenant));
  request.set_page_size(kPerPage);
  const auto stub = v1::SuppressionService::NewStub(cli.channel());
  do {
    ASSIGN_OR_RETURN(const v1::ListSuppressionsResponse page, Call(cli, *stub, &Stub::ListSuppressions, request));
    for (const v1::Suppression& suppression : page.suppressions()) Print(cli, suppression);
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty() && cli.out().good());
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Add(Cli& cli, const SuppressionArgs& args) {
  v1::CreateSuppressionRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), TenantName(cli.options.tenant));
  request.mutable_suppression()->set_address(args.address);
  request.mutable_suppression()->set_evidence(args.evidence);
  request.set_request_id(cli.env.nonce);
  const auto stub = v1::SuppressionService::NewStub(cli.channel());
  ASSIGN_OR_RETURN(const v1::Suppression suppression, Call(cli, *stub, &Stub::CreateSuppression, request));
  Print(cli, suppression);
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Show(Cli& cli, const SuppressionArgs& args) {
  v1::GetSuppressionRequest request;
  ASSIGN_OR_RETURN(*request.mutable_name(), SuppressionName(args.address, cli.options.tenant));
  const auto stub = v1::SuppressionService::NewStub(cli.channel());
  ASSIGN_OR_RETURN(const v1::Suppression suppression, Call(cli, *stub, &Stub::GetSuppression, request));
  Print(cli, suppression);
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Remove(Cli& cli, const SuppressionArgs& args) {
  v1::DeleteSuppressionRequest request;
  ASSIGN_OR_RETURN(*request.mutable_name(), SuppressionName(args.address, cli.options.tenant));
  request.set_who(args.who);
  request.set_why(args.why);
  const auto stub = v1::SuppressionService::NewStub(cli.channel());
  RETURN_IF_ERROR(Call(cli, *stub, &Stub::DeleteSuppression, request).status());
  if (cli.options.json) {
    cli.out() << Dump(Json{{"address", args.address}, {"removed", true}}) << "\n";
  } else {
    cli.out() << args.address << " may be mailed again\n";
  }
  return ExitCode::kOk;
}

}  // namespace

void AddSuppressions(CLI::App& app, Cli& cli) {
  auto args = std::make_shared<SuppressionArgs>();
  CLI::App* cmd = app.add_subcommand("suppressions", "Addresses that must not be mailed");
  cmd->require_subcommand(1);
  cmd->footer(
      "Hard bounces, complaints and unsubscribes get there by themselves, and addresses that bounce softly in several\n"
      "campaigns in a row (wavepost tenants update --soft-campaigns). Whoever is removed starts afresh: the next hard\n"
      "bounce puts the address back.\n\nExample:\n"
      "  wavepost suppressions add jane@example.com --evidence 'asked by phone, 3 May'\n"
      "  wavepost suppressions remove jane@example.com --who bob@example.com --why 'new mailbox, she asked for it'");

  CLI::App* list = cmd->add_subcommand("list", "All of them, by address; with --json an object per line");
  list->callback([&cli] { cli.action = [&cli] { return List(cli); }; });

  CLI::App* add = cmd->add_subcommand("add", "Put an address on the list");
  add->add_option("address", args->address, "local@domain")->required();
  add->add_option("--evidence", args->evidence, "What it rests on")->required();
  add->callback([&cli, args] { cli.action = [&cli, args] { return Add(cli, *args); }; });

  CLI::App* show = cmd->add_subcommand("show", "Show one entry; exit code 4 if there is none");
  show->add_option("address", args->address, "local@domain")->required();
  show->callback([&cli, args] { cli.action = [&cli, args] { return Show(cli, *args); }; });

  CLI::App* remove = cmd->add_subcommand("remove", "Take an address off; who and why go on record");
  remove->add_option("address", args->address, "local@domain")->required();
  remove->add_option("--who", args->who, "Who wants it")->required();
  remove->add_option("--why", args->why, "Why")->required();
  remove->callback([&cli, args] { cli.action = [&cli, args] { return Remove(cli, *args); }; });
}

}  // namespace wavepost::cli
