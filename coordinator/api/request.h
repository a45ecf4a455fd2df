// What every method of the public API needs: names checked, pages, retry ids, errors. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "common/rpc/status.h"
#include "coordinator/rpc/auth.h"
#include "coordinator/store/store.h"

namespace google::protobuf {
class Message;
}

namespace wavepost {

inline constexpr size_t kRequestIdBytesMax = 64;
inline constexpr int kApiPageSizeDefault = 100;
inline constexpr int kApiPageSizeMax = 1000;

// NOT_FOUND as everybody sees it: what does not exist and what belongs to another tenant look the same.
absl::Status NoSuchResource(std::string_view name);

// The status with kNotFound replaced by NoSuchResource(name).
absl::Status HideNotFound(const absl::Status& status, std::string_view name);

// Parses a resource name with Name::Parse and checks that the caller may see it.
// field: path in the request, for the error. pattern: e.g. "tenants/{tenant}/campaigns/{campaign}".
// Errors: kInvalidArgument (form), kNotFound (another tenant's).
template <class Name>
absl::StatusOr<Name> ParseName(const Caller& caller, std::string_view field, std::string_view pattern,
                               const std::string& name) {
  auto parsed = Name::Parse(name);
  if (!parsed.has_value()) {
    return BadFields(
        "BAD_NAME", {{std::string(field), absl::StrCat("must be ", Av(pattern), ", is '", Printable(name, 200), "'")}});
  }
  if (!caller.MaySee(name)) return NoSuchResource(name);
  return *std::move(parsed);
}

// The page size to use: 0 means the default, more than `max` means `max` (AIP-158).
// Errors: kInvalidArgument for a negative one.
absl::StatusOr<int> CheckedPageSize(int32_t asked, int max = kApiPageSizeMax);

// Page tokens: opaque text that is good for one listing only. `listing` names it, e.g. "waves of
// tenants/a/campaigns/c".
std::string PageToken(std::string_view listing, std::string_view cursor);  // "" for ""
// Errors: kInvalidArgument for text that PageToken did not make for this listing.
absl::StatusOr<std::string> PageCursor(std::string_view listing, const std::string& token);

// The retry id of a request that has a field `request_id`, with the hash of everything else in it. The id is good for
// one method and parent. Errors: kInvalidArgument for an id that is too long.
absl::StatusOr<RequestKey> RequestKeyOf(std::string_view method, std::string_view parent,
                                        const google::protobuf::Message& request);
absl::Status CheckRequestId(const std::string& request_id);
std::string ScopedRequestId(std::string_view method, std::string_view parent, std::string_view request_id);

// A last part for a name that the caller left to us: `prefix`, then 16 random hexadecimal digits.
std::string MadeUpId(std::string_view prefix);

}  // namespace wavepost
