#include "coordinator/identity/address_block.h"

#include <algorithm>

#include "absl/numeric/int128.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

using asio::ip::address;

int Width(const address& a) {
  return a.is_v4() ? 32 : 128;
}

absl::uint128 Value(const address& a) {
  if (a.is_v4()) return a.to_v4().to_uint();
  absl::uint128 value = 0;
  for (const unsigned char byte : a.to_v6().to_bytes()) value = value << 8 | byte;
  return value;
}

address FromValue(absl::uint128 value, bool v4) {
  if (v4) return asio::ip::address_v4(static_cast<uint32_t>(absl::Uint128Low64(value)));
  asio::ip::address_v6::bytes_type bytes;
  for (auto it = bytes.rbegin(); it != bytes.rend(); ++it) {
    *it = static_cast<unsigned char>(absl::Uint128Low64(value) & 0xff);
    value >>= 8;
  }
  return asio::ip::address_v6(bytes);
}

// The last address of the block of `bits` free bits that begins at `base`, as a distance.
absl::uint128 Span(int bits) {
  return bits >= 128 ? absl::Uint128Max() : (absl::uint128(1) << bits) - 1;
}

// Blocks that are no address of a mail server on the internet.
const std::vector<AddressBlock>& NotPublic() {
  static const auto* const blocks = [] {
    auto* out = new std::vector<AddressBlock>;
    for (const std::string_view text :
         {"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
          "192.168.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "::/127", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"}) {
      out->push_back(*ParseAddressBlock(text));
    }
    return out;
  }();
  return *blocks;
}

}  // namespace

std::optional<address> ParseEgressAddress(std::string_view text) {
  if (text.empty() || text.size() > 64 || text.find('%') != std::string_view::npos) return std::nullopt;
  asio::error_code error;
  const address parsed = asio::ip::make_address(std::string(text), error);
  if (error) return std::nullopt;
  if (parsed.is_v6() && parsed.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, parsed.to_v6());
  }
  return parsed;
}

bool IsPublicAddress(const address& a) {
  return std::none_of(NotPublic().begin(), NotPublic().end(), [&](const AddressBlock& b) { return b.Contains(a); });
}

bool AddressBlock::Contains(const address& a) const {
  if (a.is_v4() != base.is_v4()) return false;
  const absl::uint128 first = Value(base);
  const absl::uint128 value = Value(a);
  return value >= first && value - first <= Span(Width(base) - prefix);
}

std::optional<AddressBlock> ParseAddressBlock(std::string_view text) {
  const size_t slash = text.find('/');
  // Not by ParseEgressAddress: in a block, a mapped address would have the prefix of the other family.
  asio::error_code error;
  if (text.size() > 64 || text.find('%') != std::string_view::npos) return std::nullopt;
  const address base = asio::ip::make_address(std::string(text.substr(0, slash)), error);
  if (error) return std::nullopt;
  AddressBlock block{base, Width(base)};
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    if (digits.empty() || digits.size() > 3 || digits.find_first_not_of("0123456789") != std::string_view::npos ||
        !absl::SimpleAtoi(Av(digits), &block.prefix) || block.prefix > Width(base)) {
      return std::nullopt;
    }
  }
  block.base = FromValue(Value(base) & ~Span(Width(base) - block.prefix), base.is_v4());
  return block;
}

std::string BlockText(const AddressBlock& block) {
  if (block.IsSingle()) return block.base.to_string();
  return absl::StrCat(block.base.to_string(), "/", block.prefix);
}

std::vector<AddressBlock> CoverExactly(std::vector<address> addresses) {
  // asio orders IPv4 before IPv6, and each by value.
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  std::vector<AddressBlock> blocks;
  for (size_t i = 0; i < addresses.size();) {
    const bool v4 = addresses[i].is_v4();
    const absl::uint128 base = Value(addresses[i]);
    // The widest block that begins here: aligned, and its last address is as many places on as the block is long, which
    // in a sorted list without duplicates means that all between are there.
    int bits = 0;
    while (bits < Width(addresses[i])) {
      const absl::uint128 span = Span(bits + 1);
      if ((base & span) != 0 || span >= addresses.size() - i) break;
      const address& last = addresses[i + absl::Uint128Low64(span)];
      if (last.is_v4() != v4 || Value(last) != base + span) break;
      ++bits;
    }
    blocks.push_back({addresses[i], Width(addresses[i]) - bits});
    i += size_t{1} << bits;
  }
  return blocks;
}

}  // namespace wavepost
