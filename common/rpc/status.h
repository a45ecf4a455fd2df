// absl::Status <-> grpc::Status, with the details of AIP-193: ErrorInfo on every error, BadRequest where fields are
// wrong.
//
// Inside a process an error travels as absl::Status whose payload holds the details; these helpers put them in and out.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace grpc {
class Status;
}

namespace wavepost {

struct FieldViolation {
  std::string field;        // path from the request message, e.g. "campaign.content.html"
  std::string description;  // what is wrong, where, and what to do
};

// An error with a stable reason (UPPER_SNAKE_CASE) and facts for programs.
absl::Status ApiError(absl::StatusCode code, std::string_view reason, std::string_view message,
                      const std::map<std::string, std::string>& metadata = {});

// kInvalidArgument that names the wrong fields (at most 100 are kept). The message repeats the first one.
absl::Status BadFields(std::string_view reason, const std::vector<FieldViolation>& violations);

// For the wire. A status without a reason gets one from its code ("NOT_FOUND"), so that every error has ErrorInfo.
grpc::Status ToGrpc(const absl::Status& status);

// From the wire, with details.
absl::Status FromGrpc(const grpc::Status& status);

// The reason and the field violations of a status; empty if there are none.
std::string ReasonOf(const absl::Status& status);
std::vector<FieldViolation> ViolationsOf(const absl::Status& status);

}  // namespace wavepost
