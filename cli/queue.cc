// wavepost pause, resume, pauses, flush, drop: the queue at work.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/call.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/json.h"
#include "cli/names.h"
#include "cli/selector.h"
#include "common/base/clock.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "wavepost/v1/queue_service.grpc.pb.h"

namespace wavepost::cli {
namespace {

using Stub = v1::QueueService::Stub;

constexpr int kPerPage = 1000;
constexpr char kSelectorHelp[] =
    "Which mail: --campaign, --domain, --site, --ip, --tenant; all that are given must fit.\n\n";

struct QueueArgs {
  SelectorArgs selector;
  std::string until, length, reason;
  std::vector<std::string> pauses;
  bool yes = false;
};

absl::StatusOr<ExitCode> Pause(Cli& cli, const QueueArgs& args) {
  v1::CreatePauseRequest request;
  ASSIGN_OR_RETURN(*request.mutable_pause()->mutable_selector(), SelectorOf(cli.options, args.selector));
  ASSIGN_OR_RETURN(const absl::Time end, EndOf(args.until, args.length, cli.env.clock->Now()));
  if (end != absl::InfiniteFuture()) {
    request.mutable_pause()->mutable_end_time()->set_seconds(absl::ToUnixSeconds(end));
  }
  request.mutable_pause()->set_reason(args.reason);
  request.set_request_id(cli.env.nonce);
  const auto stub = v1::QueueService::NewStub(cli.channel());
  ASSIGN_OR_RETURN(const v1::Pause pause, Call(cli, *stub, &Stub::CreatePause, request));
  if (cli.options.json) {
    cli.out() << Dump(ToJson(pause)) << "\n";
    return ExitCode::kOk;
  }
  cli.out() << "Paused: " << Describe(pause.selector());
  if (pause.has_end_time()) cli.out() << ", until " << LocalTime(FromProto(pause.end_time()));
  cli.out() << "\nEnd it: wavepost resume " << Leaf(pause.name()) << "\n";
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Resume(Cli& cli, const QueueArgs& args) {
  std::vector<std::string> names;
  for (const std::string& text : args.pauses) {
    ASSIGN_OR_RETURN(names.emplace_back(), PauseName(text));
  }
  const auto stub = v1::QueueService::NewStub(cli.channel());
  for (const std::string& name : names) {
    v1::DeletePauseRequest request;
    request.set_name(name);
    RETURN_IF_ERROR(Call(cli, *stub, &Stub::DeletePause, request).status());
    if (cli.options.json) {
      cli.out() << Dump(Json{{"pause", name}, {"resumed", true}}) << "\n";
    } else {
      cli.out() << "Resumed: what " << name << " held goes on, each at its own time\n";
    }
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Pauses(Cli& cli) {
  const auto stub = v1::QueueService::NewStub(cli.channel());
  v1::ListPausesRequest request;
  request.set_page_size(kPerPage);
  Table table;
  table.Column("pause", Table::Align::kRight);
  for (const char* title : {"what", "since", "until", "by", "reason"}) table.Column(title);
  do {
    ASSIGN_OR_RETURN(const v1::ListPausesResponse page, Call(cli, *stub, &Stub::ListPauses, request));
    for (const v1::Pause& pause : page.pauses()) {
      if (cli.options.json) {
        cli.out() << Dump(ToJson(pause)) << "\n";
        continue;
      }
      table.Row({Leaf(pause.name()), Describe(pause.selector()), LocalTime(FromProto(pause.create_time())),
                 pause.has_end_time() ? LocalTime(FromProto(pause.end_time())) : "resumed", Leaf(pause.creator()),
                 Printable(pause.reason(), 500)});
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  if (!cli.options.json) cli.out() << (table.empty() ? "Nothing is paused.\n" : table.ToString());
  return ExitCode::kOk;
}

absl::Status PrintOrder(const Cli& cli, const absl::StatusOr<v1::QueueOrder>& order, std::string_view text) {
  RETURN_IF_ERROR(order.status());
  if (cli.options.json) {
    cli.out() << Dump(ToJson(*order)) << "\n";
  } else {
    cli.out() << text << Describe(order->selector()) << "\n";
  }
  return absl::OkStatus();
}

absl::StatusOr<ExitCode> Flush(Cli& cli, const QueueArgs& args) {
  v1::FlushRequest request;
  ASSIGN_OR_RETURN(*request.mutable_selector(), SelectorOf(cli.options, args.selector));
  request.set_reason(args.reason);
  request.set_request_id(cli.env.nonce);
  const auto stub = v1::QueueService::NewStub(cli.channel());
  RETURN_IF_ERROR(
      PrintOrder(cli, Call(cli, *stub, &Stub::Flush, request), "Tried again as soon as the limits allow it: "));
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Drop(Cli& cli, const QueueArgs& args) {
  v1::DropRequest request;
  ASSIGN_OR_RETURN(*request.mutable_selector(), SelectorOf(cli.options, args.selector));
  if (!args.yes && !cli.Confirmed(absl::StrCat("Everything that waits for ", Describe(request.selector()),
                                               " will be CANCELLED, for good. Drop it?"))) {
    cli.err() << "Nothing was dropped.\n";
    return ExitCode::kFailed;
  }
  request.set_reason(args.reason);
  request.set_request_id(cli.env.nonce);
  const auto stub = v1::QueueService::NewStub(cli.channel());
  RETURN_IF_ERROR(PrintOrder(cli, Call(cli, *stub, &Stub::Drop, request), "Dropped; outcomes follow: "));
  return ExitCode::kOk;
}

void AddReason(CLI::App* cmd, QueueArgs& args) {
  cmd->add_option("--reason", args.reason, "Why, for those who look at it later");
}

}  // namespace

void AddPause(CLI::App& app, Cli& cli) {
  auto args = std::make_shared<QueueArgs>();
  CLI::App* cmd = app.add_subcommand("pause", "Stop sending: a campaign, domain, site, IP or tenant");
  AddSelectorOptions(*cmd, args->selector);
  auto* until = cmd->add_option("--until", args->until, "When it ends by itself, e.g. '2026-11-23 09:00'");
  cmd->add_option("--for", args->length, "The same as a length, e.g. 2h")->excludes(until);
  AddReason(cmd, *args);
  cmd->footer(std::string(kSelectorHelp) +
              "What is being sent is finished; nothing new starts. What waits grows older meanwhile.\n\nExample:\n"
              "  wavepost pause --campaign spring --reason 'wrong logo'\n"
              "  wavepost pause --domain example.com --for 2h");
  cmd->callback([&cli, args] { cli.action = [&cli, args] { return Pause(cli, *args); }; });
}

void AddResume(CLI::App& app, Cli& cli) {
  auto args = std::make_shared<QueueArgs>();
  CLI::App* cmd = app.add_subcommand("resume", "End pauses");
  cmd->add_option("pause", args->pauses, "Numbers, as 'wavepost pauses' shows them")->required();
  cmd->footer("Example:\n  wavepost resume 17");
  cmd->callback([&cli, args] { cli.action = [&cli, args] { return Resume(cli, *args); }; });
}

void AddPauses(CLI::App& app, Cli& cli) {
  CLI::App* cmd = app.add_subcommand("pauses", "List what is paused");
  cmd->footer("Example:\n  wavepost pauses");
  cmd->callback([&cli] { cli.action = [&cli] { return Pauses(cli); }; });
}

void AddFlush(CLI::App& app, Cli& cli) {
  auto args = std::make_shared<QueueArgs>();
  CLI::App* cmd = app.add_subcommand("flush", "Try now what waits for a retry");
  AddSelectorOptions(*cmd, args->selector);
  AddReason(cmd, *args);
  cmd->footer(std::string(kSelectorHelp) +
              "Limits hold all the same.\n\nExample:\n  wavepost flush --domain example.com");
  cmd->callback([&cli, args] { cli.action = [&cli, args] { return Flush(cli, *args); }; });
}

void AddDrop(CLI::App& app, Cli& cli) {
  auto args = std::make_shared<QueueArgs>();
  CLI::App* cmd = app.add_subcommand("drop", "Cancel what waits; what was sent stays sent");
  AddSelectorOptions(*cmd, args->selector);
  AddReason(cmd, *args);
  cmd->add_flag("--yes", args->yes, "Do not ask (on a terminal it asks)");
  cmd->footer(std::string(kSelectorHelp) +
              "With --campaign that includes what no sender has yet; otherwise it is what the senders hold.\n"
              "The recipients get the outcome CANCELLED, and running waves complete.\n\nExample:\n"
              "  wavepost drop --campaign spring --reason 'cancelled by the client'");
  cmd->callback([&cli, args] { cli.action = [&cli, args] { return Drop(cli, *args); }; });
}

}  // namespace wavepost::cli
