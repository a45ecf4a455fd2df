#include "common/dns/zone_resolver.h"

#include <gtest/gtest.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <optional>
#include <string>

namespace wavepost {
namespace {

using Result = absl::StatusOr<MxHosts>;

Awaitable<void> ResolveInto(Resolver* resolver, std::string domain, Deadline deadline, std::optional<Result>* out) {
  *out = co_await resolver->ResolveMx(domain, deadline);
}

Awaitable<void> StopNow(Resolver* resolver) {
  co_await resolver->Stop();
}

Result Resolve(Resolver* resolver, std::string domain, Deadline deadline = DeadlineAfter(absl::Milliseconds(1))) {
  asio::io_context io;
  std::optional<Result> result;
  asio::co_spawn(io, ResolveInto(resolver, std::move(domain), deadline, &result), asio::detached);
  io.run();
  return result.value_or(absl::InternalError("no result"));
}

constexpr char kZone[] = R"(
# comment
example.com     MX 20 mx2.example.com
example.com     MX 10 mx.example.com   ; the better one
mx.example.com  A 127.0.0.1
mx.example.com  AAAA ::1
MX2.example.com A 127.0.0.2
implicit.test   A 127.0.0.3
null.test       MX 0 .
dead.test       SERVFAIL
slow.test       TIMEOUT
dangling.test   MX 10 gone.test
alias.test      CNAME example.com
loop.test       CNAME loop.test
)";

TEST(ZoneResolver, Table) {
  auto resolver = ZoneResolver::Parse(kZone);
  ASSERT_TRUE(resolver.ok()) << resolver.status();
  const Result hosts = Resolve(resolver->get(), "Example.COM.");
  ASSERT_TRUE(hosts.ok());
  ASSERT_EQ(hosts->size(), 2u);
  EXPECT_EQ((*hosts)[0].name, "mx.example.com");
  EXPECT_EQ((*hosts)[0].addresses.size(), 2u);
  EXPECT_EQ((*hosts)[1].name, "mx2.example.com");
  EXPECT_EQ(Resolve(resolver->get(), "alias.test"), hosts);
  EXPECT_EQ(Resolve(resolver->get(), "implicit.test")->front().name, "implicit.test");
  const std::pair<const char*, absl::StatusCode> rows[] = {
      {"nowhere.test", absl::StatusCode::kNotFound},      {"null.test", absl::StatusCode::kFailedPrecondition},
      {"dead.test", absl::StatusCode::kUnavailable},      {"dangling.test", absl::StatusCode::kUnavailable},
      {"slow.test", absl::StatusCode::kDeadlineExceeded}, {"loop.test", absl::StatusCode::kNotFound},
      {"not a name", absl::StatusCode::kInvalidArgument},
  };
  for (const auto& [domain, code] : rows) EXPECT_EQ(Resolve(resolver->get(), domain).status().code(), code) << domain;
  EXPECT_EQ((*resolver)->lookups(), 10);
}

constexpr char kTlsZone[] = R"(
signed.test           MX 10 mx.signed.test
signed.test           MX 20 mx.unsigned.test
signed.test           MX 30 alias.test
signed.test           AUTHENTIC
mx.signed.test        A 127.0.0.1
mx.signed.test        AUTHENTIC
mx.unsigned.test      A 127.0.0.2
alias.test            CNAME mx.signed.test
_25._tcp.mx.signed.test TLSA 3 1 1 C0ffee
_25._tcp.mx.signed.test TLSA 2 0 0 00
_25._tcp.mx.signed.test AUTHENTIC
_25._tcp.absent.test  AUTHENTIC
_25._tcp.bogus.test   SERVFAIL
_mta-sts.signed.test  TXT "v=STSv1; " "id=1;"   # "not this" is not looked at
_mta-sts.signed.test  TXT ""
slow.test             TIMEOUT
)";

template <class T>
Awaitable<void> Into(Awaitable<T> lookup, std::optional<T>* out) {
  *out = co_await std::move(lookup);
}

template <class T>
T Finish(Awaitable<T> lookup) {
  asio::io_context io;
  std::optional<T> result;
  asio::co_spawn(io, Into<T>(std::move(lookup), &result), asio::detached);
  io.run();
  return *std::move(result);
}

TEST(ZoneResolver, TxtTlsaAndAuthentic) {
  const auto resolver = ZoneResolver::Parse(kTlsZone).value();
  const Deadline soon = DeadlineAfter(absl::Milliseconds(1));
  const Result hosts = Resolve(resolver.get(), "signed.test");
  ASSERT_TRUE(hosts.ok());
  ASSERT_EQ(hosts->size(), 3u);
  EXPECT_TRUE((*hosts)[0].authentic);
  EXPECT_FALSE((*hosts)[1].authentic);
  EXPECT_FALSE((*hosts)[2].authentic) << "the alias itself is not";
  EXPECT_EQ((*hosts)[2].canonical, "mx.signed.test");

  const auto tlsa = Finish(resolver->ResolveTlsa("_25._TCP.mx.signed.test", soon));
  ASSERT_TRUE(tlsa.ok());
  EXPECT_EQ(tlsa->records, (std::vector<TlsaRecord>{{3, 1, 1, "\xc0\xff\xee"}, {2, 0, 0, std::string(1, '\0')}}));
  EXPECT_TRUE(tlsa->authentic);
  EXPECT_TRUE(Finish(resolver->ResolveTlsa("_25._tcp.absent.test", soon))->authentic);
  EXPECT_TRUE(Finish(resolver->ResolveTlsa("_25._tcp.absent.test", soon))->records.empty());
  EXPECT_FALSE(Finish(resolver->ResolveTlsa("_25._tcp.mx.unsigned.test", soon))->authentic);
  EXPECT_EQ(Finish(resolver->ResolveTlsa("_25._tcp.bogus.test", soon)).status().code(), absl::StatusCode::kUnavailable);

  const auto txt = Finish(resolver->ResolveTxt("_mta-sts.signed.test", soon));
  ASSERT_TRUE(txt.ok());
  EXPECT_EQ(txt->texts, (std::vector<std::string>{"v=STSv1; id=1;", ""}));
  EXPECT_TRUE(Finish(resolver->ResolveTxt("nowhere.test", soon))->texts.empty());
  EXPECT_EQ(Finish(resolver->ResolveTxt("slow.test", soon)).status().code(), absl::StatusCode::kDeadlineExceeded);

  EXPECT_EQ(Finish(resolver->ResolveHost("alias.test", soon))->addresses.size(), 1u);
  EXPECT_EQ(Finish(resolver->ResolveHost("signed.test", soon)).status().code(), absl::StatusCode::kNotFound)
      << "MX records are no addresses";
  EXPECT_EQ(resolver->lookups(), 1);
}

TEST(ZoneResolver, EscapesInTxt) {
  const auto resolver = ZoneResolver::Parse("a.test TXT \"x\\\"y\\\\z\" \"\\226\\128\\147.\"").value();
  const auto txt = Finish(resolver->ResolveTxt("a.test", DeadlineAfter(absl::Milliseconds(1))));
  ASSERT_TRUE(txt.ok());
  EXPECT_EQ(txt->texts, std::vector<std::string>{"x\"y\\z\xe2\x80\x93."});
  EXPECT_FALSE(ZoneResolver::Parse("a.test TXT \"x\\\"").ok()) << "stays open";
}

TEST(ZoneResolver, CnamePtrAndMxRecords) {
  const auto resolver = ZoneResolver::Parse(R"(
alias.test             CNAME middle.test
middle.test            CNAME end.test
dangling.test          CNAME gone.test
lame.test              CNAME dead.test
dead.test              SERVFAIL
slow.test              TIMEOUT
end.test               MX 20 192.0.2.1
end.test               MX 0 .
both.test              CNAME end.test
both.test              MX 5 own.test
both.test              TXT "own"
1.2.0.192.in-addr.arpa PTR Mail.test
1.2.0.192.in-addr.arpa PTR mail2.test
1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR six.test
)")
                            .value();
  const Deadline soon = DeadlineAfter(absl::Milliseconds(1));
  const std::pair<const char*, const char*> rows[] = {{"Alias.test.", "middle.test"},
                                                      {"middle.test", "end.test"},
                                                      {"dangling.test", "gone.test"},
                                                      {"lame.test", "dead.test"},
                                                      {"end.test", ""},
                                                      {"nowhere.test", ""}};
  for (const auto& [name, target] : rows) EXPECT_EQ(Finish(resolver->ResolveCname(name, soon)).value(), target) << name;
  EXPECT_EQ(Finish(resolver->ResolveCname("dead.test", soon)).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Finish(resolver->ResolveCname("slow.test", soon)).status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(Finish(resolver->ResolveCname("a b", soon)).status().code(), absl::StatusCode::kInvalidArgument);

  const std::vector<MxRecord> mx = {{20, "192.0.2.1"}, {0, ""}};
  EXPECT_EQ(Finish(resolver->ResolveMxRecords("alias.test", soon)).value(), mx);
  EXPECT_EQ(Finish(resolver->ResolveMxRecords("both.test", soon)).value(), (std::vector<MxRecord>{{5, "own.test"}}));
  EXPECT_EQ(Finish(resolver->ResolveTxt("both.test", soon))->texts, std::vector<std::string>{"own"});
  EXPECT_TRUE(Finish(resolver->ResolveMxRecords("nowhere.test", soon)).value().empty());
  EXPECT_EQ(Finish(resolver->ResolveMxRecords("lame.test", soon)).status().code(), absl::StatusCode::kUnavailable);

  const auto ptr = [&](const char* address) {
    return Finish(resolver->ResolvePtr(asio::ip::make_address(address), soon)).value();
  };
  EXPECT_EQ(ptr("192.0.2.1"), (std::vector<std::string>{"mail.test", "mail2.test"}));
  EXPECT_EQ(ptr("2001:db8::1"), std::vector<std::string>{"six.test"});
  EXPECT_TRUE(ptr("192.0.2.2").empty());
}

TEST(ZoneResolver, NamesTheBadLine) {
  for (const char* line :
       {"example.com", "example.com MX ten mx.test", "example.com MX 10", "example.com A ::1",
        "example.com AAAA 127.0.0.1", "example.com TXT x", "example.com TXT \"x", "example.com TLSA 3 1 1",
        "example.com TLSA 3 1 1 abc", "example.com TLSA 3 1 x ab", "example.com TLSA 3 1 1 zz",
        "example.com AUTHENTIC yes", "a..b A 127.0.0.1", "example.com MX 10 a..b", "example.com A 127.0.0.1 5",
        "1.0.0.127.in-addr.arpa PTR", "1.0.0.127.in-addr.arpa PTR a..b"}) {
    const auto resolver = ZoneResolver::Parse(std::string("\nok.test A 127.0.0.1\n") + line);
    EXPECT_EQ(resolver.status().code(), absl::StatusCode::kInvalidArgument) << line;
    EXPECT_NE(resolver.status().message().find("line 3"), absl::string_view::npos) << resolver.status();
  }
}

TEST(ZoneResolver, ChangesWhileItRuns) {
  auto resolver = ZoneResolver::Parse("").value();
  EXPECT_FALSE(Resolve(resolver.get(), "example.com").ok());
  ASSERT_TRUE(resolver->Add("example.com A 127.0.0.1").ok());
  EXPECT_TRUE(Resolve(resolver.get(), "example.com").ok());
  resolver->Remove("Example.com");
  EXPECT_FALSE(Resolve(resolver.get(), "example.com").ok());
}

TEST(ZoneResolver, StopCancels) {
  auto resolver = ZoneResolver::Parse(kZone).value();
  asio::io_context io;
  std::optional<Result> result;
  asio::co_spawn(io, ResolveInto(resolver.get(), "slow.test", DeadlineAfter(absl::Hours(1)), &result), asio::detached);
  io.poll();
  EXPECT_FALSE(result.has_value());
  asio::co_spawn(io, StopNow(resolver.get()), asio::detached);
  io.run();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(Resolve(resolver.get(), "example.com").status().code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace wavepost
