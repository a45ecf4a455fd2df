#include "coordinator/identity/identity_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <memory>

#include "absl/strings/str_cat.h"
#include "common/dns/zone_resolver.h"
#include "coordinator/identity/dnsbl.h"

namespace wavepost {
namespace {

// Answers from zone text, one question per turn of the loop, and counts how many wait at once.
class CountingResolver final : public Resolver {
 public:
  explicit CountingResolver(std::string_view zone) : zone_(*ZoneResolver::Parse(zone)) {}

  Awaitable<absl::StatusOr<HostAddresses>> ResolveHost(std::string name, Deadline deadline) override {
    asked.push_back(name);
    co_await Queue();
    co_return co_await zone_->ResolveHost(std::move(name), deadline);
  }
  Awaitable<absl::StatusOr<TxtAnswer>> ResolveTxt(std::string name, Deadline deadline) override {
    asked.push_back(name);
    co_await Queue();
    co_return co_await zone_->ResolveTxt(std::move(name), deadline);
  }
  Awaitable<absl::StatusOr<std::vector<std::string>>> ResolvePtr(asio::ip::address address,
                                                                 Deadline deadline) override {
    asked.push_back(address.to_string());
    co_await Queue();
    co_return co_await zone_->ResolvePtr(address, deadline);
  }
  Awaitable<absl::StatusOr<MxHosts>> ResolveMx(std::string name, Deadline deadline) override {
    co_return co_await zone_->ResolveMx(std::move(name), deadline);
  }
  Awaitable<absl::StatusOr<std::vector<MxRecord>>> ResolveMxRecords(std::string name, Deadline deadline) override {
    asked.push_back(name);
    co_return co_await zone_->ResolveMxRecords(std::move(name), deadline);
  }
  Awaitable<absl::StatusOr<TlsaAnswer>> ResolveTlsa(std::string name, Deadline deadline) override {
    co_return co_await zone_->ResolveTlsa(std::move(name), deadline);
  }
  Awaitable<absl::StatusOr<std::string>> ResolveCname(std::string name, Deadline deadline) override {
    co_return co_await zone_->ResolveCname(std::move(name), deadline);
  }
  Awaitable<void> Stop() override { co_await zone_->Stop(); }

  int AskedFor(std::string_view part) const {
    return static_cast<int>(std::count_if(asked.begin(), asked.end(),
                                          [&](const auto& name) { return name.find(part) != std::string::npos; }));
  }

  std::vector<std::string> asked;
  int at_once_max = 0;

 private:
  // Gives way to all others that are ready, a few times.
  Awaitable<void> Queue() {
    at_once_max = std::max(at_once_max, ++at_once_);
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (int i = 0; i < 3; ++i) {
      timer.expires_at(asio::steady_timer::time_point::min());
      co_await timer.async_wait(use_tuple);
    }
    --at_once_;
  }

  std::unique_ptr<ZoneResolver> zone_;
  int at_once_ = 0;
};

constexpr char kTwoZones[] =
    "2.0.0.127.good.example A 127.0.0.2\n"
    "1.2.0.192.good.example A 127.0.0.3\n"
    "_spf.mail.example TXT \"v=spf1 ip4:192.0.2.1 ~all\"\n"
    "1.2.0.192.in-addr.arpa PTR mail1.example.org\n"
    "mail1.example.org A 192.0.2.1\n";

v1::DnsRecord CheckedSpf() {
  v1::DnsRecord record;
  record.set_owner("_spf.mail.example");
  record.set_type("TXT");
  record.set_data("v=spf1 ip4:192.0.2.1 ~all");
  record.set_purpose(v1::DnsRecord::SPF);
  return record;
}

IdentityQuestions Questions(int ips, std::vector<std::string> zones) {
  IdentityQuestions questions;
  questions.records = {CheckedSpf()};
  for (int i = 1; i <= ips; ++i) {
    questions.ips.push_back({asio::ip::make_address_v4(0xc0000200u + static_cast<uint32_t>(i)), "mail1.example.org"});
  }
  for (const auto& zone : zones) questions.zones.push_back({.zone = zone});
  return questions;
}

class IdentityCheckTest : public ::testing::Test {
 protected:
  absl::StatusOr<IdentityAnswers> AskAll(Resolver* resolver, IdentityQuestions questions,
                                         absl::Duration time = absl::Seconds(50)) {
    absl::StatusOr<IdentityAnswers> out = absl::UnknownError("not done");
    asio::io_context io;
    asio::co_spawn(io, AskIdentity(resolver, std::move(questions), &turn_, &halt_, time),
                   [&](std::exception_ptr, absl::StatusOr<IdentityAnswers> answers) { out = std::move(answers); });
    io.run();
    return out;
  }
  IdentityTurn turn_;
  IdentityHalt halt_;
};

TEST_F(IdentityCheckTest, LooksAtEverything) {
  CountingResolver resolver(kTwoZones);
  const auto answers = AskAll(&resolver, Questions(2, {"good.example", "dead.example"}));
  ASSERT_TRUE(answers.ok()) << answers.status();
  EXPECT_EQ(answers->left, 0u);
  EXPECT_EQ(answers->records[0]->state(), v1::RecordCheck::OK);
  EXPECT_EQ(answers->reverse[0]->state, v1::RecordCheck::OK);
  EXPECT_EQ(answers->reverse[1]->state, v1::RecordCheck::MISSING);
  EXPECT_EQ(answers->reverse_names[0], std::vector<std::string>{"mail1.example.org"});
  EXPECT_EQ(answers->listings[0][0]->state(), v1::Listing::LISTED);
  EXPECT_EQ(answers->listings[1][0]->state(), v1::Listing::STATE_UNSPECIFIED);
  EXPECT_EQ(answers->listings[0][1]->state(), v1::Listing::NO_ANSWER);
  EXPECT_EQ(answers->listings[1][1]->state(), v1::Listing::NO_ANSWER);
  EXPECT_EQ(resolver.AskedFor(".dead.example"), 1) << "a dead zone is asked for its test entry and no more";
}

TEST_F(IdentityCheckTest, FiftyAtOnceAtMost) {
  std::string zone = kTwoZones;
  std::vector<std::string> zones;
  for (int i = 0; i < 20; ++i) {
    zones.push_back(absl::StrCat("z", i, ".example"));
    zone += absl::StrCat("2.0.0.127.z", i, ".example A 127.0.0.2\n");
  }
  CountingResolver resolver(zone);
  const auto answers = AskAll(&resolver, Questions(100, zones));
  ASSERT_TRUE(answers.ok());
  EXPECT_EQ(resolver.at_once_max, static_cast<int>(kLooksAtOnce));
  EXPECT_EQ(resolver.AskedFor(".z7.example"), 102) << "each address, and two test entries";
  for (const auto& row : answers->listings) {
    for (const auto& listing : row) ASSERT_TRUE(listing.has_value());
  }
}

TEST_F(IdentityCheckTest, IpsAndZonesAreBounded) {
  CountingResolver resolver(kTwoZones);
  std::vector<std::string> zones(150, "dead.example");
  const auto answers = AskAll(&resolver, Questions(1100, zones));
  ASSERT_TRUE(answers.ok());
  EXPECT_EQ(answers->reverse.size(), kCheckedIpsMax);
  EXPECT_EQ(answers->listings[0].size(), kDnsblZonesMax);
}

TEST_F(IdentityCheckTest, WithoutVisibleAddressNoListIsAsked) {
  CountingResolver resolver(kTwoZones);
  const auto answers = AskAll(&resolver, Questions(0, {"good.example"}));
  ASSERT_TRUE(answers.ok());
  EXPECT_EQ(resolver.asked, std::vector<std::string>{"_spf.mail.example"});
}

TEST_F(IdentityCheckTest, OutOfTimeTheNextBeginsWhereThisEnded) {
  // No time at all: nobody is asked, nothing is lost. Then with time, from another place: all.
  CountingResolver resolver(kTwoZones);
  turn_ = {.looks = 1, .listings = 3};
  auto answers = AskAll(&resolver, Questions(4, {"good.example"}), absl::ZeroDuration());
  ASSERT_TRUE(answers.ok());
  EXPECT_EQ(answers->left, 1u + 4u + 1u + 4u);
  EXPECT_TRUE(resolver.asked.empty());
  EXPECT_EQ(turn_.looks, 1u);
  EXPECT_EQ(turn_.listings, 3u);
  EXPECT_FALSE(answers->records[0].has_value());
  EXPECT_FALSE(answers->listings[0][0].has_value() && answers->listings[0][0]->state() != v1::Listing::NO_ANSWER);

  answers = AskAll(&resolver, Questions(4, {"good.example"}));
  ASSERT_TRUE(answers.ok());
  EXPECT_EQ(resolver.asked.front(), "192.0.2.1") << "the place of the first look";
  const auto first_listing = std::find_if(resolver.asked.begin(), resolver.asked.end(), [](const auto& name) {
    return name.ends_with(".good.example") && !name.starts_with("2.0.0.127") && !name.starts_with("1.0.0.127");
  });
  EXPECT_EQ(*first_listing, "4.2.0.192.good.example");
  EXPECT_EQ(answers->left, 0u);
}

TEST_F(IdentityCheckTest, SilentDnsTakesItsTimeAndNoMore) {
  CountingResolver resolver(
      "_spf.mail.example TIMEOUT\n1.2.0.192.in-addr.arpa TIMEOUT\n2.0.0.127.good.example TIMEOUT");
  const auto begin = std::chrono::steady_clock::now();
  const auto answers = AskAll(&resolver, Questions(1, {"good.example"}), absl::Milliseconds(60));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  ASSERT_TRUE(answers.ok());
  EXPECT_EQ(answers->records[0]->state(), v1::RecordCheck::UNKNOWN);
  EXPECT_EQ(answers->reverse[0]->state, v1::RecordCheck::UNKNOWN);
}

TEST_F(IdentityCheckTest, HaltEndsItAtOnce) {
  CountingResolver resolver("_spf.mail.example TIMEOUT\n1.2.0.192.in-addr.arpa TIMEOUT");
  absl::StatusOr<IdentityAnswers> out = absl::UnknownError("not done");
  asio::io_context io;
  asio::co_spawn(io, AskIdentity(&resolver, Questions(1, {"good.example"}), &turn_, &halt_, absl::Hours(1)),
                 [&](std::exception_ptr, absl::StatusOr<IdentityAnswers> answers) { out = std::move(answers); });
  while (resolver.asked.size() < 2) io.run_one();
  for (int i = 0; i < 20; ++i) io.poll_one();
  halt_.Halt();
  io.run();
  EXPECT_TRUE(absl::IsCancelled(out.status())) << out.status();
  EXPECT_TRUE(absl::IsCancelled(AskAll(&resolver, Questions(1, {}), absl::Hours(1)).status())) << "later ones too";
}

TEST_F(IdentityCheckTest, StoppedResolverEndsIt) {
  CountingResolver resolver("_spf.mail.example TIMEOUT\n1.2.0.192.in-addr.arpa TIMEOUT");
  absl::StatusOr<IdentityAnswers> out = absl::UnknownError("not done");
  asio::io_context io;
  asio::co_spawn(io, AskIdentity(&resolver, Questions(1, {"good.example"}), &turn_, &halt_, absl::Hours(1)),
                 [&](std::exception_ptr, absl::StatusOr<IdentityAnswers> answers) { out = std::move(answers); });
  while (resolver.asked.size() < 2) io.run_one();
  for (int i = 0; i < 20; ++i) io.poll_one();
  asio::co_spawn(io, resolver.Stop(), [](std::exception_ptr) {});
  io.run();
  EXPECT_TRUE(absl::IsCancelled(out.status())) << out.status();
}

}  // namespace
}  // namespace wavepost
