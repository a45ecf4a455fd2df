// wavepost events: the event log, from a cursor, page by page or live.
#include <grpcpp/support/sync_stream.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <limits>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/call.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/json.h"
#include "cli/names.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "wavepost/v1/events_service.grpc.pb.h"

namespace wavepost::cli {
namespace {

using Stub = v1::EventService::Stub;

constexpr int64_t kEventsPerPage = 1000;
constexpr absl::Duration kReconnectMax = absl::Minutes(10);

struct EventsArgs {
  bool follow = false;
  bool all_tenants = false;
  int64_t after = 0;
  int64_t limit = 0;
  std::string wave;
};

std::string EventLine(const v1::Event& event) {
  std::string line =
      absl::StrCat(event.sequence(), "  ", LocalTime(FromProto(event.time())), "  ", KindWord(event.kind()));
  if (!event.recipient().empty()) absl::StrAppend(&line, "  ", Leaf(event.recipient()));
  if (!event.address().empty()) absl::StrAppend(&line, " ", event.address());
  if (event.recipient().empty() && !event.wave().empty()) absl::StrAppend(&line, "  ", Leaf(event.wave()));
  if (event.outcome() != v1::OUTCOME_UNSPECIFIED) absl::StrAppend(&line, "  ", OutcomeWord(event.outcome()));
  if (event.count() != 0) absl::StrAppend(&line, "  ", WithCommas(event.count()));
  const v1::DeliveryStatus& s = event.status();
  if (const std::string reply = ReplyLine(s); !reply.empty()) absl::StrAppend(&line, "  ", reply);
  if (s.reason() != v1::REASON_UNSPECIFIED) absl::StrAppend(&line, "  (", ReasonWord(s.reason()), ")");
  if (event.has_next_attempt_time()) {
    absl::StrAppend(&line, "  next ", LocalTime(FromProto(event.next_attempt_time())));
  }
  if (!event.text().empty()) absl::StrAppend(&line, "  ", event.text());
  return Printable(line, 2048);
}

// Prints, counts down the limit, and remembers the cursor.
class Printer {
 public:
  Printer(const Cli& cli, const EventsArgs& args)
      : cli_(cli), left_(args.limit > 0 ? args.limit : std::numeric_limits<int64_t>::max()), cursor_(args.after) {}

  // False: enough, or nobody reads on.
  bool Print(const v1::Event& event) {
    cli_.out() << (cli_.options.json ? Dump(ToJson(event)) : EventLine(event)) << "\n";
    cursor_ = event.sequence();
    return --left_ > 0 && cli_.out().good();
  }

  int64_t left() const { return left_; }
  int64_t cursor() const { return cursor_; }

 private:
  const Cli& cli_;
  int64_t left_;
  int64_t cursor_;
};

absl::Status List(const Cli& cli, v1::ListEventsRequest request, Printer& printer) {
  const auto stub = v1::EventService::NewStub(cli.channel());
  while (true) {
    request.set_page_size(static_cast<int32_t>(std::min(printer.left(), kEventsPerPage)));
    ASSIGN_OR_RETURN(const v1::ListEventsResponse page, Call(cli, *stub, &Stub::ListEvents, request));
    for (const v1::Event& event : page.events()) {
      if (!printer.Print(event)) return absl::OkStatus();
    }
    if (page.at_end()) return absl::OkStatus();
    if (page.next_after_sequence() <= request.after_sequence())
      return absl::InternalError("the coordinator's cursor stands still");
    request.set_after_sequence(page.next_after_sequence());
  }
}

absl::Status Follow(const Cli& cli, v1::FollowEventsRequest request, Printer& printer) {
  const auto stub = v1::EventService::NewStub(cli.channel());
  bool answered = false;
  while (true) {
    request.set_after_sequence(printer.cursor());
    const auto context = NewContext(cli, absl::InfiniteDuration());
    const auto stream = stub->FollowEvents(context.get(), request);
    v1::Event event;
    while (stream->Read(&event)) {
      answered = true;
      if (!printer.Print(event)) {
        context->TryCancel();
        stream->Finish();
        return absl::OkStatus();
      }
      cli.out().flush();
    }
    const absl::Status status = FromGrpc(stream->Finish());
    const bool broke = status.ok() || absl::IsUnavailable(status) || absl::IsCancelled(status);
    if (!broke || (!answered && !status.ok())) return status;
    cli.err() << "wavepost: connection lost at event " << printer.cursor() << ", waiting for the coordinator ...\n";
    if (!WaitForServer(cli, kReconnectMax)) return status;
  }
}

absl::StatusOr<ExitCode> Events(Cli& cli, const EventsArgs& args) {
  std::string parent;
  if (!args.all_tenants) {
    ASSIGN_OR_RETURN(parent, TenantName(cli.options.tenant));
  }
  std::string wave;
  if (!args.wave.empty()) {
    ASSIGN_OR_RETURN(wave, WaveName(args.wave, cli.options.tenant));
  }
  Printer printer(cli, args);
  if (args.follow) {
    v1::FollowEventsRequest request;
    request.set_parent(parent);
    request.set_wave(wave);
    RETURN_IF_ERROR(Follow(cli, request, printer));
  } else {
    v1::ListEventsRequest request;
    request.set_parent(parent);
    request.set_wave(wave);
    request.set_after_sequence(args.after);
    RETURN_IF_ERROR(List(cli, request, printer));
  }
  return ExitCode::kOk;
}

}  // namespace

void AddEvents(CLI::App& app, Cli& cli) {
  auto args = std::make_shared<EventsArgs>();
  CLI::App* cmd = app.add_subcommand("events", "The event log: list it from a cursor, or follow it");
  cmd->add_flag("--follow", args->follow, "Go on with new events as they are recorded, until interrupted");
  cmd->add_option("--after", args->after, "Cursor: only events with a greater sequence")->check(CLI::NonNegativeNumber);
  cmd->add_option("--wave", args->wave, "Only events of this wave: CAMPAIGN/WAVE or full name");
  cmd->add_option("--limit", args->limit, "Stop after this many; 0: no limit")->check(CLI::NonNegativeNumber);
  cmd->add_flag("--all-tenants", args->all_tenants, "Every tenant's and the cluster's own events (operators)");
  cmd->footer(
      "Kinds: imported, wave_started, wave_completed, outcome_recorded, deferred, report_received, suppression_added,\n"
      "suppression_removed, node_changed, domain_changed (verified, or a record lost), key_changed (a DKIM key),\n"
      "certificate_expires, identity_changed (our records, reverse names, block lists; operators),\n"
      "report_unattributed (came back without proof whom it is about, changes nothing; operators),\n"
      "aggregate_report_received (DMARC or TLS report about a domain).\n\n"
      "With --json each line is an object. Keep the last line's \"sequence\" and continue there with --after: no event "
      "is\n"
      "missed or seen twice.\n\nExample:\n"
      "  wavepost events --wave spring/main --json | jq -r 'select(.outcome==\"bounced\") | .address'\n"
      "  wavepost events --follow --after 12345");
  cmd->callback([&cli, args] { cli.action = [&cli, args] { return Events(cli, *args); }; });
}

}  // namespace wavepost::cli
