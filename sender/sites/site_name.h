// Names for sets of MX hosts. Pure; the same on every machine and in every release, for learned state is kept by them.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace wavepost {

inline constexpr size_t kSiteNameBytesMax = 255;

// The sorted host names joined by '+', each once. A set that would be longer than kSiteNameBytesMax keeps its
// beginning and ends in "+~" and 32 hex digits of the SHA-256 of the whole.
std::string JoinedMxNames(std::span<const std::string> hosts);

// The first `first` hosts and the rest, each joined as above, with '/' between them; bounded in the same way.
std::string MxSetName(std::span<const std::string> hosts, size_t first);

}  // namespace wavepost
