// wavepost domains: From domains, their DKIM keys, and what has to stand in DNS.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/call.h"
#include "cli/commands.h"
#include "cli/domain_view.h"
#include "cli/domains_verify.h"
#include "cli/format.h"
#include "cli/json_content.h"
#include "cli/names.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "wavepost/v1/domains_service.grpc.pb.h"

namespace wavepost::cli {
namespace {

using Stub = v1::SendingDomainService::Stub;

constexpr int kPerPage = 1000;
constexpr absl::Duration kKeyTimeout = absl::Minutes(2);  // an RSA key is made

struct DomainArgs {
  std::string domain, mode, wait;
  bool zone = false;
  bool yes = false;
};

absl::Status CheckForm(const Cli& cli, const DomainArgs& args) {
  if (args.zone && cli.options.json) {
    return UsageError("--zone and --json are two forms of the same records; choose one");
  }
  return absl::OkStatus();
}

void Print(const Cli& cli, const DomainArgs& args, const v1::SendingDomain& domain, const std::string& text) {
  if (cli.options.json) {
    cli.out() << Dump(ToJson(domain)) << "\n";
  } else {
    cli.out() << (args.zone ? DomainZone(domain) : text);
  }
}

absl::StatusOr<ExitCode> Add(Cli& cli, const DomainArgs& args) {
  RETURN_IF_ERROR(CheckForm(cli, args));
  v1::CreateSendingDomainRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), TenantName(cli.options.tenant));
  request.set_domain(args.domain);
  request.set_request_id(cli.env.nonce);
  if (args.mode == "txt") request.set_mode(v1::SendingDomain::TXT);
  if (args.mode == "cname") request.set_mode(v1::SendingDomain::CNAME);
  const auto stub = v1::SendingDomainService::NewStub(cli.channel());
  ASSIGN_OR_RETURN(const v1::SendingDomain made, Call(cli, *stub, &Stub::CreateSendingDomain, request, kKeyTimeout));
  Print(cli, args, made, SetupText(made));
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Show(Cli& cli, const DomainArgs& args) {
  RETURN_IF_ERROR(CheckForm(cli, args));
  v1::GetSendingDomainRequest request;
  ASSIGN_OR_RETURN(*request.mutable_name(), DomainName(args.domain, cli.options.tenant));
  const auto stub = v1::SendingDomainService::NewStub(cli.channel());
  ASSIGN_OR_RETURN(const v1::SendingDomain found, Call(cli, *stub, &Stub::GetSendingDomain, request));
  Print(cli, args, found, DomainText(found, cli.env.columns));
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> List(Cli& cli) {
  v1::ListSendingDomainsRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), TenantName(cli.options.tenant));
  request.set_page_size(kPerPage);
  Table table;
  for (const char* title : {"domain", "state", "mode", "DKIM selector", "last look"}) table.Column(title);
  const auto stub = v1::SendingDomainService::NewStub(cli.channel());
  do {
    ASSIGN_OR_RETURN(const v1::ListSendingDomainsResponse page, Call(cli, *stub, &Stub::ListSendingDomains, request));
    for (const v1::SendingDomain& domain : page.sending_domains()) {
      if (cli.options.json) {
        cli.out() << Dump(ToJson(domain)) << "\n";
        continue;
      }
      std::string look = domain.has_check_time() ? LocalTime(FromProto(domain.check_time())) : "never";
      if (domain.failed_checks() > 0) absl::StrAppend(&look, ", ", domain.failed_checks(), " in a row failed");
      table.Row({NameOf(domain), StateWord(domain.state()), ModeWord(domain.mode()),
                 Printable(domain.dkim_selector(), 64), look});
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty() && cli.out().good());
  if (cli.options.json) return ExitCode::kOk;
  cli.out() << (table.empty() ? "No domain yet. Add one: wavepost domains add example.com\n" : table.ToString());
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Rotate(Cli& cli, const DomainArgs& args) {
  RETURN_IF_ERROR(CheckForm(cli, args));
  v1::RotateDkimKeysRequest request;
  ASSIGN_OR_RETURN(*request.mutable_name(), DomainName(args.domain, cli.options.tenant));
  request.set_request_id(cli.env.nonce);
  const auto stub = v1::SendingDomainService::NewStub(cli.channel());
  ASSIGN_OR_RETURN(v1::SendingDomain domain, Call(cli, *stub, &Stub::RotateDkimKeys, request, kKeyTimeout));
  if (domain.mode() == v1::SendingDomain::CNAME && !args.zone) {
    Print(cli, args, domain,
          absl::StrCat(NameOf(domain), " has new keys. There is nothing to publish: its names lead to ours.\n"));
    return ExitCode::kOk;
  }
  Print(cli, args, domain,
        absl::StrCat("New keys are made; they sign when their records have been seen, until then the old ones do. The "
                     "old\nrecords must stay as long as 'wavepost domains show' lists them.\n\n",
                     SetupText(domain)));
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Delete(Cli& cli, const DomainArgs& args) {
  v1::DeleteSendingDomainRequest request;
  ASSIGN_OR_RETURN(*request.mutable_name(), DomainName(args.domain, cli.options.tenant));
  const std::string domain = Printable(Leaf(request.name()), 255);
  if (!args.yes && !cli.Confirmed(absl::StrCat("The DKIM keys of ", domain,
                                               " will be destroyed, and nothing can be sent from it. Delete it?"))) {
    cli.err() << "Nothing was deleted.\n";
    return ExitCode::kFailed;
  }
  const auto stub = v1::SendingDomainService::NewStub(cli.channel());
  RETURN_IF_ERROR(Call(cli, *stub, &Stub::DeleteSendingDomain, request).status());
  if (cli.options.json) {
    cli.out() << Dump(Json{{"domain", request.name()}, {"deleted", true}}) << "\n";
  } else {
    cli.out() << domain
              << " is deleted. Leave its DKIM records in DNS for a week: mail under way is checked with them.\n";
  }
  return ExitCode::kOk;
}

CLI::App* AddOne(CLI::App& app, const std::string& name, const std::string& what, DomainArgs& args) {
  CLI::App* cmd = app.add_subcommand(name, what);
  cmd->add_option("domain", args.domain, "E.g. example.com")->required();
  return cmd;
}

void AddZone(CLI::App& cmd, DomainArgs& args) {
  cmd.add_flag("--zone", args.zone, "The records as lines for a zone file");
}

}  // namespace

void AddDomains(CLI::App& app, Cli& cli) {
  auto args = std::make_shared<DomainArgs>();
  CLI::App* cmd = app.add_subcommand("domains", "From domains: DNS records to publish, verification, DKIM keys");
  cmd->require_subcommand(1);
  cmd->footer(
      "Nothing is sent from a domain that is not verified: such a wave does not start, or leaves from the tenant's\n"
      "fallback address ('wavepost tenants update --help'). Add the domain, publish the records, verify it; it is "
      "looked "
      "at\nagain every day.\n\nExample:\n"
      "  wavepost domains add example.com\n"
      "  wavepost domains verify example.com --wait 10m\n"
      "  wavepost domains show example.com --json | jq -r '.dns_records[] | .owner, .data'");

  CLI::App* add = AddOne(*cmd, "add", "Add a domain, make its keys, print the DNS records to publish", *args);
  add->add_option("--mode", args->mode,
                  "txt: you publish each key (default); cname: names that lead to ours, once, we rotate the keys")
      ->check(CLI::IsMember({"txt", "cname"}));
  AddZone(*add, *args);
  add->footer(
      "Example:\n  wavepost domains add example.com --mode cname\n"
      "  wavepost domains add example.com --zone >> db.example.com");
  add->callback([&cli, args] { cli.action = [&cli, args] { return Add(cli, *args); }; });

  CLI::App* verify =
      AddOne(*cmd, "verify", "Look its records up now: what is there, what is wrong, how to mend it", *args);
  verify->add_option("--wait", args->wait, "Look again until it is verified, at most this long, e.g. 10m");
  verify->footer(
      "Exit code 0 only if the domain is verified. Resolvers may remember for an hour that a record was not there.\n\n"
      "Example:\n  wavepost domains verify example.com --wait 10m && wavepost start spring");
  verify->callback([&cli, args] { cli.action = [&cli, args] { return VerifyDomain(cli, args->domain, args->wait); }; });

  CLI::App* show = AddOne(*cmd, "show", "A domain's state, keys, records and the last look at them", *args);
  AddZone(*show, *args);
  show->footer("Example:\n  wavepost domains show example.com --zone");
  show->callback([&cli, args] { cli.action = [&cli, args] { return Show(cli, *args); }; });

  CLI::App* list = cmd->add_subcommand("list", "All domains of the tenant; with --json an object per line");
  list->callback([&cli] { cli.action = [&cli] { return List(cli); }; });

  CLI::App* rotate = AddOne(*cmd, "rotate", "Make new DKIM keys; they sign when their records have been seen", *args);
  AddZone(*rotate, *args);
  rotate->footer("Example:\n  wavepost domains rotate example.com --zone");
  rotate->callback([&cli, args] { cli.action = [&cli, args] { return Rotate(cli, *args); }; });

  CLI::App* remove = AddOne(*cmd, "delete", "Forget a domain and destroy its keys", *args);
  remove->add_flag("--yes", args->yes, "Do not ask (on a terminal it asks)");
  remove->footer("Example:\n  wavepost domains delete example.com");
  remove->callback([&cli, args] { cli.action = [&cli, args] { return Delete(cli, *args); }; });
}

}  // namespace wavepost::cli
