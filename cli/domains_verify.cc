#include "cli/domains_verify.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "cli/call.h"
#include "cli/domain_view.h"
#include "cli/format.h"
#include "cli/json_content.h"
#include "cli/names.h"
#include "cli/record_view.h"
#include "common/base/clock.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "wavepost/v1/domains_service.grpc.pb.h"

namespace wavepost::cli {
namespace {

using Stub = v1::SendingDomainService::Stub;

constexpr absl::Duration kBetweenLooks = absl::Seconds(15);
constexpr absl::Duration kWaitMax = absl::Hours(24);
constexpr absl::Duration kTick = absl::Seconds(1);  // of the live line

absl::StatusOr<absl::Duration> WaitOf(const std::string& text) {
  if (text.empty()) return absl::ZeroDuration();
  absl::Duration wait;
  if (!absl::ParseDuration(text, &wait) || wait <= absl::ZeroDuration() || wait > kWaitMax) {
    return UsageError(
        absl::StrCat("--wait '", Printable(text, 100).c_str(), "' must be a duration of at most 24h, e.g. 10m"));
  }
  return wait;
}

// Worth another look: the domain is where it was, the coordinator has no time for us.
bool PassesBy(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status) || absl::IsDeadlineExceeded(status);
}

// The line that says, on a terminal, that something still goes on.
class LiveLine {
 public:
  explicit LiveLine(const Cli& cli) : cli_(cli) {}

  // Waits `d`, counting down to `end`.
  void Wait(absl::Duration d, absl::Time end, const std::string& what) {
    if (!cli_.env.err_is_terminal) return cli_.Sleep(d);
    while (d > absl::ZeroDuration()) {
      const absl::Duration tick = std::min(d, kTick);
      const std::string line = absl::StrCat(what, "; next look in ", ShortDuration(d), ", giving up in ",
                                            ShortDuration(end - cli_.env.clock->Now()));
      cli_.err() << "\r" << line.substr(0, cli_.env.columns > 0 ? cli_.env.columns - 1 : 0) << "\x1b[K" << std::flush;
      cli_.Sleep(tick);
      d -= tick;
    }
    cli_.err() << "\r\x1b[K" << std::flush;
  }

 private:
  const Cli& cli_;
};

std::string Progress(const v1::SendingDomain& domain) {
  const auto ok = std::count_if(domain.checks().begin(), domain.checks().end(),
                                [](const v1::RecordCheck& check) { return check.state() == v1::RecordCheck::OK; });
  return absl::StrCat(ok, " of ", domain.checks_size(), " records OK");
}

}  // namespace

absl::StatusOr<ExitCode> VerifyDomain(const Cli& cli, const std::string& name, const std::string& wait_text) {
  v1::VerifySendingDomainRequest request;
  ASSIGN_OR_RETURN(*request.mutable_name(), DomainName(name, cli.options.tenant));
  ASSIGN_OR_RETURN(const absl::Duration wait, WaitOf(wait_text));
  const absl::Time end = cli.env.clock->Now() + wait;
  const auto stub = v1::SendingDomainService::NewStub(cli.channel());
  LiveLine live(cli);
  v1::SendingDomain domain;
  std::string shown;
  std::string progress;
  while (true) {
    absl::StatusOr<v1::SendingDomain> look = Call(cli, *stub, &Stub::VerifySendingDomain, request);
    const absl::Duration left = end - cli.env.clock->Now();
    if (look.ok()) {
      domain = *std::move(look);
      progress = Progress(domain);
      if (const std::string text = VerifyText(domain, cli.env.columns); !cli.options.json && text != shown) {
        cli.out() << (shown.empty() ? "" : "\n") << text << std::flush;
        shown = text;
      }
      if (domain.state() == v1::SendingDomain::VERIFIED) break;
    } else if (!PassesBy(look.status()) || left <= absl::ZeroDuration() ||
               (domain.name().empty() && !absl::IsResourceExhausted(look.status()))) {
      return look.status();  // a coordinator that has not answered yet is rather a wrong --server
    } else {
      progress = "the coordinator has no time for a look";
    }
    if (left <= absl::ZeroDuration() || !cli.out().good()) break;
    live.Wait(std::min(left, kBetweenLooks), end, progress);
  }
  if (cli.options.json) cli.out() << Dump(ToJson(domain)) << "\n";
  return domain.state() == v1::SendingDomain::VERIFIED ? ExitCode::kOk : ExitCode::kFailed;
}

}  // namespace wavepost::cli
