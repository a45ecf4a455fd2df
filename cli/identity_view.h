// The cluster's identity as text for people. Pure. Texts of the server are made printable.
#pragma once

#include <cstddef>
#include <string>

#include "wavepost/v1/identity_service.pb.h"

namespace wavepost::cli {

// Records to publish, what the last check saw of them, and each egress IP with its reverse names and block lists;
// advice is wrapped to `columns`.
std::string IdentityText(const v1::Identity& identity, size_t columns);

// What has to be mended: required records that are not OK, addresses without a right reverse name, listings.
int ProblemsOf(const v1::Identity& identity);

}  // namespace wavepost::cli
