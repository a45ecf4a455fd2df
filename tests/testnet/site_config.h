// Reads the scenario's `domains`: which names exist, who takes their mail, and at which 127.x address.
#pragma once

#include "common/config/config.h"
#include "tests/testnet/scenario.h"

namespace wavepost::testnet {

// Fills sites, receivers, domains, wildcards and records; profiles must be there. Problems are reported to the nodes'
// ConfigFile. Addresses that the file does not give come from `address_range`, in file order: one per site while they
// last, then the addresses of earlier sites with the same profile again.
void ReadSites(const ConfigNode& root, Scenario* scenario);

}  // namespace wavepost::testnet
