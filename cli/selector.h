// Which mail a queue command is about: options, the API's selector, and words for people.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/cli.h"
#include "wavepost/v1/queue_service.pb.h"

namespace CLI {
class App;
}

namespace wavepost::cli {

struct SelectorArgs {
  std::string campaign, domain, site, ip;
};

void AddSelectorOptions(CLI::App& cmd, SelectorArgs& args);

// `options`: --tenant is a part of it if it was given. Errors: usage (nothing chosen, no name).
absl::StatusOr<v1::QueueSelector> SelectorOf(const GlobalOptions& options, const SelectorArgs& args);

// "campaign spring of default, domain example.com"
std::string Describe(const v1::QueueSelector& selector);

// The end of a pause: --until TIME or --for DURATION; absl::InfiniteFuture() if neither is given. Errors: usage.
absl::StatusOr<absl::Time> EndOf(const std::string& until, const std::string& length, absl::Time now);

// "17" or "pauses/17". Errors: usage.
absl::StatusOr<std::string> PauseName(const std::string& text);

}  // namespace wavepost::cli
