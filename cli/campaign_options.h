// The options of 'wavepost create' that say what a campaign is, and the campaign made from them.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "wavepost/v1/campaigns_service.pb.h"

namespace CLI {
class App;
}

namespace wavepost::cli {

struct CampaignOptions {
  std::string subject, subject_file, from, html, text, reply_to, display_name, pool, max_age, priority;
  std::vector<std::string> headers, attach, inlined, defaults, json_columns;
  bool unsubscribe = false;
  bool no_unsubscribe = false;
  bool auto_submitted = false;
  bool smime = false;
};

// `options` outlives the command.
void AddCampaignOptions(CLI::App& cmd, CampaignOptions& options);

// Reads the template files; `columns` are the audience's. Without the attachments: those are uploaded first, see
// upload.h.
// Errors: usage errors and file errors.
absl::StatusOr<v1::Campaign> BuildCampaign(const CampaignOptions& options, const std::vector<std::string>& columns);

}  // namespace wavepost::cli
