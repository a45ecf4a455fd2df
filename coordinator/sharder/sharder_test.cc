#include "coordinator/sharder/sharder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/sharder/hash.h"

namespace wavepost {
namespace {

std::vector<PoolIp> Ips(int n) {
  std::vector<PoolIp> out;
  for (int i = 1; i <= n; ++i)
    out.push_back({.address = absl::StrCat("192.0.2.", i), .node = absl::StrCat("sender-", i % 3)});
  return out;
}

std::string AddressOf(int i) {
  return absl::StrCat("person", i, "@example.com");
}

const std::string& Assign(const Sharder& sharder, const std::string& domain, size_t k, const std::string& address) {
  return sharder.ips()[sharder.Choose(sharder.DomainSet(domain, k), address)].address;
}

struct SpreadRow {
  const char* name;
  int64_t volume;
  size_t ips;
  size_t want;
};

class SpreadTest : public testing::TestWithParam<SpreadRow> {};

TEST_P(SpreadTest, GrowsWithVolume) {
  EXPECT_EQ(SpreadOf(GetParam().volume, GetParam().ips), GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(Rows, SpreadTest,
                         testing::Values(SpreadRow{"Nothing", 0, 9, 1}, SpreadRow{"Negative", -5, 9, 1},
                                         SpreadRow{"OnePerson", 1, 9, 1}, SpreadRow{"Company300", 300, 9, 2},
                                         SpreadRow{"Exactly250", 250, 9, 1}, SpreadRow{"Exactly599", 599, 9, 2},
                                         SpreadRow{"Exactly600", 600, 9, 3}, SpreadRow{"Provider1000", 1000, 9, 7},
                                         SpreadRow{"Provider2000", 2000, 9, 9}, SpreadRow{"Gmail", 1'000'000, 100, 100},
                                         SpreadRow{"OneIp", 1'000'000, 1, 1},
                                         SpreadRow{"Huge", INT64_MAX - kDomainVolumePerIp, 5, 5}),
                         [](const auto& row) { return row.param.name; });

// Growing a domain by a little must not shrink its set, and neither must a new IP.
TEST(SharderTest, SetsAreNested) {
  const Sharder sharder(Ips(20));
  for (int d = 0; d < 200; ++d) {
    const std::string domain = absl::StrCat("domain", d, ".example");
    std::vector<uint32_t> before;
    for (size_t k = 1; k <= 20; ++k) {
      const std::vector<uint32_t> set = sharder.DomainSet(domain, k);
      ASSERT_EQ(set.size(), k);
      EXPECT_EQ(std::set<uint32_t>(set.begin(), set.end()).size(), k) << "an IP twice";
      EXPECT_TRUE(std::equal(before.begin(), before.end(), set.begin())) << domain << " k=" << k;
      before = set;
    }
  }
}

TEST(SharderTest, AddressStaysInItsDomainsSet) {
  const Sharder sharder(Ips(9));
  const std::vector<uint32_t> set = sharder.DomainSet("company.example", 2);
  std::set<uint32_t> used;
  for (int i = 0; i < 1000; ++i) used.insert(sharder.Choose(set, AddressOf(i)));
  EXPECT_EQ(used, std::set<uint32_t>(set.begin(), set.end()));
}

TEST(SharderTest, OrderOfThePoolDoesNotMatter) {
  std::vector<PoolIp> reversed = Ips(9);
  std::reverse(reversed.begin(), reversed.end());
  const Sharder a(Ips(9)), b(reversed);
  for (int i = 0; i < 500; ++i)
    EXPECT_EQ(Assign(a, "example.com", 9, AddressOf(i)), Assign(b, "example.com", 9, AddressOf(i)));
}

struct GrowthRow {
  const char* name;
  int n;
  size_t k;  // 0: all
};

class GrowthTest : public testing::TestWithParam<GrowthRow> {};

// One more IP takes its share, and only from there to it.
TEST_P(GrowthTest, OneMoreIpMovesItsShareAndOnlyToItself) {
  const auto [name, n, k] = GetParam();
  const Sharder before(Ips(n)), after(Ips(n + 1));
  const std::string added = absl::StrCat("192.0.2.", n + 1);
  constexpr int kTotal = 40000;
  int moved = 0;
  for (int i = 0; i < kTotal; ++i) {
    // With k = 1 the domain alone decides, so each address stands for a domain.
    const std::string domain = k == 1 ? absl::StrCat("d", i, ".example") : "gmail.com";
    const std::string& old_ip = Assign(before, domain, k == 0 ? n : k, AddressOf(i));
    const std::string& new_ip = Assign(after, domain, k == 0 ? n + 1 : k, AddressOf(i));
    if (old_ip == new_ip) continue;
    ++moved;
    ASSERT_EQ(new_ip, added);
  }
  const double want = 1.0 / (n + 1);
  EXPECT_NEAR(static_cast<double>(moved) / kTotal, want, 5 * std::sqrt(want / kTotal));
}

INSTANTIATE_TEST_SUITE_P(Rows, GrowthTest,
                         testing::Values(GrowthRow{"OneToTwo", 1, 0}, GrowthRow{"NineToTenAll", 9, 0},
                                         GrowthRow{"FiftyToFiftyOneAll", 50, 0}, GrowthRow{"NineToTenCompanies", 9, 1}),
                         [](const auto& row) { return row.param.name; });

// In between, only what sat on the IP that was pushed out may go to an old one.
TEST(SharderTest, MediumDomainsMoveOnlyToTheNewIpOrAwayFromThePushedOutOne) {
  constexpr int kN = 9;
  constexpr size_t kK = 4;
  const Sharder before(Ips(kN)), after(Ips(kN + 1));
  int64_t moved = 0, total = 0;
  for (int d = 0; d < 400; ++d) {
    const std::string domain = absl::StrCat("medium", d, ".example");
    std::set<std::string> kept;
    for (const uint32_t ip : after.DomainSet(domain, kK)) kept.insert(after.ips()[ip].address);
    for (int i = 0; i < 100; ++i, ++total) {
      const std::string& old_ip = Assign(before, domain, kK, AddressOf(i));
      const std::string& new_ip = Assign(after, domain, kK, AddressOf(i));
      if (old_ip == new_ip) continue;
      ++moved;
      EXPECT_TRUE(new_ip == "192.0.2.10" || !kept.contains(old_ip)) << domain << " " << old_ip << " -> " << new_ip;
    }
  }
  EXPECT_LT(static_cast<double>(moved) / static_cast<double>(total), 2.2 / (kN + 1));
}

TEST(SharderTest, SharesFollowWeights) {
  std::vector<PoolIp> ips = Ips(9);
  ips[0].weight = 3;  // a warm one
  ips[1].weight = 0.5;
  double sum = 0;
  for (const PoolIp& ip : ips) sum += ip.weight;
  const Sharder sharder(ips);
  constexpr int kTotal = 100000;
  for (const bool companies : {false, true}) {
    std::map<std::string, int> counts;
    for (int i = 0; i < kTotal; ++i) {
      ++counts[Assign(sharder, companies ? absl::StrCat("c", i, ".example") : "gmail.com", companies ? 1 : 9,
                      AddressOf(i))];
    }
    for (const PoolIp& ip : ips) {
      const double want = kTotal * ip.weight / sum;
      EXPECT_NEAR(counts[ip.address], want, 0.04 * want) << ip.address << " companies=" << companies;
    }
  }
}

TEST(SharderTest, WeightZeroTakesNothingAndOddWeightsDoNoHarm) {
  std::vector<PoolIp> ips = Ips(3);
  ips[0].weight = 0;
  ips[1].weight = std::nan("");
  const Sharder sharder(ips);
  for (int i = 0; i < 5000; ++i) EXPECT_EQ(Assign(sharder, "gmail.com", 3, AddressOf(i)), "192.0.2.3");
  ips.resize(1);
  EXPECT_EQ(Assign(Sharder(ips), "gmail.com", 1, "a@gmail.com"), "192.0.2.1");
}

// If one of these changes, running installations move their recipients to other IPs.
TEST(SharderTest, GoldenValues) {
  EXPECT_EQ(HashText(""), 0xefd01f60ba992926ULL);
  EXPECT_EQ(HashText("a"), 0x82a2a958a9bece5bULL);
  const Sharder sharder(Ips(9));
  std::vector<std::string> got;
  for (const auto& [domain, k, address] :
       std::vector<std::tuple<std::string, size_t, std::string>>{{"gmail.com", 9, "jane@gmail.com"},
                                                                 {"gmail.com", 9, "john@gmail.com"},
                                                                 {"gmx.de", 4, "erika@gmx.de"},
                                                                 {"company.example", 2, "a@company.example"},
                                                                 {"company.example", 1, "b@company.example"},
                                                                 {"xn--mnchen-3ya.de", 1, "info@xn--mnchen-3ya.de"}}) {
    got.push_back(Assign(sharder, domain, k, address));
  }
  // Computed by an independent program from the description in hash.h and sharder.h.
  EXPECT_THAT(got, testing::ElementsAre("192.0.2.8", "192.0.2.4", "192.0.2.4", "192.0.2.8", "192.0.2.8", "192.0.2.2"));
}

}  // namespace
}  // namespace wavepost
