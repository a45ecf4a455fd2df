#include "cli/explain_view.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/format.h"
#include "cli/json.h"
#include "cli/names.h"
#include "cli/selector.h"
#include "common/base/strings.h"

namespace wavepost::cli {
namespace {

constexpr int kHostsShown = 3;

std::string Clean(const std::string& text) {
  return Printable(text, 500);
}

std::string Number(double value) {
  return value == std::floor(value) ? WithCommas(static_cast<int64_t>(value)) : absl::StrFormat("%.2g", value);
}

std::string Hosts(const v1::PathExplanation& path) {
  if (!path.dns_problem().empty()) return absl::StrCat("no host: ", Clean(path.dns_problem()));
  std::string text;
  for (int i = 0; i < std::min(path.mx_hosts_size(), kHostsShown); ++i) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", Clean(path.mx_hosts(i)));
  }
  if (path.mx_hosts_size() > kHostsShown) absl::StrAppend(&text, " and ", path.mx_hosts_size() - kHostsShown, " more");
  return text;
}

std::string Limits(const v1::PathExplanation& path) {
  std::string text = absl::StrCat(path.connections_open(), " of ", path.connections_max(), " connections open");
  if (path.messages_per_connection() > 0) {
    absl::StrAppend(&text, ", ", WithCommas(path.messages_per_connection()), " messages each");
  }
  if (path.connections_per_minute() > 0) {
    absl::StrAppend(&text, ", ", Number(path.connections_per_minute()), " new ones a minute");
  }
  if (path.messages_per_second() > 0) {
    absl::StrAppend(&text, ", ", Number(path.messages_per_second()), " messages a second");
  }
  if (!path.limits_source().empty()) absl::StrAppend(&text, " (", Clean(path.limits_source()), ")");
  return text;
}

void AddWaiting(const v1::PathExplanation& path, std::string* out) {
  for (const v1::WaitingRecipient& waiting : path.waiting()) {
    absl::StrAppend(out, "  waits      ", Clean(waiting.address()), " (", Clean(waiting.recipient()), ")");
    if (!waiting.waits_for().empty()) absl::StrAppend(out, ": ", Clean(waiting.waits_for()));
    if (waiting.has_due_time()) absl::StrAppend(out, ", due ", LocalTime(FromProto(waiting.due_time())));
    absl::StrAppend(
        out, waiting.attempts() == 0 ? ", not tried yet" : absl::StrCat(", tried ", waiting.attempts(), " times"),
        "\n");
    if (waiting.has_status() && !ReplyLine(waiting.status()).empty()) {
      absl::StrAppend(out, "             last word: ", Clean(ReplyLine(waiting.status())), "\n");
    }
  }
}

}  // namespace

std::string ExplainText(std::string_view address, const v1::ExplainResponse& response) {
  std::string out;
  const auto line = [&](std::string_view label, const std::string& text) {
    if (!text.empty()) absl::StrAppendFormat(&out, "  %-10s %s\n", std::string(label), text);
  };
  for (const v1::PathExplanation& path : response.paths()) {
    if (!out.empty()) out += "\n";
    absl::StrAppend(&out, Printable(address, 320), " from ", Clean(path.egress_ip()), " (", Clean(Leaf(path.node())),
                    ")\n");
    std::string site = Clean(path.site());
    if (!path.provider().empty() && path.provider() != path.site())
      absl::StrAppend(&site, ", provider ", Clean(path.provider()));
    line("site", site);
    line("hosts", Hosts(path));
    line("limits", Limits(path));
    if (path.warm_up_cap() > 0) {
      line("warm-up", absl::StrCat(WithCommas(path.warm_up_used()), " of ", WithCommas(path.warm_up_cap()), " today"));
    }
    line("TLS", Clean(path.tls_policy()));
    line("greylist", Clean(path.greylist()));
    if (path.has_stopped_until()) {
      line("stopped", absl::StrCat("until ", LocalTime(FromProto(path.stopped_until())),
                                   path.stopped_reason().empty() ? "" : ": ", Clean(path.stopped_reason())));
    }
    for (const v1::Pause& pause : path.pauses()) {
      line("paused", absl::StrCat(Clean(pause.name()), " (", Describe(pause.selector()), "), ",
                                  pause.has_end_time() ? "until " + LocalTime(FromProto(pause.end_time()))
                                                       : std::string("until it is resumed"),
                                  pause.reason().empty() ? "" : ": ", Clean(pause.reason())));
    }
    AddWaiting(path, &out);
    line("next", Clean(path.summary()));
  }
  if (response.paths().empty())
    absl::StrAppend(&out, "No sender has anything to say about ", Printable(address, 320), ".\n");
  if (!response.silent_nodes().empty()) {
    out += "\nNo answer from:";
    for (const std::string& node : response.silent_nodes()) absl::StrAppend(&out, " ", Clean(Leaf(node)));
    out += "\n";
  }
  return out;
}

}  // namespace wavepost::cli
