#include "cli/selector.h"

#include <CLI/CLI.hpp>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "cli/exit_code.h"
#include "cli/names.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"

namespace wavepost::cli {

void AddSelectorOptions(CLI::App& cmd, SelectorArgs& args) {
  cmd.add_option("--campaign", args.campaign, "Mail of this campaign");
  cmd.add_option("--domain", args.domain, "Mail to this recipient domain");
  cmd.add_option("--site", args.site, "Mail to this site or provider, as explain names it; operators");
  cmd.add_option("--ip", args.ip, "Mail from this egress IP; operators");
}

absl::StatusOr<v1::QueueSelector> SelectorOf(const GlobalOptions& options, const SelectorArgs& args) {
  v1::QueueSelector selector;
  if (options.tenant_given) {
    ASSIGN_OR_RETURN(*selector.mutable_tenant(), TenantName(options.tenant));
  }
  if (!args.campaign.empty()) {
    ASSIGN_OR_RETURN(*selector.mutable_campaign(), CampaignName(args.campaign, options.tenant));
  }
  selector.set_domain(args.domain);
  selector.set_site(args.site);
  selector.set_egress_ip(args.ip);
  if (selector.ByteSizeLong() == 0) {
    return UsageError("say which mail: --campaign, --domain, --site, --ip or --tenant (all that are given must fit)");
  }
  return selector;
}

std::string Describe(const v1::QueueSelector& selector) {
  std::string text;
  const auto add = [&](std::string_view what, const std::string& value) {
    if (!value.empty()) absl::StrAppend(&text, text.empty() ? "" : ", ", Av(what), " ", Printable(value, 300));
  };
  add("campaign", Leaf(selector.campaign()));
  add("tenant", Leaf(selector.tenant()));
  add("domain", selector.domain());
  add("site", selector.site());
  add("IP", selector.egress_ip());
  return text;
}

absl::StatusOr<absl::Time> EndOf(const std::string& until, const std::string& length, absl::Time now) {
  if (!length.empty()) {
    absl::Duration duration;
    if (!absl::ParseDuration(length, &duration) || duration <= absl::ZeroDuration()) {
      return UsageError(absl::StrCat("--for '", Printable(length, 100), "' is no duration; write e.g. 2h or 90m"));
    }
    return now + duration;
  }
  if (until.empty()) return absl::InfiniteFuture();
  absl::Time end;
  std::string error;
  if (absl::ParseTime(absl::RFC3339_full, until, &end, &error)) return end;
  for (const char* format : {"%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S"}) {
    if (absl::ParseTime(format, until, absl::LocalTimeZone(), &end, &error)) return end;
  }
  return UsageError(absl::StrCat("--until '", Printable(until, 100),
                                 "' is no time; write e.g. '2026-11-23 09:00' (here) or 2026-11-23T09:00:00Z"));
}

absl::StatusOr<std::string> PauseName(const std::string& text) {
  absl::string_view number = text;
  absl::ConsumePrefix(&number, "pauses/");
  int64_t value = 0;
  if (absl::SimpleAtoi(number, &value) && value > 0) return absl::StrCat("pauses/", value);
  return UsageError(absl::StrCat("'", Printable(text, 100),
                                 "' is no pause; write its number, as 'wavepost pauses' "
                                 "shows it"));
}

}  // namespace wavepost::cli
