#include "coordinator/store/drop_rules.h"

namespace wavepost {

bool DropsHere(const v1::QueueSelector& selector) {
  return !selector.campaign().empty() && selector.site().empty();
}

bool Concerns(const cluster::v1::StoredDrop& drop, const cluster::v1::StoredWave& wave) {
  return wave.campaign() == drop.selector().campaign() && wave.wave().state() == v1::Wave::RUNNING &&
         wave.started_after_order() < drop.sequence();
}

bool TakesIn(const v1::QueueSelector& selector, std::string_view address, std::string_view egress_ip) {
  if (!selector.egress_ip().empty() && selector.egress_ip() != egress_ip) return false;
  if (selector.domain().empty()) return true;
  const size_t at = address.rfind('@');
  return at != std::string_view::npos && address.substr(at + 1) == selector.domain();
}

}  // namespace wavepost
