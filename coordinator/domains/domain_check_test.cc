#include "coordinator/domains/domain_check.h"

#include <gtest/gtest.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/dns/zone_resolver.h"

namespace wavepost {
namespace {

const OurNames kNames = {"mail.example", "bounce.mail.example", {"mx1.mail.example", "mx2.mail.example"}};

using CheckResult = absl::StatusOr<std::vector<v1::RecordCheck>>;

Awaitable<void> CheckDomainInto(Resolver* resolver, v1::SendingDomain domain, Deadline deadline,
                                std::optional<CheckResult>* out) {
  *out = co_await CheckDomain(resolver, kNames, std::move(domain), deadline);
}

Awaitable<void> StopResolver(Resolver* resolver) {
  co_await resolver->Stop();
}

v1::SendingDomain WithKeys(int keys, const std::string& name = "news.customer.example") {
  v1::SendingDomain domain;
  domain.set_name("tenants/acme/sendingDomains/" + name);
  domain.set_mode(v1::SendingDomain::TXT);
  for (int i = 0; i < keys; ++i) {
    v1::DkimKeyInfo* key = domain.add_dkim_keys();
    key->set_selector(absl::StrCat("s", i));
    key->set_public_txt(absl::StrCat("v=DKIM1; p=AAAA", i));
    key->set_state(v1::DkimKeyInfo::CREATED);
  }
  return domain;
}

CheckResult Check(ZoneResolver* resolver, const v1::SendingDomain& domain) {
  asio::io_context io;
  std::optional<CheckResult> result;
  asio::co_spawn(io, CheckDomainInto(resolver, domain, DeadlineAfter(absl::Milliseconds(10)), &result), asio::detached);
  io.run();
  return result.value_or(absl::InternalError("no result"));
}

TEST(CheckDomain, AsksNoMoreThanItMay) {
  std::string spf = "news.customer.example TXT \"v=spf1";
  for (int i = 0; i < 50; ++i) absl::StrAppend(&spf, " a:h", i, ".test mx:h", i, ".test");
  const auto resolver = ZoneResolver::Parse(spf + " -all\"").value();
  const v1::SendingDomain domain = WithKeys(8);
  const CheckResult checks = Check(resolver.get(), domain);
  ASSERT_TRUE(checks.ok()) << checks.status();
  EXPECT_EQ(checks->size(), RecordsToPublish(kNames, domain).size());
  EXPECT_LE(resolver->other_lookups(), kDomainLookupsMax);
  for (int i = 0; i < 8; ++i)
    EXPECT_EQ((*checks)[i].state(), v1::RecordCheck::MISSING) << "their own question comes first";
}

TEST(CheckDomain, BeyondItsQuestionsNothingIsKnown) {
  const auto resolver = ZoneResolver::Parse("").value();
  const CheckResult checks = Check(resolver.get(), WithKeys(100));
  ASSERT_TRUE(checks.ok()) << checks.status();
  EXPECT_EQ(resolver->other_lookups(), kDomainLookupsMax);
  EXPECT_EQ(checks->back().state(), v1::RecordCheck::UNKNOWN) << "not MISSING: it was not looked for";
}

TEST(CheckDomain, EndsWhenTheResolverStops) {
  const auto resolver = ZoneResolver::Parse("s0._domainkey.news.customer.example TIMEOUT").value();
  asio::io_context io;
  std::optional<CheckResult> result;
  asio::co_spawn(io, CheckDomainInto(resolver.get(), WithKeys(1), DeadlineAfter(absl::Hours(1)), &result),
                 asio::detached);
  io.poll();
  EXPECT_FALSE(result.has_value());
  asio::co_spawn(io, StopResolver(resolver.get()), asio::detached);
  io.run();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->status().code(), absl::StatusCode::kCancelled);
}

TEST(CheckDomain, FoundIsPrintableAndBounded) {
  std::string zone;
  for (int i = 0; i < 30; ++i) {
    absl::StrAppend(&zone, "s0._domainkey.news.customer.example TXT \"\\027[31m", std::string(2000, 'x'), i, "\"\n");
  }
  const auto resolver = ZoneResolver::Parse(zone).value();
  const CheckResult checks = Check(resolver.get(), WithKeys(1));
  ASSERT_TRUE(checks.ok());
  ASSERT_EQ(checks->front().found_size(), 10);
  for (const std::string& found : checks->front().found()) {
    EXPECT_LE(found.size(), 512u);
    EXPECT_EQ(found.find('\x1b'), std::string::npos);
  }
}

// Names of 253 bytes have neighbours that DNS cannot carry.
TEST(CheckDomain, LongestNames) {
  std::string name =
      std::string(60, 'a') + "." + std::string(60, 'b') + "." + std::string(60, 'c') + ".customer.example";
  const auto resolver = ZoneResolver::Parse("").value();
  const CheckResult checks = Check(resolver.get(), WithKeys(2, name));
  ASSERT_TRUE(checks.ok());
  for (const v1::RecordCheck& check : *checks) EXPECT_EQ(check.state(), v1::RecordCheck::MISSING);
}

}  // namespace
}  // namespace wavepost
