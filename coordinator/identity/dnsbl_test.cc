#include "coordinator/identity/dnsbl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <filesystem>
#include <fstream>

#include "common/dns/names.h"
#include "common/dns/zone_resolver.h"
#include "coordinator/identity/dnsbl_lookup.h"

namespace wavepost {
namespace {

using asio::ip::make_address;
using ::testing::HasSubstr;

TEST(DnsblNameTest, Rfc5782) {
  EXPECT_EQ(DnsblName(make_address("192.0.2.99"), "bl.example"), "99.2.0.192.bl.example");
  EXPECT_EQ(DnsblName(make_address("2001:db8:1:2:3:4:567:89ab"), "ugly.example"),
            "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ugly.example");
  EXPECT_EQ(DnsblName(make_address("::ffff:127.0.0.2"), "x.example"),
            "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.x.example");
}

struct AnswerRow {
  std::string name;
  std::vector<std::string> addresses;
  DnsblVerdict verdict;
};
class DnsblAnswerTable : public ::testing::TestWithParam<AnswerRow> {};

TEST_P(DnsblAnswerTable, Reads) {
  const DnsblZone zone{.zone = "bl.example", .refusals = {"127.0.0.99"}};
  std::vector<asio::ip::address> addresses;
  for (const std::string& text : GetParam().addresses) addresses.push_back(make_address(text));
  EXPECT_EQ(ReadDnsblAnswer(zone, addresses).verdict, GetParam().verdict);
}

const AnswerRow kAnswers[] = {
    {"NoName", {}, DnsblVerdict::kClean},
    {"Two", {"127.0.0.2"}, DnsblVerdict::kListed},
    {"Several", {"127.0.0.4", "127.0.0.11"}, DnsblVerdict::kListed},
    {"OtherRange", {"127.1.2.3"}, DnsblVerdict::kListed},
    {"PublicResolver", {"127.255.255.254"}, DnsblVerdict::kNoAnswer},
    {"TooManyQueries", {"127.255.255.255"}, DnsblVerdict::kNoAnswer},
    {"TypingMistake", {"127.255.255.252"}, DnsblVerdict::kNoAnswer},
    {"JustBelowRefusals", {"127.255.254.255"}, DnsblVerdict::kListed},
    {"LoopbackItself", {"127.0.0.1"}, DnsblVerdict::kNoAnswer},
    {"ZonesOwnRefusal", {"127.0.0.99"}, DnsblVerdict::kNoAnswer},
    {"RefusalBesideCode", {"127.0.0.2", "127.255.255.254"}, DnsblVerdict::kNoAnswer},
    {"ZoneWasSold", {"203.0.113.7"}, DnsblVerdict::kNoAnswer},
    {"Six", {"::1"}, DnsblVerdict::kNoAnswer},
};
INSTANTIATE_TEST_SUITE_P(Rfc5782, DnsblAnswerTable, ::testing::ValuesIn(kAnswers),
                         [](const auto& row) { return row.param.name; });

TEST(DnsblListingTest, SaysWhereToGo) {
  const DnsblZone zone{.zone = "bl.example", .removal_url = "https://bl.example/x", .note = "It forgets in a day."};
  const v1::Listing listing = ListedAs(zone, "192.0.2.1", {DnsblVerdict::kListed, "127.0.0.2"}, "see\x1b[0m\nmore");
  EXPECT_EQ(listing.answer().substr(0, 14), "127.0.0.2 (see");
  EXPECT_EQ(listing.answer().find_first_of("\x1b\n"), std::string::npos);
  EXPECT_THAT(listing.advice(), HasSubstr("192.0.2.1 is listed by bl.example"));
  EXPECT_THAT(listing.advice(), HasSubstr("https://bl.example/x"));
  EXPECT_THAT(listing.advice(), HasSubstr("It forgets in a day."));
  EXPECT_LT(ListedAs(zone, "192.0.2.1", {}, std::string(5000, 'x')).answer().size(), 300u);
}

template <class T>
T RunNow(Awaitable<T> work) {
  asio::io_context io;
  std::optional<T> out;
  asio::co_spawn(io, std::move(work), [&](std::exception_ptr, T got) { out.emplace(std::move(got)); });
  io.run();
  return *std::move(out);
}

struct ZoneRow {
  std::string name;
  std::string records;
  bool test_entries;
  std::string why;  // part; empty: good
};
class DnsblZoneTable : public ::testing::TestWithParam<ZoneRow> {};

TEST_P(DnsblZoneTable, TellsGoodFromDead) {
  auto resolver = ZoneResolver::Parse(GetParam().records);
  ASSERT_TRUE(resolver.ok()) << resolver.status();
  const DnsblZone zone{.zone = "bl.example", .ipv6 = true, .test_entries = GetParam().test_entries};
  const auto why = RunNow(CheckDnsblZone(resolver->get(), zone, true, DeadlineAfter(absl::Seconds(5))));
  ASSERT_TRUE(why.ok());
  if (GetParam().why.empty()) {
    EXPECT_EQ(*why, "");
  } else {
    EXPECT_THAT(*why, HasSubstr(GetParam().why));
  }
}

const std::string kNever6 = DnsblName(make_address("::ffff:127.0.0.1"), "bl.example");
const ZoneRow kZones[] = {
    {"Good", "2.0.0.127.bl.example A 127.0.0.2", true, ""},
    {"Dead", "", true, "dead or refuses"},
    {"PromisesNoEntries", "", false, ""},
    {"Refuses", "2.0.0.127.bl.example A 127.255.255.254", true, "127.255.255.254"},
    {"RefusesWithoutEntries", "2.0.0.127.bl.example A 127.255.255.254", false, "127.255.255.254"},
    {"Sold", "2.0.0.127.bl.example A 203.0.113.1\n1.0.0.127.bl.example A 203.0.113.1", true, "203.0.113.1"},
    {"ListsAll", "2.0.0.127.bl.example A 127.0.0.2\n1.0.0.127.bl.example A 127.0.0.2", true, "lists everything"},
    {"ListsAllSix", "2.0.0.127.bl.example A 127.0.0.2\n" + kNever6 + " A 127.0.0.2", true, "lists everything"},
    {"Silent", "2.0.0.127.bl.example SERVFAIL", true, "no answer"},
    {"SilentLater", "2.0.0.127.bl.example A 127.0.0.2\n1.0.0.127.bl.example SERVFAIL", true, "no answer"},
};
INSTANTIATE_TEST_SUITE_P(Rfc5782Section5, DnsblZoneTable, ::testing::ValuesIn(kZones),
                         [](const auto& row) { return row.param.name; });

TEST(DnsblLookupTest, ListedCleanAndSilent) {
  auto resolver = ZoneResolver::Parse(
      "1.2.0.192.bl.example A 127.0.0.4\n1.2.0.192.bl.example TXT \"spam trap\"\n"
      "2.2.0.192.bl.example SERVFAIL\n3.2.0.192.bl.example A 127.255.255.255\n4.2.0.192.bl.example A 127.0.0.2\n");
  ASSERT_TRUE(resolver.ok());
  const DnsblZone zone{.zone = "bl.example"};
  const auto look = [&](const char* address) {
    auto listing = RunNow(LookUpDnsbl(resolver->get(), zone, make_address(address), DeadlineAfter(absl::Seconds(5))));
    EXPECT_TRUE(listing.ok());
    return *listing;
  };
  EXPECT_EQ(look("192.0.2.1").state(), v1::Listing::LISTED);
  EXPECT_EQ(look("192.0.2.1").answer(), "127.0.0.4 (spam trap)");
  EXPECT_EQ(look("192.0.2.2").state(), v1::Listing::NO_ANSWER);
  EXPECT_EQ(look("192.0.2.3").state(), v1::Listing::NO_ANSWER);
  EXPECT_EQ(look("192.0.2.4").answer(), "127.0.0.2");
  EXPECT_EQ(look("192.0.2.5").state(), v1::Listing::STATE_UNSPECIFIED);
}

TEST(DnsblZonesTest, BuiltInAreSound) {
  EXPECT_GE(BuiltInDnsblZones().size(), 5u);
  for (const DnsblZone& zone : BuiltInDnsblZones()) {
    EXPECT_EQ(NormalizeHostName(zone.zone), zone.zone);
    EXPECT_EQ(zone.removal_url.rfind("https://", 0), 0u) << zone.zone;
  }
}

class DnsblFile {
 public:
  explicit DnsblFile(const std::string& text) : path_(::testing::TempDir() + "/dnsbl_zones.yaml") {
    std::ofstream(path_) << text;
  }
  ~DnsblFile() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

TEST(DnsblZonesTest, FileReplacesThem) {
  const DnsblFile file(
      "zones:\n  - zone: BL.example.org\n    removal_url: https://bl.example.org/\n    refusals: [127.0.0.255]\n"
      "    ipv6: true\n    test_entries: false\n    note: Slow.\n  - zone: other.example\n");
  const auto zones = LoadDnsblZones(file.path());
  ASSERT_TRUE(zones.ok()) << zones.status();
  ASSERT_EQ(zones->size(), 2u);
  EXPECT_EQ(zones->at(0).zone, "bl.example.org");
  EXPECT_EQ(zones->at(0).refusals, std::vector<std::string>{"127.0.0.255"});
  EXPECT_TRUE(zones->at(0).ipv6);
  EXPECT_FALSE(zones->at(0).test_entries);
  EXPECT_TRUE(zones->at(1).test_entries);
  EXPECT_TRUE(LoadDnsblZones(DnsblFile("zones: []\n").path())->empty());
  EXPECT_TRUE(absl::IsNotFound(LoadDnsblZones("/nonexistent/zones.yaml").status()));
}

TEST(DnsblZonesTest, FileWithMistakes) {
  for (const auto& [text, what] : std::vector<std::pair<std::string, std::string>>{
           {"zones:\n  - zone: bl example\n", ":2: "},
           {"zones:\n  - zone: bl\n", "domain name"},
           {"zones:\n  - removal_url: https://x.example/\n", "zone"},
           {"zones:\n  - zone: a.example\n  - zone: A.example.\n", ":3: "},
           {"zones:\n  - zone: a.example\n    removal_url: javascript:x\n", "web address"},
           {"zones:\n  - zone: a.example\n    refusals: [nope]\n", "no IPv4 address"},
           {"zones:\n  - zone: a.example\n    ipv4: true\n", "ipv4"},
           {"zone:\n  - zone: a.example\n", "zones"},
           {"", "zones"}}) {
    const auto zones = LoadDnsblZones(DnsblFile(text).path());
    ASSERT_TRUE(absl::IsInvalidArgument(zones.status())) << text << zones.status();
    EXPECT_THAT(std::string(zones.status().message()), HasSubstr(what)) << text;
  }
  std::string many = "zones:\n";
  for (int i = 0; i < 101; ++i) many += "  - zone: z" + std::to_string(i) + ".example\n";
  EXPECT_TRUE(absl::IsInvalidArgument(LoadDnsblZones(DnsblFile(many).path()).status()));
}

}  // namespace
}  // namespace wavepost
