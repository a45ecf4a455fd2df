#include "coordinator/planner/wave_volumes.h"

#include "common/base/strings.h"

namespace wavepost {

std::string_view WaveVolumes::DomainOf(std::string_view address) {
  const size_t at = address.rfind('@');
  return at == std::string_view::npos ? std::string_view() : address.substr(at + 1);
}

void WaveVolumes::Add(std::string_view address) {
  const std::string_view domain = DomainOf(address);
  const auto found = counts_.find(Av(domain));
  if (found != counts_.end()) {
    ++found->second;
  } else if (counts_.size() < kDomainsMax) {
    counts_.emplace(std::string(domain), 1);
  }
}

int64_t WaveVolumes::VolumeOf(std::string_view domain) const {
  const auto found = counts_.find(Av(domain));
  return found == counts_.end() ? 0 : found->second;
}

}  // namespace wavepost
