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
#include "wavepost/v1/nodes_service.grpc.pb.h"

namespace wavepost::cli {
namespace {

using Stub = v1::NodeService::Stub;

constexpr int kPerPage = 1000;

void AddRow(const v1::Node& node, absl::Time now, Table* table) {
  std::string ips;
  for (const v1::EgressIp& ip : node.egress_ips()) absl::StrAppend(&ips, ips.empty() ? "" : " ", ip.address());
  table->Row({Leaf(node.name()), node.attached() ? "attached" : "away",
              node.has_last_seen_time() ? ShortDuration(now - FromProto(node.last_seen_time())) + " ago" : "-",
              WithCommas(node.queued()), WithCommas(node.backlog()), WithCommas(node.credit()),
              WithCommas(node.connections()), ips, node.version()});
}

absl::StatusOr<ExitCode> Nodes(Cli& cli) {
  const auto stub = v1::NodeService::NewStub(cli.channel());
  v1::ListNodesRequest request;
  request.set_page_size(kPerPage);
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
      }
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  if (cli.options.json) return ExitCode::kOk;
  cli.out() << (table.empty() ? "No sender has attached yet. Start one: wavepost-sender --config FILE\n"
                              : table.ToString());
  return ExitCode::kOk;
}

}  // namespace

void AddNodes(CLI::App& app, Cli& cli) {
  CLI::App* cmd = app.add_subcommand("nodes", "The senders: addresses, queues, connections (operators)");
  cmd->footer("With --json an object per line.\n\nExample:\n  wavepost nodes");
  cmd->callback([&cli] { cli.action = [&cli] { return Nodes(cli); }; });
}

}  // namespace wavepost::cli
