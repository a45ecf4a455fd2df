// CaresResolver: TXT, TLSA and host lookups, and what is authentic.
#include <gtest/gtest.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/dns/cares_resolver.h"
#include "common/dns/cares_resolver_fixture.h"

namespace wavepost {
namespace {

using CaresRecordsTest = CaresResolverTest;

TEST_F(CaresRecordsTest, Txt) {
  const std::string long_text = std::string(300, 'a') + "; end";
  server_.AddTxt("_mta-sts.example.test", "v=STSv1; id=1;");
  server_.AddTxt("_mta-sts.example.test", long_text);
  server_.AddCname("_mta-sts.alias.test", "_mta-sts.example.test");
  server_.AddA("bare.test", "192.0.2.1");
  server_.Fail("dead.test", 2);
  Start({.timeout = absl::Milliseconds(50), .tries = 1});
  const std::vector<std::string> want = {"v=STSv1; id=1;", long_text};
  for (const char* name : {"_mta-sts.example.test", "_MTA-STS.Example.Test.", "_mta-sts.alias.test"}) {
    const absl::StatusOr<TxtAnswer> answer = Txt(name);
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->texts, want) << name;
    EXPECT_FALSE(answer->authentic);
  }
  EXPECT_EQ(server_.queries("_mta-sts.example.test", 16), 1) << "cached";
  for (const char* name : {"nowhere.test", "bare.test"}) {
    const absl::StatusOr<TxtAnswer> answer = Txt(name);
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_TRUE(answer->texts.empty()) << name;
  }
  EXPECT_EQ(Txt("dead.test").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Txt("a b.test").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(CaresRecordsTest, TxtKeepsToTheTtl) {
  server_.AddTxt("txt.test", "one", /*ttl=*/30);
  Start();
  ASSERT_TRUE(Txt("txt.test").ok());
  server_.AddTxt("txt.test", "two", /*ttl=*/30);
  clock_.Advance(absl::Seconds(29));
  EXPECT_EQ(Txt("txt.test")->texts.size(), 1u);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Txt("txt.test")->texts.size(), 2u);
}

TEST_F(CaresRecordsTest, ManyTxtGoOverTcp) {
  for (int i = 0; i < 40; ++i) server_.AddTxt("big.test", std::string(1000, 'x'));
  server_.TruncateUdp("big.test");
  Start();
  EXPECT_EQ(Txt("big.test")->texts.size(), kTxtRecordsMax);
  EXPECT_EQ(server_.tcp_queries(), 1);
}

TEST_F(CaresRecordsTest, Tlsa) {
  server_.AddTlsa("_25._tcp.mx.test", 3, 1, 1, std::string("\xc0\xff\0\xee", 4));
  server_.AddTlsa("_25._tcp.mx.test", 2, 0, 2, "x");
  server_.AddCname("_25._tcp.alias.test", "_25._tcp.mx.test");
  server_.SetAuthentic("_25._tcp.mx.test");
  server_.SetAuthentic("_25._tcp.absent.test");
  server_.Fail("_25._tcp.bogus.test", 2);
  Start({.timeout = absl::Milliseconds(50), .tries = 1});
  const std::vector<TlsaRecord> want = {{3, 1, 1, std::string("\xc0\xff\0\xee", 4)}, {2, 0, 2, "x"}};
  const absl::StatusOr<TlsaAnswer> answer = Tlsa("_25._tcp.mx.test");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->records, want);
  EXPECT_TRUE(answer->authentic);
  const absl::StatusOr<TlsaAnswer> alias = Tlsa("_25._tcp.alias.test");
  ASSERT_TRUE(alias.ok());
  EXPECT_EQ(alias->records, want);
  EXPECT_FALSE(alias->authentic) << "the alias is in an unsigned zone";
  EXPECT_TRUE(Tlsa("_25._tcp.absent.test")->records.empty());
  EXPECT_TRUE(Tlsa("_25._tcp.absent.test")->authentic) << "proved absent";
  EXPECT_FALSE(Tlsa("_25._tcp.unsigned.test")->authentic);
  EXPECT_EQ(Tlsa("_25._tcp.bogus.test").status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(CaresRecordsTest, CnameIsTheNamesOwn) {
  server_.AddCname("alias.test", "Middle.test");
  server_.AddCname("middle.test", "end.test");
  server_.AddCname("dangling.test", "gone.test");
  server_.AddCname("lame.test", "dead.test");
  server_.AddTxt("end.test", "x");
  server_.Fail("dead.test", 2);
  Start({.timeout = absl::Milliseconds(50), .tries = 1});
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(Cname("Alias.test.").value(), "middle.test");
    EXPECT_EQ(Cname("middle.test").value(), "end.test");
    EXPECT_EQ(Cname("dangling.test").value(), "gone.test") << "whether or not it exists";
    EXPECT_EQ(Cname("lame.test").value(), "dead.test");
    EXPECT_EQ(Cname("end.test").value(), "");
    EXPECT_EQ(Cname("nowhere.test").value(), "");
  }
  EXPECT_EQ(server_.queries("alias.test", 5), 1) << "cached";
  EXPECT_EQ(Cname("dead.test").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Cname("a b.test").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(CaresRecordsTest, Ptr) {
  server_.AddPtr("1.2.0.192.in-addr.arpa", "Mail.test");
  server_.AddPtr("1.2.0.192.in-addr.arpa", "mail2.test");
  server_.AddPtr("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "six.test");
  server_.AddCname("2.2.0.192.in-addr.arpa", "2.lent.test");  // RFC 2317
  server_.AddPtr("2.lent.test", "lent.test");
  server_.Fail("9.2.0.192.in-addr.arpa", 2);
  Start({.timeout = absl::Milliseconds(50), .tries = 1});
  EXPECT_EQ(Ptr("192.0.2.1").value(), (std::vector<std::string>{"mail.test", "mail2.test"}));
  EXPECT_EQ(Ptr("::ffff:192.0.2.1").value().size(), 2u);
  EXPECT_EQ(Ptr("2001:db8::1").value(), std::vector<std::string>{"six.test"});
  EXPECT_EQ(Ptr("192.0.2.2").value(), std::vector<std::string>{"lent.test"});
  EXPECT_TRUE(Ptr("192.0.2.3").value().empty());
  EXPECT_EQ(Ptr("192.0.2.9").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(server_.queries("1.2.0.192.in-addr.arpa", 12), 1) << "cached";
}

TEST_F(CaresRecordsTest, MxRecordsAsTheyStand) {
  server_.AddMx("example.test", 20, "192.0.2.1");
  server_.AddMx("example.test", 10, "gone.test");
  server_.AddMx("null.test", 0, "");
  for (int i = 0; i < 40; ++i) server_.AddMx("many.test", 1, "mx.test");
  server_.Fail("dead.test", 2);
  Start({.timeout = absl::Milliseconds(50), .tries = 1});
  EXPECT_EQ(MxRecords("example.test").value(), (std::vector<MxRecord>{{20, "192.0.2.1"}, {10, "gone.test"}}));
  EXPECT_EQ(MxRecords("null.test").value(), (std::vector<MxRecord>{{0, ""}}));
  EXPECT_EQ(MxRecords("many.test").value().size(), kMxHostsMax);
  EXPECT_TRUE(MxRecords("nowhere.test").value().empty());
  EXPECT_EQ(MxRecords("dead.test").status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(CaresRecordsTest, HostAddresses) {
  server_.AddA("host.test", "192.0.2.1");
  server_.AddAaaa("host.test", "2001:db8::1");
  server_.AddMx("host.test", 10, "elsewhere.test");
  server_.AddCname("alias.test", "host.test");
  server_.AddEmpty("empty.test");
  Start();
  const absl::StatusOr<HostAddresses> host = Host("Host.test.");
  ASSERT_TRUE(host.ok()) << host.status();
  ASSERT_EQ(host->addresses.size(), 2u);
  EXPECT_EQ(host->addresses[0].to_string(), "2001:db8::1");
  EXPECT_EQ(host->canonical, "");
  EXPECT_EQ(Host("alias.test")->canonical, "host.test");
  EXPECT_EQ(Host("empty.test").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Host("nowhere.test").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Host("[192.0.2.1]").status().code(), absl::StatusCode::kInvalidArgument);
}

// A host is authentic if its MX RRset and all its addresses are.
TEST_F(CaresRecordsTest, AuthenticHosts) {
  server_.AddMx("signed.test", 10, "mx.signed.test");
  server_.AddMx("signed.test", 20, "mx.unsigned.test");
  server_.AddMx("signed.test", 30, "alias.signed.test");
  server_.AddMx("signed.test", 40, "alias.unsigned.test");
  server_.AddMx("unsigned.test", 10, "mx.signed.test");
  for (const char* host : {"mx.signed.test", "mx.unsigned.test"}) server_.AddA(host, "192.0.2.1");
  server_.AddCname("alias.signed.test", "mx.signed.test");
  server_.AddCname("alias.unsigned.test", "mx.signed.test");
  server_.AddA("implicit.signed.test", "192.0.2.1");
  for (const char* name : {"signed.test", "mx.signed.test", "alias.signed.test", "implicit.signed.test"}) {
    server_.SetAuthentic(name);
  }
  Start();
  for (int round = 0; round < 2; ++round) {  // the second from the cache
    const Result hosts = Resolve("signed.test");
    ASSERT_TRUE(hosts.ok());
    ASSERT_EQ(hosts->size(), 4u);
    EXPECT_TRUE((*hosts)[0].authentic);
    EXPECT_FALSE((*hosts)[1].authentic) << "address not signed";
    EXPECT_TRUE((*hosts)[2].authentic);
    EXPECT_EQ((*hosts)[2].canonical, "mx.signed.test");
    EXPECT_FALSE((*hosts)[3].authentic) << "alias not signed";
    EXPECT_FALSE(Resolve("unsigned.test")->front().authentic) << "MX not signed";
    EXPECT_TRUE(Resolve("implicit.signed.test")->front().authentic);
  }
}

TEST_F(CaresRecordsTest, HalfSignedAddressesAreNotAuthentic) {
  server_.AddMx("signed.test", 10, "mx.test");
  server_.SetAuthentic("signed.test");
  server_.AddA("mx.test", "192.0.2.1");
  Start();
  EXPECT_FALSE(Resolve("signed.test")->front().authentic);
}

TEST_F(CaresRecordsTest, UntrustedServersAreNotBelieved) {
  server_.AddMx("signed.test", 10, "mx.test");
  server_.AddA("mx.test", "192.0.2.1");
  for (const char* name : {"signed.test", "mx.test", "_25._tcp.mx.test"}) server_.SetAuthentic(name);
  server_.AlwaysSetAd();
  Start({.trust_ad = false});
  EXPECT_FALSE(Resolve("signed.test")->front().authentic);
  EXPECT_FALSE(Tlsa("_25._tcp.mx.test")->authentic);
}

TEST_F(CaresRecordsTest, ByDefaultOnlyThisHostIsTrusted) {
  server_.AddTxt("signed.test", "x");
  server_.SetAuthentic("signed.test");
  Start();
  EXPECT_TRUE(Txt("signed.test")->authentic);
  Stop();
  // One server elsewhere (it is never reached: the first answers) takes the trust from all.
  Start({.servers = {server_.address(), "192.0.2.53"}});
  EXPECT_FALSE(Txt("signed.test")->authentic);
  Stop();
  Start({.servers = {server_.address(), "192.0.2.53"}, .trust_ad = true});
  EXPECT_TRUE(Txt("signed.test")->authentic);
}

TEST_F(CaresRecordsTest, ServersWithoutEdnsAreServedWithout) {
  server_.AddTxt("old.test", "x");
  server_.AddTxt("older.test", "y");
  server_.RefuseEdns();
  Start();
  EXPECT_EQ(Txt("old.test")->texts, std::vector<std::string>{"x"});
  EXPECT_EQ(Txt("older.test")->texts, std::vector<std::string>{"y"}) << "also when it is known already";
}

TEST_F(CaresRecordsTest, StopCancelsOtherLookups) {
  server_.Silence("silent.test");
  Start({.timeout = absl::Seconds(20)});
  std::optional<absl::StatusOr<TxtAnswer>> txt;
  std::optional<absl::StatusOr<TlsaAnswer>> tlsa;
  std::optional<absl::StatusOr<HostAddresses>> host;
  const Deadline deadline = DeadlineAfter(absl::Seconds(30));
  asio::co_spawn(io_, Into(resolver_->ResolveTxt("silent.test", deadline), &txt), asio::detached);
  asio::co_spawn(io_, Into(resolver_->ResolveTlsa("silent.test", deadline), &tlsa), asio::detached);
  asio::co_spawn(io_, Into(resolver_->ResolveHost("silent.test", deadline), &host), asio::detached);
  RunUntil([&] { return server_.queries() >= 4; });
  Stop();
  ASSERT_TRUE(txt && tlsa && host);
  EXPECT_EQ(txt->status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(tlsa->status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(host->status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(Txt("other.test").status().code(), absl::StatusCode::kCancelled);
}

TEST_F(CaresRecordsTest, ConcurrentTlsaLookupsShareOneQuery) {
  server_.AddTlsa("_25._tcp.mx.test", 3, 1, 1, "x");
  Start();
  std::vector<std::optional<absl::StatusOr<TlsaAnswer>>> answers(50);
  for (auto& answer : answers) {
    asio::co_spawn(io_, Into(resolver_->ResolveTlsa("_25._tcp.mx.test", DeadlineAfter(absl::Seconds(30))), &answer),
                   asio::detached);
  }
  RunUntil([&] { return answers.back().has_value(); });
  for (const auto& answer : answers) EXPECT_EQ((*answer)->records.size(), 1u);
  EXPECT_EQ(server_.queries(), 1);
}

}  // namespace
}  // namespace wavepost
