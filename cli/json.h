// Messages of the API as JSON for scripts: names as in the protos, enums in lower case, times in RFC 3339, absent left
// out.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"
#include "wavepost/v1/campaigns_service.pb.h"
#include "wavepost/v1/events_service.pb.h"
#include "wavepost/v1/nodes_service.pb.h"
#include "wavepost/v1/outcomes.pb.h"
#include "wavepost/v1/queue_service.pb.h"
#include "wavepost/v1/suppressions_service.pb.h"

namespace wavepost::cli {

using Json = nlohmann::ordered_json;

// One line; bytes that are not UTF-8 are replaced.
std::string Dump(const Json& json);

absl::Time FromProto(const google::protobuf::Timestamp& t);

std::string OutcomeWord(v1::Outcome outcome);    // "delivered"; "open" for none
std::string ReasonWord(v1::Reason reason);       // "user_unknown"; "" for none
std::string StateWord(v1::Wave::State state);    // "running"
std::string KindWord(v1::Event::Kind kind);      // "outcome_recorded"
std::string RegionWord(const v1::EgressIp& ip);  // "default" where none is named
std::string CauseWord(v1::Suppression::Cause cause);
std::string ClassWord(v1::BounceClass bounce_class);  // "hard"; "unreadable" for UNSPECIFIED

// The reply in one line, its code in front unless the text has it there already; "" if nobody said anything.
std::string ReplyLine(const v1::DeliveryStatus& status);

Json ToJson(const v1::DeliveryStatus& status);
Json ToJson(const v1::WaveCounts& counts);
Json ToJson(const v1::Wave& wave);
Json ToJson(const v1::Event& event);
Json ToJson(const v1::Recipient& recipient);
Json ToJson(const v1::Suppression& suppression);
Json ToJson(const v1::Node& node);
Json ToJson(const v1::QueueSelector& selector);
Json ToJson(const v1::Pause& pause);
Json ToJson(const v1::QueueOrder& order);
Json ToJson(const v1::PathExplanation& path);
Json ToJson(const v1::ExplainResponse& response);
Json ToJson(const v1::TraceLine& line);
Json ToJson(const v1::EstimateWaveResponse& estimate);

}  // namespace wavepost::cli
