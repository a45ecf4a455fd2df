// What the nodes get for a stored campaign. Pure.
#pragma once

#include <string>
#include <string_view>

#include "wavepost/cluster/v1/coordinator_records.pb.h"
#include "wavepost/cluster/v1/dispatch_service.pb.h"

namespace wavepost {

// What the configuration adds to each message.
struct ContentOptions {
  std::string message_id_domain;
  std::string return_path_domain;  // also of "u+TOKEN@", unless the wave has its own
  std::string unsubscribe_url;     // empty: unsubscribing by mail only
  std::string feedback_id;         // empty: no Feedback-ID
};

// The content of a wave's mail, with content_id: the SHA-256 of everything else in it, serialized in a fixed order.
// `files` are left empty: whoever sends or renders it fills them in.
//
// Unsubscribing through us is offered as content.unsubscribe says (UNSPECIFIED: for bulk), unless the campaign has a
// List-Unsubscribe of its own; likewise Feedback-ID. Ours is "{campaign}:{tenant}:{bulk|urgent}:{feedback_id}": Gmail
// counts complaints by each of the four.
//
// from_address: of the wave (WaveStart); where it is not the campaign's own, answers go to that (Reply-To), unless the
//               campaign names another. Empty: the campaign's.
// return_path_domain: of the wave; empty: the configured one.
cluster::v1::Content ContentOf(const cluster::v1::StoredCampaign& stored, std::string_view from_address,
                               std::string_view return_path_domain, const ContentOptions& options);

}  // namespace wavepost
