// Reads profiles (named behaviours) from the scenario's YAML.
#pragma once

#include <vector>

#include "common/config/config.h"
#include "tests/testnet/scenario.h"

namespace wavepost::testnet {

// All profiles, "default" first even if the file has none. Problems are reported to the nodes' ConfigFile.
// clock_scale: divides greylist delays and rate windows.
std::vector<Profile> ReadProfiles(const ConfigNode& root, double clock_scale);

}  // namespace wavepost::testnet
