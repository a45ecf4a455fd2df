// How much of the order log is whose. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"

namespace wavepost {

// creator: as Pause.creator says it, "operator" or "tenants/{tenant}".
bool IsTenant(std::string_view creator);

// Whether the creator may add to a log of so many rows. Tenants leave a part of it to operators, who must be able to
// pause when it is full of tenants' orders. kResourceExhausted TOO_MANY_ORDERS.
absl::Status CheckOrderRoom(int64_t rows, std::string_view creator);

}  // namespace wavepost
