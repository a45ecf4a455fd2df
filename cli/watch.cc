// wavepost watch: a wave's books as they move.
#include <grpcpp/support/sync_stream.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "cli/call.h"
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/names.h"
#include "cli/wave_view.h"
#include "common/base/clock.h"
#include "common/base/status_macros.h"
#include "wavepost/v1/campaigns_service.grpc.pb.h"

namespace wavepost::cli {
namespace {

constexpr absl::Duration kIntervalMin = absl::Milliseconds(100);
constexpr absl::Duration kLiveInterval = absl::Milliseconds(500);
constexpr absl::Duration kPlainInterval = absl::Seconds(5);
constexpr absl::Duration kReconnectMax = absl::Minutes(10);

struct WatchArgs {
  std::string campaign;
  std::string wave;
  std::string interval;
};

// Draws one wave's updates in the form that the output takes.
class Screen {
 public:
  explicit Screen(const Cli& cli) : cli_(cli), live_(cli.env.out_is_terminal && !cli.options.json) {}

  void Show(const v1::Wave& wave) {
    view_.Update(wave, cli_.env.clock->Now());
    if (cli_.options.json) {
      cli_.out() << view_.JsonLine() << "\n";
    } else if (live_) {
      if (drawn_) cli_.out() << "\r\x1b[1A";  // back to the first of the two lines
      const std::string text = view_.Live(cli_.env.columns);
      const size_t line_break = text.find('\n');
      cli_.out() << text.substr(0, line_break) << "\x1b[K\n" << text.substr(line_break + 1) << "\x1b[K";
      drawn_ = true;
    } else {
      cli_.out() << view_.Plain() << "\n";
    }
    cli_.out().flush();
  }

  void EndLine() {
    if (drawn_) cli_.out() << std::endl;
    drawn_ = false;
  }

 private:
  const Cli& cli_;
  const bool live_;
  bool drawn_ = false;
  WaveView view_;
};

absl::Status WatchOnce(const Cli& cli, const v1::WatchWaveRequest& request, Screen& screen, v1::Wave* last) {
  const auto stub = v1::CampaignService::NewStub(cli.channel());
  const auto context = NewContext(cli, absl::InfiniteDuration());
  const auto stream = stub->WatchWave(context.get(), request);
  while (stream->Read(last)) {
    screen.Show(*last);
    if (!cli.out().good()) {
      context->TryCancel();  // nobody reads on
      break;
    }
  }
  return FromGrpc(stream->Finish());
}

// Stays with the wave until it is completed, also while the coordinator is away: the senders work on meanwhile.
absl::Status WatchWave(const Cli& cli, const std::string& wave, absl::Duration interval) {
  v1::WatchWaveRequest request;
  request.set_name(wave);
  request.mutable_interval()->set_seconds(absl::ToInt64Seconds(interval));
  request.mutable_interval()->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(interval - absl::Floor(interval, absl::Seconds(1)))));
  Screen screen(cli);
  v1::Wave last;
  while (true) {
    const absl::Status status = WatchOnce(cli, request, screen, &last);
    screen.EndLine();
    if (!cli.out().good()) return absl::OkStatus();  // reported by the caller
    if (status.ok() && last.state() == v1::Wave::COMPLETED) return absl::OkStatus();
    // A coordinator that shuts down ends the stream in one of these ways.
    const bool broke = status.ok() || absl::IsUnavailable(status) || absl::IsCancelled(status);
    if (!broke || last.name().empty()) return status.ok() ? absl::UnavailableError("the stream ended early") : status;
    cli.err() << "wavepost: connection lost, waiting for the coordinator; sending goes on without it ...\n";
    if (!WaitForServer(cli, kReconnectMax)) {
      return absl::UnavailableError("the coordinator did not come back; watch again when it is there");
    }
  }
}

absl::StatusOr<std::vector<std::string>> WavesToWatch(const Cli& cli, const std::string& campaign) {
  ASSIGN_OR_RETURN(std::vector<v1::Wave> waves, ListWaves(cli, campaign));
  std::vector<std::string> names;
  for (const v1::Wave& wave : waves) {
    if (wave.state() == v1::Wave::RUNNING) names.push_back(wave.name());
  }
  if (!names.empty()) return names;
  for (const v1::Wave& wave : waves) {
    if (wave.state() == v1::Wave::COMPLETED) names.push_back(wave.name());
  }
  if (!names.empty()) return names;
  if (waves.empty()) {
    // The listing of a campaign that is none is empty, too.
    v1::GetCampaignRequest request;
    request.set_name(campaign);
    const auto stub = v1::CampaignService::NewStub(cli.channel());
    RETURN_IF_ERROR(Call(cli, *stub, &v1::CampaignService::Stub::GetCampaign, request).status());
    return absl::NotFoundError(absl::StrCat(Leaf(campaign), ": has no wave"));
  }
  return absl::FailedPreconditionError(
      absl::StrCat(Leaf(campaign), ": no wave is started; start one with 'wavepost start ", Leaf(campaign), "'"));
}

absl::StatusOr<ExitCode> Watch(Cli& cli, const WatchArgs& args) {
  ASSIGN_OR_RETURN(const std::string campaign, CampaignName(args.campaign, cli.options.tenant));
  absl::Duration interval = cli.env.out_is_terminal ? kLiveInterval : kPlainInterval;
  if (cli.options.json) interval = absl::Seconds(1);
  if (!args.interval.empty() && (!absl::ParseDuration(args.interval, &interval) || interval < kIntervalMin)) {
    return UsageError(absl::StrCat("--interval '", args.interval, "' must be a duration of at least 100ms, e.g. 2s"));
  }
  std::vector<std::string> waves;
  if (args.wave.empty()) {
    ASSIGN_OR_RETURN(waves, WavesToWatch(cli, campaign));
  } else {
    waves.push_back(absl::StrCat(campaign, "/waves/", Leaf(args.wave)));
  }
  for (const std::string& wave : waves) RETURN_IF_ERROR(WatchWave(cli, wave, interval));
  if (!cli.options.json) cli.err() << "Completed. The whole picture: wavepost report " << Leaf(campaign) << "\n";
  return ExitCode::kOk;
}

}  // namespace

void AddWatch(CLI::App& app, Cli& cli) {
  auto args = std::make_shared<WatchArgs>();
  CLI::App* cmd = app.add_subcommand("watch", "Show a campaign's progress until it is completed");
  cmd->add_option("campaign", args->campaign, "CAMPAIGN or full name")->required();
  cmd->add_option("--wave", args->wave, "Which one; otherwise the running ones, one after the other");
  cmd->add_option("--interval", args->interval,
                  "Least time between updates, e.g. 2s (terminal 500ms, log 5s, JSON 1s)");
  cmd->footer(
      "On a terminal: a progress bar with speed and estimated end. Into a file or pipe: a line per update. With "
      "--json:\n"
      "an object per update. Hanging up does not stop the sending.\n\nExample:\n"
      "  wavepost watch spring\n"
      "  wavepost watch spring --json | jq .open");
  cmd->callback([&cli, args] { cli.action = [&cli, args] { return Watch(cli, *args); }; });
}

}  // namespace wavepost::cli
