#include "common/rpc/status.h"

#include <grpcpp/support/status.h>

#include "absl/strings/cord.h"
#include "common/base/strings.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace wavepost {
namespace {

constexpr char kErrorInfoUrl[] = "type.googleapis.com/google.rpc.ErrorInfo";
constexpr char kBadRequestUrl[] = "type.googleapis.com/google.rpc.BadRequest";
constexpr size_t kViolationsMax = 100;
// gRPC refuses metadata over 8 KiB by default: details must leave room for the message.
constexpr size_t kDetailsBytesMax = 4096;
constexpr size_t kMessageBytesMax = 1500;

template <class Message>
bool ReadPayload(const absl::Status& status, const char* url, Message* out) {
  const auto payload = status.GetPayload(url);
  return payload.has_value() && out->ParseFromString(std::string(*payload));
}

}  // namespace

absl::Status ApiError(absl::StatusCode code, std::string_view reason, std::string_view message,
                      const std::map<std::string, std::string>& metadata) {
  absl::Status status(code, Av(message));
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(reason));
  info.set_domain("wavepost");
  for (const auto& [key, value] : metadata) (*info.mutable_metadata())[key] = value;
  status.SetPayload(kErrorInfoUrl, absl::Cord(info.SerializeAsString()));
  return status;
}

absl::Status BadFields(std::string_view reason, const std::vector<FieldViolation>& violations) {
  google::rpc::BadRequest bad;
  for (const FieldViolation& violation : violations) {
    if (bad.field_violations_size() >= static_cast<int>(kViolationsMax)) break;
    auto* out = bad.add_field_violations();
    out->set_field(violation.field);
    out->set_description(violation.description);
    if (bad.ByteSizeLong() > kDetailsBytesMax) {
      bad.mutable_field_violations()->RemoveLast();
      break;
    }
  }
  std::string message = violations.empty() ? "bad request" : violations[0].field + ": " + violations[0].description;
  if (violations.size() > 1) message += " (and " + std::to_string(violations.size() - 1) + " more)";
  absl::Status status = ApiError(absl::StatusCode::kInvalidArgument, reason, message);
  status.SetPayload(kBadRequestUrl, absl::Cord(bad.SerializeAsString()));
  return status;
}

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const std::string message = Printable(Sv(status.message()), kMessageBytesMax);
  google::rpc::Status wire;
  wire.set_code(static_cast<int>(status.code()));
  wire.set_message(message);
  google::rpc::ErrorInfo info;
  if (!ReadPayload(status, kErrorInfoUrl, &info)) {
    info.set_reason(absl::StatusCodeToString(status.code()));
    info.set_domain("wavepost");
  }
  wire.add_details()->PackFrom(info);
  google::rpc::BadRequest bad;
  if (ReadPayload(status, kBadRequestUrl, &bad)) wire.add_details()->PackFrom(bad);
  return {static_cast<grpc::StatusCode>(status.code()), message, wire.SerializeAsString()};
}

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  absl::Status out(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  google::rpc::Status wire;
  if (!wire.ParseFromString(status.error_details())) return out;
  for (const google::protobuf::Any& any : wire.details()) {
    if (any.Is<google::rpc::ErrorInfo>()) out.SetPayload(kErrorInfoUrl, absl::Cord(any.value()));
    if (any.Is<google::rpc::BadRequest>()) out.SetPayload(kBadRequestUrl, absl::Cord(any.value()));
  }
  return out;
}

std::string ReasonOf(const absl::Status& status) {
  google::rpc::ErrorInfo info;
  return ReadPayload(status, kErrorInfoUrl, &info) ? info.reason() : "";
}

std::vector<FieldViolation> ViolationsOf(const absl::Status& status) {
  std::vector<FieldViolation> out;
  google::rpc::BadRequest bad;
  if (!ReadPayload(status, kBadRequestUrl, &bad)) return out;
  for (const auto& violation : bad.field_violations()) out.push_back({violation.field(), violation.description()});
  return out;
}

}  // namespace wavepost
