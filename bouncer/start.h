// What a bouncer needs before it starts, beside a configuration that can be read: the files that it names, and room for
// its connections.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "bouncer/config.h"

namespace wavepost {

// Puts the rules of `config.rules`, if there are any, in front of ours. Once, before anything classifies.
// Errors: kNotFound, kInvalidArgument, with file and line; our rules stay as they are.
absl::Status UseRules(const BouncerConfig& config);

// Reads all other files that `config` names as BouncerApp::Start does: token keys, certificates and their keys. Changes
// nothing.
// Errors: the first that would keep it from starting, with the key of the configuration and the file.
absl::Status CheckFiles(const BouncerConfig& config);

// File descriptors that it takes when all its connections are there.
uint64_t DescriptorsNeeded(const BouncerConfig& config);

// Raises this process's limit of file descriptors as far as it may; returns what it is then.
uint64_t RaiseDescriptorLimit();

// Errors: kFailedPrecondition: `available` are not enough; says for what, and where either is set.
absl::Status CheckDescriptors(const BouncerConfig& config, uint64_t available);

}  // namespace wavepost
