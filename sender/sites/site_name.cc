#include "sender/sites/site_name.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "common/base/check.h"

namespace wavepost {
namespace {

constexpr size_t kDigestBytes = 16;

std::string JoinSorted(std::span<const std::string> hosts) {
  if (hosts.size() == 1) return hosts.front();
  std::vector<std::string_view> names(hosts.begin(), hosts.end());
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::string out;
  for (std::string_view name : names) {
    if (!out.empty()) out += '+';
    out += name;
  }
  return out;
}

std::string Bounded(std::string name) {
  if (name.size() <= kSiteNameBytesMax) return name;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  WP_CHECK(EVP_Digest(name.data(), name.size(), digest.data(), nullptr, EVP_sha256(), nullptr) == 1);
  const std::string hex =
      absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest.data()), kDigestBytes));
  name.resize(kSiteNameBytesMax - 2 - hex.size());
  return name + "+~" + hex;
}

}  // namespace

std::string JoinedMxNames(std::span<const std::string> hosts) {
  return Bounded(JoinSorted(hosts));
}

std::string MxSetName(std::span<const std::string> hosts, size_t first) {
  if (first >= hosts.size()) return JoinedMxNames(hosts);
  return Bounded(JoinSorted(hosts.first(first)) + "/" + JoinSorted(hosts.subspan(first)));
}

}  // namespace wavepost
