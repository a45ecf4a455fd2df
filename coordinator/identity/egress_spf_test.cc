// Independent check of the SPF records: a receiver in small, which follows includes and counts, says for each address
// whether the records let it pass.
#include "coordinator/identity/egress_spf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "coordinator/identity/address_block.h"

namespace wavepost {
namespace {

using asio::ip::address;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::EgressIp Ip(const std::string& text, const std::string& region = "") {
  v1::EgressIp ip;
  ip.set_address(text);
  ip.set_region(region);
  return ip;
}

std::vector<v1::EgressIp> Ips(const std::vector<std::string>& texts) {
  std::vector<v1::EgressIp> ips;
  for (const std::string& text : texts) {
    const std::vector<std::string> parts = absl::StrSplit(text, ' ');
    ips.push_back(Ip(parts[0], parts.size() > 1 ? parts[1] : ""));
  }
  return ips;
}

std::vector<std::string> Lines(const std::vector<v1::DnsRecord>& records) {
  std::vector<std::string> lines;
  for (const auto& record : records) lines.push_back(absl::StrCat(record.owner(), " ", record.data()));
  return lines;
}

struct SpfRow {
  std::string name;
  std::vector<std::string> ips;  // "ADDRESS" or "ADDRESS REGION"
  std::vector<std::string> lines;
};

class EgressSpfTable : public ::testing::TestWithParam<SpfRow> {};

TEST_P(EgressSpfTable, Makes) {
  const auto records = EgressSpf("mail.example", Ips(GetParam().ips));
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_EQ(Lines(*records), GetParam().lines);
}

const SpfRow kSpfRows[] = {
    {"None", {}, {"_spf.mail.example v=spf1 ~all"}},
    {"One", {"192.0.2.1"}, {"_spf.mail.example v=spf1 ip4:192.0.2.1 ~all"}},
    {"SortedFourBeforeSix",
     {"2001:db8::5", "198.51.100.9", "192.0.2.1"},
     {"_spf.mail.example v=spf1 ip4:192.0.2.1 ip4:198.51.100.9 ip6:2001:db8::5 ~all"}},
    {"PairOnBoundary", {"192.0.2.2", "192.0.2.3"}, {"_spf.mail.example v=spf1 ip4:192.0.2.2/31 ~all"}},
    {"PairOffBoundary", {"192.0.2.1", "192.0.2.2"}, {"_spf.mail.example v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 ~all"}},
    {"FiveMakeBlockAndOne",
     {"192.0.2.4", "192.0.2.5", "192.0.2.6", "192.0.2.7", "192.0.2.8"},
     {"_spf.mail.example v=spf1 ip4:192.0.2.4/30 ip4:192.0.2.8 ~all"}},
    {"SixAsBlock", {"2001:db8::", "2001:db8::1"}, {"_spf.mail.example v=spf1 ip6:2001:db8::/127 ~all"}},
    {"MappedIsFour", {"::ffff:192.0.2.1"}, {"_spf.mail.example v=spf1 ip4:192.0.2.1 ~all"}},
    {"Twice", {"192.0.2.1", "192.0.2.1"}, {"_spf.mail.example v=spf1 ip4:192.0.2.1 ~all"}},
    {"InTwoRegions",
     {"192.0.2.1 us", "192.0.2.1 eu"},
     {"_spf.mail.example v=spf1 include:_spf-eu.mail.example include:_spf-us.mail.example ~all",
      "_spf-eu.mail.example v=spf1 ip4:192.0.2.1 ~all", "_spf-us.mail.example v=spf1 ip4:192.0.2.1 ~all"}},
    {"NotPublic",
     {"127.0.0.1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "169.254.1.1", "::1",
      "fd00::1", "fe80::1", "224.0.0.1", "0.0.0.0", "::", "192.0.2.1"},
     {"_spf.mail.example v=spf1 ip4:192.0.2.1 ~all"}},
    {"BesidePrivate",
     {"172.32.0.0", "172.15.255.255", "100.128.0.0", "11.0.0.0"},
     {"_spf.mail.example v=spf1 ip4:11.0.0.0 ip4:100.128.0.0 ip4:172.15.255.255 ip4:172.32.0.0 ~all"}},
    {"NoAddress", {"mail.example", "192.0.2", "192.0.2.1"}, {"_spf.mail.example v=spf1 ip4:192.0.2.1 ~all"}},
    {"OneNamedRegion", {"192.0.2.1 eu"}, {"_spf.mail.example v=spf1 ip4:192.0.2.1 ~all"}},
    {"Regions",
     {"192.0.2.1 us", "192.0.2.2 eu", "192.0.2.3"},
     {"_spf.mail.example v=spf1 include:_spf-default.mail.example include:_spf-eu.mail.example "
      "include:_spf-us.mail.example ~all",
      "_spf-default.mail.example v=spf1 ip4:192.0.2.3 ~all", "_spf-eu.mail.example v=spf1 ip4:192.0.2.2 ~all",
      "_spf-us.mail.example v=spf1 ip4:192.0.2.1 ~all"}},
    {"RegionNamesThatAreOneLabel",
     {"192.0.2.1 EU.west", "192.0.2.2 eu-west", "192.0.2.9 us"},
     {"_spf.mail.example v=spf1 include:_spf-eu-west.mail.example include:_spf-us.mail.example ~all",
      "_spf-eu-west.mail.example v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 ~all",
      "_spf-us.mail.example v=spf1 ip4:192.0.2.9 ~all"}},
};

INSTANTIATE_TEST_SUITE_P(Rfc7208, EgressSpfTable, ::testing::ValuesIn(kSpfRows),
                         [](const auto& row) { return row.param.name; });

// Every second address, so that no two make a block.
std::vector<std::string> Apart(int count, const std::string& suffix, int from = 0) {
  std::vector<std::string> out;
  for (int i = from; i < from + count; ++i) out.push_back(absl::StrCat("198.18.", i / 100, ".", i % 100 * 2, suffix));
  return out;
}

TEST(EgressSpfTest, SplitsWhatDoesNotFit) {
  const auto records = EgressSpf("mail.example", Ips(Apart(60, " eu")));
  ASSERT_TRUE(records.ok()) << records.status();
  ASSERT_EQ(records->size(), 4u);
  EXPECT_EQ(records->at(0).data(),
            "v=spf1 include:_spf-eu-1.mail.example include:_spf-eu-2.mail.example include:_spf-eu-3.mail.example ~all");
  EXPECT_EQ(records->at(3).owner(), "_spf-eu-3.mail.example");
}

TEST(EgressSpfTest, SplitNamesPassByOtherRegions) {
  std::vector<std::string> ips = Apart(40, " eu");
  ips.push_back("192.0.2.1 eu-1");
  const auto records = EgressSpf("mail.example", Ips(ips));
  ASSERT_TRUE(records.ok());
  std::set<std::string> owners;
  for (const auto& record : *records) EXPECT_TRUE(owners.insert(record.owner()).second) << record.owner();
  EXPECT_TRUE(owners.contains("_spf-eu-2.mail.example"));
  EXPECT_TRUE(owners.contains("_spf-eu-3.mail.example"));
}

TEST(EgressSpfTest, RefusesMoreThanReceiversFollow) {
  std::vector<std::string> regions;
  for (int i = 0; i < 9; ++i) regions.push_back(absl::StrCat("192.0.2.", i, " r", i));
  EXPECT_TRUE(EgressSpf("m.example", Ips(regions)).ok());
  regions.push_back("192.0.2.200 r9");
  const auto records = EgressSpf("m.example", Ips(regions));
  EXPECT_TRUE(absl::IsResourceExhausted(records.status())) << records.status();
  EXPECT_THAT(std::string(records.status().message()), HasSubstr("1 in r9"));
  // Nine regions fit the references, but not with so long a name.
  regions.pop_back();
  EXPECT_TRUE(absl::IsResourceExhausted(EgressSpf(std::string(60, 'a') + ".example", Ips(regions)).status()));
}

// What a receiver does (RFC 7208), as far as our records need it; counts references.
class SpfReceiver {
 public:
  explicit SpfReceiver(const std::vector<v1::DnsRecord>& records) {
    for (const auto& record : records) zone_[record.owner()] = record.data();
  }
  bool Passes(const address& ip, const std::string& owner) {
    lookups = 0;
    return Match(ip, owner);
  }
  int lookups = 0;

 private:
  bool Match(const address& ip, const std::string& owner) {
    ++lookups;
    EXPECT_TRUE(zone_.contains(owner)) << owner;
    const std::vector<std::string> terms = absl::StrSplit(zone_[owner], ' ');
    EXPECT_EQ(terms.front(), "v=spf1");
    EXPECT_EQ(terms.back(), "~all");
    for (const std::string& term : terms) {
      if (term.starts_with("include:") && Match(ip, term.substr(8))) return true;
      if ((term.starts_with("ip4:") || term.starts_with("ip6:")) && Inside(ip, term.substr(4))) return true;
    }
    return false;
  }
  // Bit by bit: shares no code with what made the records.
  static bool Inside(const address& ip, const std::string& block) {
    const std::vector<std::string> parts = absl::StrSplit(block, '/');
    const address base = asio::ip::make_address(parts[0]);
    if (base.is_v4() != ip.is_v4()) return false;
    int prefix = base.is_v4() ? 32 : 128;
    if (parts.size() > 1 && !absl::SimpleAtoi(parts[1], &prefix)) return false;
    const auto bit = [](const address& a, int i) {
      const int byte = a.is_v4() ? a.to_v4().to_bytes()[i / 8] : a.to_v6().to_bytes()[i / 8];
      return byte >> (7 - i % 8) & 1;
    };
    for (int i = 0; i < prefix; ++i) {
      if (bit(base, i) != bit(ip, i)) return false;
    }
    return true;
  }
  std::map<std::string, std::string> zone_;
};

TEST(EgressSpfTest, PassesExactlyOurAddresses) {
  std::mt19937_64 random(4711);
  int worst_lookups = 0;
  for (int round = 0; round < 200; ++round) {
    // Dense sets in small ranges, so that blocks of all sizes appear, at both ends of the address space too.
    std::set<address> ours;
    std::set<address> probes;
    std::vector<v1::EgressIp> ips;
    const int ranges = 1 + static_cast<int>(random() % 3);
    for (int r = 0; r < ranges; ++r) {
      const bool v4 = random() % 2 == 0;
      const uint32_t base4 = 0x0b000000u + static_cast<uint32_t>(random() % 0x10000000u);
      asio::ip::address_v6::bytes_type base6{0x20, 0x01, 0x0d, 0xb8};
      base6[14] = static_cast<unsigned char>(random());
      const uint64_t density = 1 + random() % 8;
      for (uint32_t i = 0; i < 40; ++i) {
        address a;
        if (v4) {
          a = asio::ip::address_v4(base4 + i);
        } else {
          base6[15] = static_cast<unsigned char>(i);
          a = asio::ip::address_v6(base6);
        }
        probes.insert(a);
        if (random() % 8 < density && ours.insert(a).second)
          ips.push_back(Ip(a.to_string(), random() % 4 ? "eu" : "us"));
      }
    }
    std::shuffle(ips.begin(), ips.end(), random);
    const auto records = EgressSpf("mail.example", ips);
    ASSERT_TRUE(records.ok()) << records.status();
    SpfReceiver receiver(*records);
    for (const address& probe : probes) {
      ASSERT_EQ(receiver.Passes(probe, "_spf.mail.example"), ours.contains(probe)) << round << " " << probe;
      worst_lookups = std::max(worst_lookups, receiver.lookups);
    }
    for (const auto& record : *records) ASSERT_LE(record.data().size(), kSpfRecordBytesMax);
    std::shuffle(ips.begin(), ips.end(), random);
    ASSERT_EQ(Lines(*EgressSpf("mail.example", ips)), Lines(*records)) << "depends on the order";
  }
  EXPECT_LE(worst_lookups, 10);
  EXPECT_GT(worst_lookups, 1);
}

TEST(AddressBlockTest, CoversWithFewestBlocksThatHoldNothingElse) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 300; ++round) {
    // All subsets of a small space: sizes add up to the set, every address is in one block, no block could be joined.
    std::vector<address> addresses;
    for (uint32_t i = 0; i < 64; ++i) {
      if (random() % 4 != 0) addresses.push_back(asio::ip::address_v4(0xc0000200u + i));
    }
    const auto blocks = CoverExactly(addresses);
    size_t total = 0;
    for (const AddressBlock& block : blocks) total += size_t{1} << (32 - block.prefix);
    ASSERT_EQ(total, addresses.size());
    for (const address& a : addresses) {
      ASSERT_EQ(std::count_if(blocks.begin(), blocks.end(), [&](const auto& b) { return b.Contains(a); }), 1);
    }
    for (size_t i = 1; i < blocks.size(); ++i) {
      if (blocks[i - 1].prefix != blocks[i].prefix) continue;
      const AddressBlock joined =
          *ParseAddressBlock(absl::StrCat(blocks[i - 1].base.to_string(), "/", blocks[i - 1].prefix - 1));
      ASSERT_FALSE(joined.base == blocks[i - 1].base && joined.Contains(blocks[i].base)) << "two halves of one block";
    }
  }
  EXPECT_EQ(BlockText(CoverExactly({asio::ip::make_address("255.255.255.255")}).at(0)), "255.255.255.255");
  EXPECT_EQ(
      BlockText(
          CoverExactly({asio::ip::make_address("255.255.255.254"), asio::ip::make_address("255.255.255.255")}).at(0)),
      "255.255.255.254/31");
}

TEST(AddressBlockTest, ReadsBlocks) {
  EXPECT_EQ(BlockText(*ParseAddressBlock("192.0.2.77/24")), "192.0.2.0/24");
  EXPECT_EQ(BlockText(*ParseAddressBlock("2001:db8::1")), "2001:db8::1");
  for (const char* bad : {"", "/24", "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/2x", "::/129", "a",
                          "fe80::1%lo", "192.0.2.0/0024"}) {
    EXPECT_FALSE(ParseAddressBlock(bad).has_value()) << bad;
  }
  EXPECT_TRUE(ParseAddressBlock("::/0")->Contains(asio::ip::make_address("ffff::1")));
  EXPECT_FALSE(ParseAddressBlock("0.0.0.0/0")->Contains(asio::ip::make_address("::1")));
}

}  // namespace
}  // namespace wavepost
