// wavepost domains: From domains, their DKIM keys, and what has to stand in DNS.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "cli/call.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/names.h"
#include "common/base/status_macros.h"
#include "wavepost/v1/domains_service.grpc.pb.h"

namespace wavepost::cli {
namespace {

using Stub = v1::SendingDomainService::Stub;

constexpr int kPerPage = 1000;
constexpr absl::Duration kKeyTimeout = absl::Minutes(2);  // an RSA key is made

void Print(const Cli& cli, const v1::SendingDomain& domain) {
  if (cli.options.json) {
    cli.out() << Dump(ToJson(domain)) << "\n";
    return;
  }
  cli.out() << Leaf(domain.name()) << ", DKIM selector " << domain.dkim_selector() << "\n";
  if (domain.dns_records_size() > 0) cli.out() << "Publish in DNS:\n";
  for (const v1::DnsRecord& record : domain.dns_records()) {
    cli.out() << "\n  " << record.owner() << "  " << record.type() << "\n  " << record.data() << "\n";
  }
}

absl::StatusOr<ExitCode> Add(Cli& cli, const std::string& domain) {
  v1::CreateSendingDomainRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), TenantName(cli.options.tenant));
  request.set_domain(domain);
  request.set_request_id(cli.env.nonce);
  const auto stub = v1::SendingDomainService::NewStub(cli.channel());
  ASSIGN_OR_RETURN(const v1::SendingDomain made, Call(cli, *stub, &Stub::CreateSendingDomain, request, kKeyTimeout));
  Print(cli, made);
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Show(Cli& cli, const std::string& domain) {
  v1::GetSendingDomainRequest request;
  ASSIGN_OR_RETURN(*request.mutable_name(), DomainName(domain, cli.options.tenant));
  const auto stub = v1::SendingDomainService::NewStub(cli.channel());
  ASSIGN_OR_RETURN(const v1::SendingDomain found, Call(cli, *stub, &Stub::GetSendingDomain, request));
  Print(cli, found);
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> List(Cli& cli) {
  v1::ListSendingDomainsRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), TenantName(cli.options.tenant));
  request.set_page_size(kPerPage);
  const auto stub = v1::SendingDomainService::NewStub(cli.channel());
  do {
    ASSIGN_OR_RETURN(const v1::ListSendingDomainsResponse page, Call(cli, *stub, &Stub::ListSendingDomains, request));
    for (const v1::SendingDomain& domain : page.sending_domains()) {
      if (cli.options.json) {
        Print(cli, domain);
      } else {
        cli.out() << Leaf(domain.name()) << "  " << domain.dkim_selector() << "\n";
      }
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return ExitCode::kOk;
}

}  // namespace

void AddDomains(CLI::App& app, Cli& cli) {
  auto domain = std::make_shared<std::string>();
  CLI::App* cmd = app.add_subcommand("domains", "From domains: DKIM keys and the DNS records to publish");
  cmd->require_subcommand(1);
  cmd->footer(
      "Mail from a domain that is not added leaves without a DKIM signature.\n\nExample:\n"
      "  wavepost domains add example.com\n"
      "  wavepost domains show example.com --json | jq -r '.dns_records[] | .owner, .data'");
  CLI::App* add = cmd->add_subcommand("add", "Add a domain, make its key, print the DNS records");
  add->add_option("domain", *domain, "E.g. example.com")->required();
  add->callback([&cli, domain] { cli.action = [&cli, domain] { return Add(cli, *domain); }; });
  CLI::App* show = cmd->add_subcommand("show", "Print a domain's DNS records again");
  show->add_option("domain", *domain, "E.g. example.com")->required();
  show->callback([&cli, domain] { cli.action = [&cli, domain] { return Show(cli, *domain); }; });
  CLI::App* list = cmd->add_subcommand("list", "All domains of the tenant");
  list->callback([&cli] { cli.action = [&cli] { return List(cli); }; });
}

}  // namespace wavepost::cli
