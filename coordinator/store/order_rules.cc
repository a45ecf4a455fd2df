#include "coordinator/store/order_rules.h"

#include "absl/strings/str_cat.h"
#include "common/rpc/status.h"
#include "coordinator/store/store.h"

namespace wavepost {

bool IsTenant(std::string_view creator) {
  return creator.find('/') != std::string_view::npos;
}

absl::Status CheckOrderRoom(int64_t rows, std::string_view creator) {
  if (rows < (IsTenant(creator) ? Store::kOrdersOfTenantsMax : Store::kOrdersMax)) return absl::OkStatus();
  return ApiError(
      absl::StatusCode::kResourceExhausted, "TOO_MANY_ORDERS",
      absl::StrCat("the order log is full (", rows, " entries of the last 30 days); flush or drop more at a time"));
}

}  // namespace wavepost
