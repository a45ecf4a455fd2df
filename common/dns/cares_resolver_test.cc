#include "common/dns/cares_resolver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/dns/cares_resolver_fixture.h"

namespace wavepost {
namespace {

TEST_F(CaresResolverTest, FindsHostsByPreferenceWithBothFamilies) {
  server_.AddMx("example.test", 20, "mx2.example.test");
  server_.AddMx("example.test", 10, "MX1.example.test");
  server_.AddA("mx1.example.test", "192.0.2.1");
  server_.AddA("mx1.example.test", "192.0.2.2");
  server_.AddAaaa("mx1.example.test", "2001:db8::1");
  server_.AddA("mx2.example.test", "192.0.2.3");
  Start();
  EXPECT_EQ(Describe(Resolve("Example.TEST.")),
            "10 mx1.example.test 2001:db8::1,192.0.2.1,192.0.2.2; 20 mx2.example.test 192.0.2.3");
}

TEST_F(CaresResolverTest, AsksForTheWantedFamilyOnly) {
  server_.AddMx("example.test", 10, "mx.example.test");
  server_.AddA("mx.example.test", "192.0.2.1");
  server_.AddAaaa("mx.example.test", "2001:db8::1");
  Start({.ipv6 = false});
  EXPECT_EQ(Describe(Resolve("example.test")), "10 mx.example.test 192.0.2.1");
  EXPECT_EQ(server_.queries("mx.example.test", kAaaa), 0);
}

TEST_F(CaresResolverTest, ShufflesEqualPreferencesOnly) {
  server_.AddMx("example.test", 5, "first.test");
  for (const char* host : {"a.test", "b.test", "c.test"}) server_.AddMx("example.test", 10, host);
  for (const char* host : {"first.test", "a.test", "b.test", "c.test"}) server_.AddA(host, "192.0.2.1");
  Start();
  std::set<std::string> orders;
  for (int i = 0; i < 200; ++i) {
    const Result hosts = Resolve("example.test");
    ASSERT_TRUE(hosts.ok());
    EXPECT_EQ(hosts->front().name, "first.test");
    orders.insert(Describe(hosts));
  }
  EXPECT_EQ(orders.size(), 6u) << "all orders of three";
  EXPECT_EQ(server_.queries("example.test", kMx), 1) << "cached answers are shuffled as well";
}

// What each state of the DNS means to the sender.
TEST_F(CaresResolverTest, Table) {
  server_.AddEmpty("empty.test");
  server_.AddA("implicit.test", "192.0.2.7");
  server_.AddMx("null.test", 0, ".");
  server_.AddMx("half-null.test", 0, ".");
  server_.AddMx("half-null.test", 10, "mx.test");
  server_.AddA("mx.test", "192.0.2.1");
  server_.AddMx("dangling.test", 10, "gone.test");
  server_.AddMx("one-dangling.test", 5, "gone.test");
  server_.AddMx("one-dangling.test", 10, "mx.test");
  server_.AddMx("empty-target.test", 10, "empty.test");
  server_.Fail("servfail.test", 2);
  server_.AddA("servfail.test", "192.0.2.9");
  server_.Fail("refused.test", 5);
  server_.AddMx("dead-target.test", 10, "servfail.test");
  server_.AddMx("one-dead-target.test", 5, "servfail.test");
  server_.AddMx("one-dead-target.test", 10, "mx.test");
  server_.AddCname("alias.test", "one-dangling.test");
  server_.AddCname("alias-nowhere.test", "gone.test");
  server_.AddMx("alias-target.test", 10, "alias-host.test");
  server_.AddCname("alias-host.test", "mx.test");
  server_.AddMx("bad-target.test", 10,
                "b\x01"
                "d.test");
  server_.AddMx("twice.test", 10, "mx.test");
  server_.AddMx("twice.test", 20, "mx.test");
  Start({.timeout = absl::Milliseconds(50), .tries = 1});
  EXPECT_EQ(Describe(Resolve("servfail.test")), "UNAVAILABLE");
  EXPECT_EQ(server_.queries("servfail.test", kA), 0) << "a failed MX query is no reason to take the address";
  const std::pair<const char*, const char*> rows[] = {
      {"nowhere.test", "NOT_FOUND"},
      {"empty.test", "NOT_FOUND"},
      {"implicit.test", "0 implicit.test 192.0.2.7"},
      {"null.test", "FAILED_PRECONDITION"},
      {"half-null.test", "10 mx.test 192.0.2.1"},
      {"dangling.test", "UNAVAILABLE"},
      {"one-dangling.test", "10 mx.test 192.0.2.1"},
      {"empty-target.test", "UNAVAILABLE"},
      {"refused.test", "UNAVAILABLE"},
      {"dead-target.test", "UNAVAILABLE"},
      {"one-dead-target.test", "10 mx.test 192.0.2.1"},
      {"alias.test", "10 mx.test 192.0.2.1"},
      {"alias-target.test", "10 alias-host.test 192.0.2.1"},
      {"bad-target.test", "NOT_FOUND"},
      {"twice.test", "10 mx.test 192.0.2.1; 20 mx.test 192.0.2.1"},
      {"", "INVALID_ARGUMENT"},
      {".", "INVALID_ARGUMENT"},
      {"a..test", "INVALID_ARGUMENT"},
      {"a b.test", "INVALID_ARGUMENT"},
      {"\xc3\xa4.test", "INVALID_ARGUMENT"},
      {"[192.0.2.1]", "INVALID_ARGUMENT"},
  };
  for (const auto& [domain, want] : rows) EXPECT_EQ(Describe(Resolve(domain)), want) << domain;
}

TEST_F(CaresResolverTest, KeepsToTheTtl) {
  server_.AddMx("example.test", 10, "mx.test", /*ttl=*/600);
  server_.AddA("mx.test", "192.0.2.1", /*ttl=*/120);
  Start({.ipv6 = false});
  ASSERT_TRUE(Resolve("example.test").ok());
  clock_.Advance(absl::Seconds(119));
  ASSERT_TRUE(Resolve("example.test").ok());
  EXPECT_EQ(server_.queries(), 2);
  EXPECT_EQ(resolver_->stats().cache_hits, 1u);
  clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(Resolve("example.test").ok());
  EXPECT_EQ(server_.queries(), 4) << "the address was over, and with it the domain";
}

TEST_F(CaresResolverTest, CapsTheTtl) {
  server_.AddMx("example.test", 10, "mx.test", /*ttl=*/1'000'000);
  server_.AddA("mx.test", "192.0.2.1", /*ttl=*/0xffffffff);
  server_.AddMx("zero.test", 10, "mx.test", /*ttl=*/0);
  Start({.cache_ttl_max = absl::Minutes(10), .ipv6 = false});
  ASSERT_TRUE(Resolve("zero.test").ok());
  ASSERT_TRUE(Resolve("zero.test").ok());
  EXPECT_EQ(server_.queries("zero.test", kMx), 2) << "a TTL of 0 is not kept";
  server_.AddA("mx2.test", "192.0.2.1", /*ttl=*/1'000'000);
  server_.AddMx("long.test", 10, "mx2.test", /*ttl=*/1'000'000);
  ASSERT_TRUE(Resolve("long.test").ok());
  clock_.Advance(absl::Minutes(10) - absl::Seconds(1));
  ASSERT_TRUE(Resolve("long.test").ok());
  EXPECT_EQ(server_.queries("long.test", kMx), 1);
  clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(Resolve("long.test").ok());
  EXPECT_EQ(server_.queries("long.test", kMx), 2);
}

TEST_F(CaresResolverTest, RemembersAbsenceAsLongAsTheSoaAllows) {
  server_.SetSoa(/*ttl=*/600, /*minimum=*/20);
  Start({.negative_ttl = absl::Seconds(60)});
  EXPECT_EQ(Describe(Resolve("nowhere.test")), "NOT_FOUND");
  clock_.Advance(absl::Seconds(19));
  EXPECT_EQ(Describe(Resolve("nowhere.test")), "NOT_FOUND");
  EXPECT_EQ(server_.queries("nowhere.test", kMx), 1);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Describe(Resolve("nowhere.test")), "NOT_FOUND");
  EXPECT_EQ(server_.queries("nowhere.test", kMx), 2);
  server_.SetSoa(/*ttl=*/100'000, /*minimum=*/100'000);
  EXPECT_EQ(Describe(Resolve("other.test")), "NOT_FOUND");
  clock_.Advance(absl::Seconds(60));
  EXPECT_EQ(Describe(Resolve("other.test")), "NOT_FOUND");
  EXPECT_EQ(server_.queries("other.test", kMx), 2) << "negative_ttl caps";
}

TEST_F(CaresResolverTest, RemembersFailureShortly) {
  server_.Fail("dead.test", 2);
  Start({.timeout = absl::Milliseconds(50), .tries = 1, .failure_ttl = absl::Seconds(5)});
  EXPECT_EQ(Describe(Resolve("dead.test")), "UNAVAILABLE");
  const int first = server_.queries();
  EXPECT_EQ(Describe(Resolve("dead.test")), "UNAVAILABLE");
  EXPECT_EQ(server_.queries(), first);
  clock_.Advance(absl::Seconds(5));
  EXPECT_EQ(Describe(Resolve("dead.test")), "UNAVAILABLE");
  EXPECT_GT(server_.queries(), first);
}

TEST_F(CaresResolverTest, AsksAgainOverTcpWhenTruncated) {
  for (int i = 0; i < 40; ++i) {
    const std::string host = absl::StrCat("host-with-a-long-name-number-", i, ".example.test");
    server_.AddMx("many.test", static_cast<uint16_t>(i), host);
    server_.AddA(host, "192.0.2.1");
  }
  server_.TruncateUdp("many.test");
  Start();
  const Result hosts = Resolve("many.test");
  ASSERT_TRUE(hosts.ok()) << hosts.status();
  EXPECT_EQ(hosts->size(), kMxHostsMax);
  EXPECT_EQ(hosts->front().preference, 0);
  EXPECT_EQ(hosts->back().preference, static_cast<int>(kMxHostsMax) - 1) << "the least preferred go";
  EXPECT_EQ(server_.tcp_queries(), 1);
}

TEST_F(CaresResolverTest, BoundsAddresses) {
  server_.AddMx("example.test", 10, "wide.test");
  for (int i = 1; i <= 30; ++i) server_.AddA("wide.test", absl::StrCat("192.0.2.", i));
  Start();
  const Result hosts = Resolve("example.test");
  ASSERT_TRUE(hosts.ok());
  EXPECT_EQ(hosts->front().addresses.size(), kAddressesPerHostMax);
}

TEST_F(CaresResolverTest, SilenceEndsAtTheTimeout) {
  server_.Silence("silent.test");
  Start({.timeout = absl::Milliseconds(20), .tries = 2});
  EXPECT_EQ(Describe(Resolve("silent.test")), "UNAVAILABLE");
  EXPECT_EQ(server_.queries("silent.test", kMx), 2) << "tries";
}

TEST_F(CaresResolverTest, DeadlineIsHonouredAndTheLookupGoesOn) {
  server_.Silence("silent.test");
  Start({.timeout = absl::Seconds(20), .tries = 1});
  EXPECT_EQ(Describe(Resolve("silent.test", DeadlineAfter(absl::Milliseconds(10)))), "DEADLINE_EXCEEDED");
  EXPECT_EQ(Describe(Resolve("silent.test", DeadlineAfter(absl::Milliseconds(10)))), "DEADLINE_EXCEEDED");
  EXPECT_EQ(Describe(Resolve("silent.test", DeadlineAfter(-absl::Seconds(1)))), "DEADLINE_EXCEEDED");
  EXPECT_EQ(server_.queries("silent.test", kMx), 1);
  EXPECT_EQ(resolver_->stats().coalesced, 2u);
}

TEST_F(CaresResolverTest, ConcurrentLookupsShareOneQuery) {
  server_.AddMx("one.test", 10, "mx.test");
  server_.AddMx("two.test", 10, "mx.test");
  server_.AddA("mx.test", "192.0.2.1");
  Start();
  std::vector<std::optional<Result>> results(200);
  for (size_t i = 0; i < results.size(); ++i) Launch(i % 2 == 0 ? "one.test" : "TWO.test", &results[i]);
  RunUntil([&] {
    return std::all_of(results.begin(), results.end(), [](const auto& result) { return result.has_value(); });
  });
  for (const auto& result : results) EXPECT_EQ(Describe(*result), "10 mx.test 192.0.2.1");
  EXPECT_EQ(server_.queries("one.test", kMx), 1);
  EXPECT_EQ(server_.queries("two.test", kMx), 1);
  EXPECT_EQ(server_.queries("mx.test", kA), 1) << "hosts are shared between domains";
  EXPECT_EQ(server_.queries("mx.test", kAaaa), 1);
  EXPECT_EQ(resolver_->stats().coalesced, 198u);
}

TEST_F(CaresResolverTest, StopCancelsAndRefusesNewcomers) {
  server_.Silence("silent.test");
  server_.AddMx("target.test", 10, "silent.test");
  Start({.timeout = absl::Seconds(20)});
  std::optional<Result> first, second, third;
  Launch("silent.test", &first);
  Launch("silent.test", &second);
  Launch("target.test", &third);
  RunUntil([&] { return server_.queries("silent.test", kA) > 0; });  // the third waits for its host
  Stop();
  ASSERT_TRUE(first && second && third) << "Stop awaits them";
  EXPECT_EQ(Describe(*first), "CANCELLED");
  EXPECT_EQ(Describe(*second), "CANCELLED");
  EXPECT_EQ(Describe(*third), "CANCELLED");
  EXPECT_EQ(Describe(Resolve("silent.test")), "CANCELLED");
}

TEST_F(CaresResolverTest, BoundsLookupsAtOnce) {
  for (const char* name : {"a.test", "b.test", "c.test"}) server_.Silence(name);
  Start({.timeout = absl::Seconds(20), .lookups_max = 2});
  std::optional<Result> a, b;
  Launch("a.test", &a);
  Launch("b.test", &b);
  RunUntil([&] { return server_.queries() == 2; });
  EXPECT_EQ(Describe(Resolve("c.test")), "UNAVAILABLE");
  EXPECT_FALSE(a || b);
  Stop();  // a and b are written to until then
  EXPECT_TRUE(a && b);
}

// Answers that lie about themselves end as server failures, not as crashes or endless loops.
TEST_F(CaresResolverTest, HostileAnswers) {
  using std::string_literals::operator""s;
  const std::string header = "\x00\x0f\x00\x01\x00\x00\x01\x2c"s;  // MX IN 300
  const std::map<std::string, std::pair<uint16_t, std::string>> rows = {
      {"nothing.test", {5, ""}},
      {"garbage.test", {1, "\xff\xff\xff\xff"}},
      {"pointer-loop.test", {1, "\xc0\x1d" + header + "\x00\x04\x00\x0a\xc0\x1d"s}},
      {"pointer-out.test", {1, "\xc0\x0c" + header + "\x00\x04\x00\x0a\xff\xff"s}},
      {"long-rdata.test", {1, "\xc0\x0c" + header + "\xff\xff\x00\x0a"s}},
      {"short-mx.test", {1, "\xc0\x0c" + header + "\x00\x01\x00"s}},
      {"count-lies.test",
       {65535, "\xc0\x0c" + header +
                   "\x00\x04\x00\x0a\x01"
                   "a"s}},
  };
  for (const auto& [name, row] : rows) server_.AnswerRaw(name, row.first, row.second);
  Start({.timeout = absl::Milliseconds(50), .tries = 1});
  for (const auto& [name, row] : rows) {
    const Result result = Resolve(name);
    EXPECT_FALSE(result.ok()) << name;
  }
}

TEST_F(CaresResolverTest, RefusesBadOptions) {
  EXPECT_EQ(CaresResolver::Create(io_, clock_, {.servers = {"not an address"}}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CaresResolver::Create(io_, clock_, {.ipv4 = false, .ipv6 = false}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CaresResolver::Create(io_, clock_, {.tries = 0}).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace wavepost
