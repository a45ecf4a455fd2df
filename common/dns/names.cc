#include "common/dns/names.h"

#include <algorithm>
#include <cstddef>

#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr size_t kNameBytesMax = 253;
constexpr size_t kLabelBytesMax = 63;

}  // namespace

std::optional<std::string> NormalizeHostName(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty() || name.size() > kNameBytesMax) return std::nullopt;
  std::string out = AsciiLower(name);
  size_t label = 0;
  for (char c : out) {
    if (c == '.') {
      if (label == 0) return std::nullopt;
      label = 0;
    } else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_') {
      if (++label > kLabelBytesMax) return std::nullopt;
    } else {
      return std::nullopt;
    }
  }
  if (label == 0) return std::nullopt;
  return out;
}

void OrderMxHosts(MxHosts* hosts, std::mt19937_64* random) {
  std::shuffle(hosts->begin(), hosts->end(), *random);
  std::stable_sort(hosts->begin(), hosts->end(),
                   [](const MxHost& a, const MxHost& b) { return a.preference < b.preference; });
  if (hosts->size() > kMxHostsMax) hosts->resize(kMxHostsMax);
}

}  // namespace wavepost
