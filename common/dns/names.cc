#include "common/dns/names.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
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

std::string ReverseName(const asio::ip::address& address) {
  std::string out;
  if (address.is_v4() || address.to_v6().is_v4_mapped()) {
    const asio::ip::address_v4 v4 =
        address.is_v4() ? address.to_v4() : asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
    const asio::ip::address_v4::bytes_type bytes = v4.to_bytes();
    for (size_t i = bytes.size(); i-- > 0;) absl::StrAppend(&out, static_cast<int>(bytes[i]), ".");
    return out + "in-addr.arpa";
  }
  constexpr char kDigits[] = "0123456789abcdef";
  const asio::ip::address_v6::bytes_type bytes = address.to_v6().to_bytes();
  for (size_t i = bytes.size(); i-- > 0;) {
    for (int nibble : {bytes[i] & 15, bytes[i] >> 4}) {
      out += kDigits[nibble];
      out += '.';
    }
  }
  return out + "ip6.arpa";
}

void OrderMxHosts(MxHosts* hosts, std::mt19937_64* random) {
  std::shuffle(hosts->begin(), hosts->end(), *random);
  std::stable_sort(hosts->begin(), hosts->end(),
                   [](const MxHost& a, const MxHost& b) { return a.preference < b.preference; });
  if (hosts->size() > kMxHostsMax) hosts->resize(kMxHostsMax);
}

}  // namespace wavepost
