// wavepost explain, trace, estimate: why a mail waits, the dialogue as it happens, when a wave will be through.
#include <grpcpp/support/sync_stream.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/call.h"
#include "cli/commands.h"
#include "cli/explain_view.h"
#include "cli/format.h"
#include "cli/json.h"
#include "cli/names.h"
#include "common/base/clock.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "wavepost/v1/queue_service.grpc.pb.h"

namespace wavepost::cli {
namespace {

using Stub = v1::QueueService::Stub;

struct ExplainArgs {
  std::string address, pool, domain, length, wave;
};

absl::StatusOr<ExitCode> Explain(Cli& cli, const ExplainArgs& args) {
  v1::ExplainRequest request;
  request.set_address(args.address);
  request.set_pool(args.pool);
  const auto stub = v1::QueueService::NewStub(cli.channel());
  ASSIGN_OR_RETURN(const v1::ExplainResponse response, Call(cli, *stub, &Stub::Explain, request));
  cli.out() << (cli.options.json ? Dump(ToJson(response)) + "\n" : ExplainText(args.address, response));
  return ExitCode::kOk;
}

std::string TraceText(const v1::TraceLine& line) {
  return absl::StrCat(absl::FormatTime("%H:%M:%E3S", FromProto(line.time()), absl::LocalTimeZone()), " ",
                      Printable(Leaf(line.node()), 64), "/", line.session(), " ", Printable(line.egress_ip(), 64), " ",
                      Printable(line.host(), 300), " ", Printable(line.direction(), 8), " ",
                      Printable(line.text(), 2048), "\n");
}

absl::StatusOr<ExitCode> Trace(Cli& cli, const ExplainArgs& args) {
  v1::TraceRequest request;
  request.set_domain(args.domain);
  if (!args.length.empty()) {
    absl::Duration length;
    if (!absl::ParseDuration(args.length, &length) || length <= absl::ZeroDuration()) {
      return UsageError(absl::StrCat("--for '", Printable(args.length, 100), "' is no duration; write e.g. 5m"));
    }
    request.mutable_duration()->set_seconds(absl::ToInt64Seconds(absl::Ceil(length, absl::Seconds(1))));
  }
  const auto stub = v1::QueueService::NewStub(cli.channel());
  const auto context = NewContext(cli, absl::InfiniteDuration());
  const auto stream = stub->Trace(context.get(), request);
  if (!cli.options.json) cli.err() << "Waiting for sessions to " << args.domain << "; end with Ctrl-C.\n";
  v1::TraceLine line;
  while (stream->Read(&line)) {
    cli.out() << (cli.options.json ? Dump(ToJson(line)) + "\n" : TraceText(line)) << std::flush;
    if (!cli.out().good()) context->TryCancel();
  }
  const absl::Status status = FromGrpc(stream->Finish());
  if (!cli.out().good()) return ExitCode::kOk;  // reported by the caller
  if (!status.ok()) return status;
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Estimate(Cli& cli, const ExplainArgs& args) {
  v1::EstimateWaveRequest request;
  ASSIGN_OR_RETURN(*request.mutable_name(), WaveName(args.wave, cli.options.tenant));
  const auto stub = v1::QueueService::NewStub(cli.channel());
  ASSIGN_OR_RETURN(const v1::EstimateWaveResponse estimate, Call(cli, *stub, &Stub::EstimateWave, request));
  if (cli.options.json) {
    cli.out() << Dump(ToJson(estimate)) << "\n";
    return ExitCode::kOk;
  }
  const absl::Time through = FromProto(estimate.through_time());
  if (estimate.open() == 0) {
    cli.out() << "Nothing is open any more, since " << LocalTime(through) << ".\n";
    return ExitCode::kOk;
  }
  const absl::Duration left = through - cli.env.clock->Now();
  cli.out() << "Through by " << LocalTime(through);
  if (left > absl::ZeroDuration()) cli.out() << ", in " << ShortDuration(left);
  cli.out() << "; " << WithCommas(estimate.open()) << " recipients are open"
            << (estimate.exact() ? "" : " (estimated: not all were looked at, or not all senders answered)") << "\n";
  Table table;
  table.Column("slowest");
  table.Column("from");
  table.Column("recipients", Table::Align::kRight);
  table.Column("through");
  table.Column("bound by");
  for (const v1::SlowSite& site : estimate.slowest()) {
    table.Row({Printable(site.site(), 100), site.egress_ip(), WithCommas(site.recipients()),
               LocalTime(FromProto(site.through_time())), Printable(site.bound_by(), 200)});
  }
  if (!table.empty()) cli.out() << "\n" << table.ToString();
  return ExitCode::kOk;
}

}  // namespace

void AddExplain(CLI::App& app, Cli& cli) {
  auto args = std::make_shared<ExplainArgs>();
  CLI::App* cmd = app.add_subcommand("explain", "Why mail to an address or domain waits, and until when");
  cmd->add_option("address", args->address, "local@domain, or a domain")->required();
  cmd->add_option("--pool", args->pool, "Only this egress pool");
  cmd->footer("Example:\n  wavepost explain jane@example.com");
  cmd->callback([&cli, args] { cli.action = [&cli, args] { return Explain(cli, *args); }; });
}

void AddTrace(CLI::App& app, Cli& cli) {
  auto args = std::make_shared<ExplainArgs>();
  CLI::App* cmd = app.add_subcommand("trace", "Show SMTP dialogue with a domain as it happens; operators");
  cmd->add_option("--domain", args->domain, "Recipient domain")->required();
  cmd->add_option("--for", args->length, "How long, e.g. 5m; at most, and otherwise, 10m");
  cmd->footer(
      "'>' is what we said, '<' what they said, '*' what happened. Message bodies are left out.\n\nExample:\n"
      "  wavepost trace --domain example.com");
  cmd->callback([&cli, args] { cli.action = [&cli, args] { return Trace(cli, *args); }; });
}

void AddEstimate(CLI::App& app, Cli& cli) {
  auto args = std::make_shared<ExplainArgs>();
  CLI::App* cmd = app.add_subcommand("estimate", "When a wave will be through");
  cmd->add_option("wave", args->wave, "CAMPAIGN/WAVE or full name")->required();
  cmd->footer("As far as limits, warm-up and what waits now tell.\n\nExample:\n  wavepost estimate spring/main");
  cmd->callback([&cli, args] { cli.action = [&cli, args] { return Estimate(cli, *args); }; });
}

}  // namespace wavepost::cli
