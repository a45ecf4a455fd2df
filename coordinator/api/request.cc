#include "coordinator/api/request.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "common/base/base64.h"

namespace wavepost {
namespace {

constexpr size_t kListingHashBytes = 8;
constexpr size_t kPageTokenBytesMax = 4096;

std::string ListingHash(std::string_view listing) {
  return Sha256(listing).substr(0, kListingHashBytes);
}

}  // namespace

absl::Status NoSuchResource(std::string_view name) {
  return ApiError(absl::StatusCode::kNotFound, "NOT_FOUND", absl::StrCat(Av(name), " does not exist"),
                  {{"name", std::string(name)}});
}

absl::Status HideNotFound(const absl::Status& status, std::string_view name) {
  return absl::IsNotFound(status) ? NoSuchResource(name) : status;
}

absl::StatusOr<int> CheckedPageSize(int32_t asked, int max) {
  if (asked < 0) return BadFields("BAD_PAGE_SIZE", {{"page_size", absl::StrCat("must not be negative, is ", asked)}});
  return asked == 0 ? kApiPageSizeDefault : std::min<int>(asked, max);
}

std::string PageToken(std::string_view listing, std::string_view cursor) {
  return cursor.empty() ? "" : Base64Encode(absl::StrCat(ListingHash(listing), Av(cursor)));
}

absl::StatusOr<std::string> PageCursor(std::string_view listing, const std::string& token) {
  if (token.empty()) return std::string();
  if (token.size() <= kPageTokenBytesMax) {
    const std::optional<std::string> bytes = Base64Decode(token);
    if (bytes.has_value() && bytes->size() > kListingHashBytes &&
        std::string_view(*bytes).substr(0, kListingHashBytes) == ListingHash(listing)) {
      return bytes->substr(kListingHashBytes);
    }
  }
  return BadFields("BAD_PAGE_TOKEN", {{"page_token", "is not one that this listing gave out; start without one"}});
}

absl::Status CheckRequestId(const std::string& request_id) {
  if (request_id.size() <= kRequestIdBytesMax) return absl::OkStatus();
  return BadFields(
      "BAD_REQUEST_ID",
      {{"request_id", absl::StrCat("must have at most ", kRequestIdBytesMax, " bytes, has ", request_id.size())}});
}

std::string ScopedRequestId(std::string_view method, std::string_view parent, std::string_view request_id) {
  return request_id.empty() ? "" : absl::StrCat(Av(method), "|", Av(parent), "|", Av(request_id));
}

absl::StatusOr<RequestKey> RequestKeyOf(std::string_view method, std::string_view parent,
                                        const google::protobuf::Message& request) {
  const auto* field = request.GetDescriptor()->FindFieldByName("request_id");
  if (field == nullptr) return absl::InternalError("the request has no request_id");
  const std::string id = request.GetReflection()->GetString(request, field);
  if (id.empty()) return RequestKey{};
  absl::Status checked = CheckRequestId(id);
  if (!checked.ok()) return checked;
  const std::unique_ptr<google::protobuf::Message> rest(request.New());
  rest->CopyFrom(request);
  rest->GetReflection()->ClearField(rest.get(), field);
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);
    rest->SerializeToCodedStream(&out);
  }
  return RequestKey{ScopedRequestId(method, parent, id), Sha256(bytes)};
}

std::string MadeUpId(std::string_view prefix) {
  // NewSecret is "wp_" and hexadecimal digits.
  return absl::StrCat(Av(prefix), NewSecret().substr(3, 16));
}

}  // namespace wavepost
