#include "coordinator/identity/egress_spf.h"

#include <asio/ip/address.hpp>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "coordinator/identity/address_block.h"

namespace wavepost {
namespace {

constexpr int kSpfLookupsMax = 10;  // RFC 7208 section 4.6.4
// The customer's "include:_spf.DOMAIN" is one of them, each include in "_spf" another.
constexpr size_t kLeavesMax = kSpfLookupsMax - 1;
constexpr size_t kRegionLabelMax = 40;  // "_spf-" and "-123" fit a label of 63 with room to spare
constexpr std::string_view kHead = "v=spf1";
constexpr std::string_view kTail = " ~all";

// A region as part of a DNS label. Regions that become the same label share a record.
std::string RegionLabel(const std::string& region) {
  std::string label;
  for (const char c : region.empty() ? std::string("default") : AsciiLower(region)) {
    label.push_back(absl::ascii_isalnum(static_cast<unsigned char>(c)) ? c : '-');
  }
  return label.substr(0, kRegionLabelMax);
}

v1::DnsRecord Record(std::string owner, const std::string& terms) {
  v1::DnsRecord record;
  record.set_owner(std::move(owner));
  record.set_type("TXT");
  record.set_data(absl::StrCat(Av(kHead), terms, Av(kTail)));
  record.set_purpose(v1::DnsRecord::SPF);
  record.set_required(true);
  return record;
}

// " ip4:..." terms, as many in a chunk as fit one record. At least one chunk.
std::vector<std::string> Chunks(const std::vector<AddressBlock>& blocks) {
  std::vector<std::string> chunks(1);
  for (const AddressBlock& block : blocks) {
    const std::string term = absl::StrCat(block.base.is_v4() ? " ip4:" : " ip6:", BlockText(block));
    if (kHead.size() + chunks.back().size() + term.size() + kTail.size() > kSpfRecordBytesMax) chunks.emplace_back();
    chunks.back() += term;
  }
  return chunks;
}

}  // namespace

absl::StatusOr<std::vector<v1::DnsRecord>> EgressSpf(std::string_view domain, const std::vector<v1::EgressIp>& ips) {
  std::map<std::string, std::vector<asio::ip::address>> regions;
  for (const v1::EgressIp& ip : ips) {
    const std::optional<asio::ip::address> address = ParseEgressAddress(ip.address());
    if (address.has_value() && IsPublicAddress(*address)) regions[RegionLabel(ip.region())].push_back(*address);
  }
  const std::string root = absl::StrCat("_spf.", Av(domain));
  std::vector<std::string> labels;
  std::vector<v1::DnsRecord> leaves;
  std::string counts;  // for the error
  for (const auto& [label, addresses] : regions) {
    const std::vector<std::string> chunks = Chunks(CoverExactly(addresses));
    absl::StrAppend(&counts, counts.empty() ? "" : ", ", addresses.size(), " in ", label);
    if (regions.size() == 1 && chunks.size() == 1) return std::vector<v1::DnsRecord>{Record(root, chunks.front())};
    int number = 0;
    for (const std::string& terms : chunks) {
      std::string name = label;
      // The numbers of a split region pass by the names that other regions have: "eu" and "eu-1" may both exist.
      if (chunks.size() > 1) {
        do {
          name = absl::StrCat(label, "-", ++number);
        } while (regions.contains(name));
      }
      leaves.push_back(Record(absl::StrCat("_spf-", name, ".", Av(domain)), terms));
    }
  }
  std::string includes;
  for (const v1::DnsRecord& leaf : leaves) absl::StrAppend(&includes, " include:", leaf.owner());
  std::vector<v1::DnsRecord> records = {Record(root, includes)};
  if (leaves.size() > kLeavesMax || records.front().data().size() > kSpfRecordBytesMax) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "the egress IPs do not fit our SPF records: ", leaves.size(), " records are needed (egress IPs: ", counts,
        "), and receivers follow only ", kSpfLookupsMax, " references, ", kLeavesMax,
        " of them ours. Use fewer regions, or addresses that lie side by side, so that they make blocks"));
  }
  for (v1::DnsRecord& leaf : leaves) records.push_back(std::move(leaf));
  return records;
}

}  // namespace wavepost
