// wavepost nodes: the senders, as the coordinator sees them.
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/call.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/json.h"
#include "cli/names.h"
#include "common/base/clock.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "wavepost/v1/nodes_service.grpc.pb.h"

namespace wavepost::cli {
namespace {

using Stub = v1::NodeService::Stub;

constexpr int kPerPage = 1000;

// The address, its region unless that is the default one, and a mark if it cannot be used.
std::string IpWord(const v1::EgressIp& ip) {
  return absl::StrCat(Printable(ip.address(), 64),
                      ip.region().empty() ? "" : absl::StrCat(" (", Printable(ip.region(), 64), ")"),
                      ip.suspended().empty() ? "" : " SUSPENDED");
}

void AddRow(const v1::Node& node, absl::Time now, Table* table) {
  std::string ips;
  for (const v1::EgressIp& ip : node.egress_ips()) absl::StrAppend(&ips, ips.empty() ? "" : ", ", IpWord(ip));
  table->Row({Printable(Leaf(node.name()), 100), node.attached() ? "attached" : "away",
              node.has_last_seen_time() ? ShortDuration(now - FromProto(node.last_seen_time())) + " ago" : "-",
              WithCommas(node.queued()), WithCommas(node.backlog()), WithCommas(node.credit()),
              WithCommas(node.connections()), ips, Printable(node.version(), 64)});
}

// Which addresses cannot be used, and why.
std::string Suspended(const v1::Node& node) {
  std::string out;
  for (const v1::EgressIp& ip : node.egress_ips()) {
    if (ip.suspended().empty()) continue;
    absl::StrAppend(&out, Printable(ip.address(), 64), " of ", Printable(Leaf(node.name()), 100),
                    " is suspended: ", Printable(ip.suspended(), 500), "\n");
  }
  return out;
}

absl::StatusOr<ExitCode> Nodes(Cli& cli) {
  const auto stub = v1::NodeService::NewStub(cli.channel());
  v1::ListNodesRequest request;
  request.set_page_size(kPerPage);
  std::string suspended;
  Table table;
  for (const char* title : {"node", "stream", "seen"}) table.Column(title);
  for (const char* title : {"queued", "backlog", "credit", "connections"}) table.Column(title, Table::Align::kRight);
  for (const char* title : {"egress IPs", "version"}) table.Column(title);
  do {
    ASSIGN_OR_RETURN(const v1::ListNodesResponse page, Call(cli, *stub, &Stub::ListNodes, request));
    for (const v1::Node& node : page.nodes()) {
      if (cli.options.json) {
        cli.out() << Dump(ToJson(node)) << "\n";
      } else {
        AddRow(node, cli.env.clock->Now(), &table);
        suspended += Suspended(node);
      }
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  if (cli.options.json) return ExitCode::kOk;
  cli.out() << (table.empty() ? "No sender has attached yet. Start one: wavepost-sender --config FILE\n"
                              : table.ToString());
  if (!suspended.empty()) cli.out() << "\n" << suspended;
  return ExitCode::kOk;
}

}  // namespace

void AddNodes(CLI::App& app, Cli& cli) {
  CLI::App* cmd = app.add_subcommand("nodes", "The senders: addresses, queues, connections (operators)");
  cmd->footer(
      "An egress IP stands with its region; one that cannot be used is marked, and why is said below.\nWith --json an "
      "object "
      "per line.\n\nExample:\n  wavepost nodes");
  cmd->callback([&cli] { cli.action = [&cli] { return Nodes(cli); }; });
}

}  // namespace wavepost::cli
