#include "bouncer/inbound/hops.h"

#include <cstddef>

#include "common/base/strings.h"

namespace wavepost {

int CountHops(std::string_view message) {
  constexpr std::string_view kName = "Received";
  int hops = 0;
  while (!message.empty()) {
    const size_t end = message.find('\n');
    std::string_view line = message.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) break;  // the body
    if (line.size() > kName.size() && EqualsIgnoreCase(line.substr(0, kName.size()), kName)) {
      // White space before the colon is obsolete, and still a field (RFC 5322 section 4.5).
      const size_t colon = line.find_first_not_of(" \t", kName.size());
      if (colon != std::string_view::npos && line[colon] == ':') ++hops;
    }
    if (end == std::string_view::npos) break;
    message.remove_prefix(end + 1);
  }
  return hops;
}

}  // namespace wavepost
