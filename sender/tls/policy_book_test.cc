#include "sender/tls/policy_book.h"

#include <gtest/gtest.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/dns/zone_resolver.h"
#include "sender/tls/mta_sts_fetcher.h"

namespace wavepost {
namespace {

using Level = TlsDemand::Level;

constexpr char kDigest[] = "1111111111111111111111111111111111111111111111111111111111111111";

std::string PolicyText(std::string_view mode, std::string_view mx, int max_age = 604800) {
  return "version: STSv1\nmode: " + std::string(mode) + "\nmx: " + std::string(mx) +
         "\nmax_age: " + std::to_string(max_age) + "\n";
}

// Answers from a map; a domain that is not in it cannot be reached. May be told to wait.
class FakeFetcher final : public MtaStsFetcher {
 public:
  explicit FakeFetcher(asio::io_context& io) : gate_(io, asio::steady_timer::time_point::max()) {}

  Awaitable<absl::StatusOr<std::string>> Fetch(std::string domain, Deadline) override {
    ++fetches[domain];
    if (closed) co_await gate_.async_wait(use_tuple);
    const auto it = files.find(domain);
    if (it == files.end()) co_return absl::UnavailableError("nobody there");
    co_return it->second;
  }
  Awaitable<void> Stop() override {
    Open();
    co_return;
  }
  void Open() {
    closed = false;
    gate_.cancel();
  }

  std::map<std::string, absl::StatusOr<std::string>> files;
  std::map<std::string, int> fetches;
  bool closed = false;

 private:
  asio::steady_timer gate_;
};

class MemoryStore final : public MtaStsStore {
 public:
  std::optional<cluster::v1::MtaStsState> Load(const std::string& domain) override {
    const auto it = states.find(domain);
    if (it == states.end()) return std::nullopt;
    return it->second;
  }
  void Save(const std::string& domain, const cluster::v1::MtaStsState& state) override { states[domain] = state; }
  std::map<std::string, cluster::v1::MtaStsState> states;
};

class PolicyBookTest : public testing::Test {
 protected:
  void SetUp() override { Start({}); }

  void TearDown() override {
    Stop();
    io_.restart();
    io_.run();
  }

  void Start(PolicyBook::Options options) {
    if (book_) Stop();
    book_ = std::make_unique<PolicyBook>(io_, clock_, *resolver_, &fetcher_, &store_, options);
  }

  void Stop() {
    fetcher_.Open();
    bool done = false;
    asio::co_spawn(io_, StopInto(book_.get(), &done), asio::detached);
    RunUntil([&] { return done; });
    book_.reset();
  }

  template <class Condition>
  void RunUntil(Condition condition) {
    io_.restart();
    while (!condition()) ASSERT_NE(io_.run_one(), 0u) << "nothing left to run";
  }

  void Zone(const std::string& text) { ASSERT_TRUE(resolver_->Add(text).ok()) << text; }

  static Awaitable<void> StopInto(PolicyBook* book, bool* done) {
    co_await book->Stop();
    *done = true;
  }
  static Awaitable<void> DecideInto(Resolver* resolver, PolicyBook* book, std::string domain, Level wish,
                                    Deadline deadline, std::optional<TlsDecision>* out) {
    absl::StatusOr<MxHosts> hosts = co_await resolver->ResolveMx(domain, deadline);
    if (!hosts.ok()) hosts = MxHosts();
    *out = co_await book->DecideFor(domain, *hosts, wish, deadline);
  }
  void Launch(const std::string& domain, std::optional<TlsDecision>* out, Level wish = Level::kOpportunistic,
              Deadline deadline = DeadlineAfter(absl::Seconds(30))) {
    asio::co_spawn(io_, DecideInto(resolver_.get(), book_.get(), domain, wish, deadline, out), asio::detached);
  }
  TlsDecision Decide(const std::string& domain, Level wish = Level::kOpportunistic,
                     Deadline deadline = DeadlineAfter(absl::Seconds(30))) {
    std::optional<TlsDecision> decision;
    Launch(domain, &decision, wish, deadline);
    RunUntil([&] { return decision.has_value(); });
    return decision.value_or(TlsDecision());
  }
  // Lets what runs beside the decision come to its end.
  void Settle() {
    io_.restart();
    io_.poll();
  }

  // "level names source" of each host, or "refused: type".
  static std::string Describe(const TlsDecision& decision) {
    static constexpr const char* kNames[] = {"never", "opportunistic", "encrypted", "verified", "dane"};
    std::vector<std::string> hosts;
    for (const HostPlan& plan : decision.hosts) {
      hosts.push_back(!plan.allowed ? "refused: " + plan.refusal_type
                                    : absl::StrCat(kNames[static_cast<int>(plan.demand.level)],
                                                   plan.demand.testing ? " testing" : "", " [",
                                                   absl::StrJoin(plan.demand.names, ","), "] ", plan.demand.source));
    }
    return absl::StrJoin(hosts, "; ");
  }

  asio::io_context io_;
  ManualClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  std::unique_ptr<ZoneResolver> resolver_ = ZoneResolver::Parse("").value();
  FakeFetcher fetcher_{io_};
  MemoryStore store_;
  std::unique_ptr<PolicyBook> book_;
};

TEST_F(PolicyBookTest, WithoutPolicyTheWishHolds) {
  Zone("a.test MX 1 mx.a.test\nmx.a.test A 127.0.0.1\n");
  const std::pair<Level, const char*> rows[] = {
      {Level::kNever, "never [] configured"},         {Level::kOpportunistic, "opportunistic [] opportunistic"},
      {Level::kEncrypted, "encrypted [] configured"}, {Level::kVerified, "verified [mx.a.test] configured"},
      {Level::kDane, "encrypted [] configured"},
  };
  for (const auto& [wish, want] : rows) EXPECT_EQ(Describe(Decide("a.test", wish)), want);
  const TlsDecision decision = Decide("a.test");
  EXPECT_EQ(*decision.hosts[0].policy, (ReportedPolicy{.type = "no-policy-found", .domain = "a.test"}));
}

// What the DNS says of one signed host, and what follows.
TEST_F(PolicyBookTest, Dane) {
  const struct {
    const char* name;
    std::string tlsa;  // of _25._tcp.mx.d.test
    const char* want;
    const char* wish_encrypted;
  } rows[] = {
      {"Usable", absl::StrCat("TLSA 3 1 1 ", kDigest, "|AUTHENTIC"), "dane [mx.d.test,d.test] DANE",
       "dane [mx.d.test,d.test] DANE"},
      {"UsableAmongOthers", absl::StrCat("TLSA 1 1 1 ", kDigest, "|TLSA 2 0 1 ", kDigest, "|AUTHENTIC"),
       "dane [mx.d.test,d.test] DANE", "dane [mx.d.test,d.test] DANE"},
      {"NoneUsable", absl::StrCat("TLSA 1 1 1 ", kDigest, "|AUTHENTIC"), "encrypted [] DANE, no usable record",
       "encrypted [] DANE, no usable record"},
      {"ProvedAbsent", "AUTHENTIC", "opportunistic [] opportunistic", "encrypted [] configured"},
      {"NotAuthentic", absl::StrCat("TLSA 3 1 1 ", kDigest), "opportunistic [] opportunistic",
       "encrypted [] configured"},
      {"Bogus", "SERVFAIL", "refused: dnssec-invalid", "refused: dnssec-invalid"},
  };
  for (const auto& row : rows) {
    resolver_ = ZoneResolver::Parse("").value();
    Start({});
    Zone("d.test MX 1 mx.d.test\nd.test AUTHENTIC\nmx.d.test A 127.0.0.1\nmx.d.test AUTHENTIC\n");
    std::string rest = row.tlsa;
    while (!rest.empty()) {
      const size_t end = rest.find('|');
      Zone("_25._tcp.mx.d.test " + rest.substr(0, end));
      rest = end == std::string::npos ? "" : rest.substr(end + 1);
    }
    EXPECT_EQ(Describe(Decide("d.test")), row.want) << row.name;
    EXPECT_EQ(Describe(Decide("d.test", Level::kEncrypted)), row.wish_encrypted) << row.name;
    EXPECT_EQ(Describe(Decide("d.test", Level::kNever)), "never [] configured") << row.name;
    Start({.dane = false});
    EXPECT_EQ(Describe(Decide("d.test")), "opportunistic [] opportunistic") << row.name;
  }
}

TEST_F(PolicyBookTest, DaneOnlyWhereTheHostIsAuthentic) {
  Zone(absl::StrCat("d.test MX 1 mx.d.test\nmx.d.test A 127.0.0.1\nmx.d.test AUTHENTIC\n_25._tcp.mx.d.test TLSA 3 1 1 ",
                    kDigest, "\n_25._tcp.mx.d.test AUTHENTIC\n"));
  EXPECT_EQ(Describe(Decide("d.test")), "opportunistic [] opportunistic") << "the MX record may be forged";
}

TEST_F(PolicyBookTest, EachHostIsDecidedByItself) {
  Zone(absl::StrCat(R"(
d.test MX 1 one.d.test
d.test MX 2 two.d.test
d.test MX 3 three.d.test
d.test AUTHENTIC
one.d.test A 127.0.0.1
one.d.test AUTHENTIC
two.d.test A 127.0.0.1
two.d.test AUTHENTIC
three.d.test A 127.0.0.1
_25._tcp.one.d.test SERVFAIL
_25._tcp.two.d.test AUTHENTIC
_25._tcp.two.d.test TLSA 3 1 1 )",
                    kDigest, "\n"));
  const TlsDecision decision = Decide("d.test");
  EXPECT_EQ(Describe(decision),
            "refused: dnssec-invalid; dane [two.d.test,d.test] DANE; opportunistic [] opportunistic");
  EXPECT_TRUE(decision.AnyAllowed());
  ASSERT_EQ(decision.hosts[1].demand.tlsa.size(), 1u);
  const ReportedPolicy want{.type = "tlsa", .strings = {absl::StrCat("3 1 1 ", kDigest)}, .domain = "two.d.test"};
  EXPECT_EQ(*decision.hosts[1].policy, want);
  EXPECT_EQ(decision.hosts[0].policy->type, "tlsa");
  EXPECT_EQ(decision.hosts[0].policy->domain, "one.d.test");
}

TEST_F(PolicyBookTest, AnAliasIsLookedUpByItsCanonicalNameFirst) {
  Zone(absl::StrCat(R"(
d.test MX 1 mx.d.test
d.test AUTHENTIC
mx.d.test CNAME real.test
mx.d.test AUTHENTIC
real.test A 127.0.0.1
real.test AUTHENTIC
_25._tcp.real.test AUTHENTIC
_25._tcp.mx.d.test AUTHENTIC
_25._tcp.mx.d.test TLSA 3 1 1 )",
                    kDigest, "\n"));
  EXPECT_EQ(Describe(Decide("d.test")), "dane [mx.d.test,d.test] DANE") << "its own name has records";
  Zone(absl::StrCat("_25._tcp.real.test TLSA 3 1 1 ", kDigest, "\n"));
  EXPECT_EQ(Describe(Decide("d.test")), "dane [real.test,mx.d.test,d.test] DANE");
}

TEST_F(PolicyBookTest, ATlsaLookupThatTakesTooLongRefusesTheHost) {
  Zone(
      "d.test MX 1 mx.d.test\nd.test AUTHENTIC\nmx.d.test A 127.0.0.1\nmx.d.test AUTHENTIC\n"
      "_25._tcp.mx.d.test TIMEOUT\n");
  const TlsDecision decision = Decide("d.test", Level::kOpportunistic, DeadlineAfter(absl::Milliseconds(10)));
  EXPECT_EQ(Describe(decision), "refused: dnssec-invalid");
  EXPECT_FALSE(decision.AnyAllowed());
}

constexpr char kStsZone[] = R"(
s.test MX 1 mx1.s.test
s.test MX 2 mx2.s.test
mx1.s.test A 127.0.0.1
mx2.s.test A 127.0.0.1
_mta-sts.s.test TXT "v=STSv1; id=1;"
)";

TEST_F(PolicyBookTest, MtaSts) {
  const struct {
    const char* name;
    absl::StatusOr<std::string> file;
    const char* want;
    const char* policy_failure;  // of the second host
  } rows[] = {
      {"Enforce", PolicyText("enforce", "*.s.test"),
       "verified [mx1.s.test] MTA-STS enforce; verified [mx2.s.test] MTA-STS enforce", ""},
      {"EnforceOne", PolicyText("enforce", "mx1.s.test"),
       "verified [mx1.s.test] MTA-STS enforce; refused: validation-failure", ""},
      {"EnforceNone", PolicyText("enforce", "mx.elsewhere.test"),
       "refused: validation-failure; refused: validation-failure", ""},
      {"Testing", PolicyText("testing", "mx1.s.test"),
       "opportunistic testing [mx1.s.test] MTA-STS testing; opportunistic testing [mx2.s.test] MTA-STS testing",
       "validation-failure"},
      {"None", PolicyText("none", "mx1.s.test"), "opportunistic [] opportunistic; opportunistic [] opportunistic", ""},
      {"Invalid", "<html>", "opportunistic [] opportunistic; opportunistic [] opportunistic", "sts-policy-invalid"},
      {"Certificate", absl::UnauthenticatedError("expired"),
       "opportunistic [] opportunistic; opportunistic [] opportunistic", "sts-webpki-invalid"},
      {"Unreachable", absl::UnavailableError("no"), "opportunistic [] opportunistic; opportunistic [] opportunistic",
       "sts-policy-fetch-error"},
  };
  Zone(kStsZone);
  for (const auto& row : rows) {
    store_.states.clear();
    Start({});
    fetcher_.files.insert_or_assign("s.test", row.file);
    const TlsDecision decision = Decide("s.test");
    EXPECT_EQ(Describe(decision), row.want) << row.name;
    EXPECT_EQ(decision.hosts[1].policy->failure_type, row.policy_failure) << row.name;
    EXPECT_EQ(decision.hosts[1].policy->type, row.name == std::string("None") ? "no-policy-found" : "sts") << row.name;
    EXPECT_EQ(store_.states.contains("s.test"), row.file.ok() && *row.file != "<html>") << row.name;
  }
  Start({.mta_sts = false});
  EXPECT_EQ(Describe(Decide("s.test")), "opportunistic [] opportunistic; opportunistic [] opportunistic");
}

TEST_F(PolicyBookTest, AStrongerWishStaysUnderTesting) {
  Zone(kStsZone);
  fetcher_.files.insert_or_assign("s.test", PolicyText("testing", "*.s.test"));
  EXPECT_EQ(Describe(Decide("s.test", Level::kEncrypted)),
            "encrypted testing [mx1.s.test] configured; encrypted testing [mx2.s.test] configured");
  EXPECT_EQ(Describe(Decide("s.test", Level::kNever)), "never [] configured; never [] configured");
}

TEST_F(PolicyBookTest, ThePolicyIsReportedAsItWasApplied) {
  Zone(kStsZone);
  fetcher_.files.insert_or_assign("s.test", PolicyText("enforce", "*.s.test", 86400));
  const TlsDecision decision = Decide("s.test");
  EXPECT_EQ(decision.hosts[0].policy->strings,
            (std::vector<std::string>{"version: STSv1", "mode: enforce", "mx: *.s.test", "max_age: 86400"}));
  EXPECT_EQ(decision.hosts[0].policy->mx, std::vector<std::string>{"*.s.test"});
  EXPECT_EQ(decision.hosts[0].policy->domain, "s.test");
}

TEST_F(PolicyBookTest, DaneGoesBeforeMtaSts) {
  Zone(absl::StrCat(R"(
s.test MX 1 mx1.s.test
s.test MX 2 mx2.s.test
s.test AUTHENTIC
mx1.s.test A 127.0.0.1
mx1.s.test AUTHENTIC
mx2.s.test A 127.0.0.1
_mta-sts.s.test TXT "v=STSv1; id=1;"
_25._tcp.mx1.s.test AUTHENTIC
_25._tcp.mx1.s.test TLSA 3 1 1 )",
                    kDigest, "\n"));
  fetcher_.files.insert_or_assign("s.test", PolicyText("enforce", "mx2.s.test"));
  EXPECT_EQ(Describe(Decide("s.test")), "dane [mx1.s.test,s.test] DANE; verified [mx2.s.test] MTA-STS enforce");
}

TEST_F(PolicyBookTest, ABogusTlsaIsNotHealedByMtaSts) {
  Zone(std::string(kStsZone) + "s.test AUTHENTIC\nmx1.s.test AUTHENTIC\n_25._tcp.mx1.s.test SERVFAIL\n");
  fetcher_.files.insert_or_assign("s.test", PolicyText("enforce", "*.s.test"));
  EXPECT_EQ(Describe(Decide("s.test")), "refused: dnssec-invalid; verified [mx2.s.test] MTA-STS enforce");
}

TEST_F(PolicyBookTest, DecisionsOfOneDomainShareOneSearch) {
  Zone(kStsZone);
  fetcher_.files.insert_or_assign("s.test", PolicyText("enforce", "*.s.test"));
  fetcher_.closed = true;
  std::vector<std::optional<TlsDecision>> decisions(50);
  for (auto& decision : decisions) Launch("s.test", &decision);
  Settle();
  for (const auto& decision : decisions) EXPECT_FALSE(decision.has_value());
  fetcher_.Open();
  RunUntil([&] { return decisions.back().has_value(); });
  for (const auto& decision : decisions) EXPECT_TRUE(Describe(decision.value()).starts_with("verified"));
  EXPECT_EQ(fetcher_.fetches["s.test"], 1);
}

TEST_F(PolicyBookTest, TheDeadlineDecidesWithoutAndTheSearchGoesOn) {
  Zone(kStsZone);
  fetcher_.files.insert_or_assign("s.test", PolicyText("enforce", "*.s.test"));
  fetcher_.closed = true;
  EXPECT_TRUE(Describe(Decide("s.test", Level::kOpportunistic, DeadlineAfter(absl::Milliseconds(10))))
                  .starts_with("opportunistic"));
  fetcher_.Open();
  Settle();
  EXPECT_TRUE(Describe(Decide("s.test")).starts_with("verified"));
  EXPECT_EQ(fetcher_.fetches["s.test"], 1);
}

TEST_F(PolicyBookTest, ANewPolicyIsFetchedBesideTheOldOne) {
  Zone(kStsZone);
  fetcher_.files.insert_or_assign("s.test", PolicyText("enforce", "*.s.test"));
  Decide("s.test");
  resolver_->Remove("_mta-sts.s.test");
  Zone("_mta-sts.s.test TXT \"v=STSv1; id=2;\"\n");
  fetcher_.files.insert_or_assign("s.test", PolicyText("none", "*.s.test"));
  clock_.Advance(absl::Minutes(59));
  Decide("s.test");
  Settle();
  EXPECT_EQ(fetcher_.fetches["s.test"], 1);
  clock_.Advance(absl::Minutes(1));
  EXPECT_TRUE(Describe(Decide("s.test")).starts_with("verified")) << "the old one, at once";
  Settle();
  EXPECT_EQ(fetcher_.fetches["s.test"], 2);
  EXPECT_TRUE(Describe(Decide("s.test")).starts_with("opportunistic"));
}

TEST_F(PolicyBookTest, APolicyIsKeptWhenRecordAndFileAreGone) {
  Zone(kStsZone);
  fetcher_.files.insert_or_assign("s.test", PolicyText("enforce", "*.s.test"));
  Decide("s.test");
  resolver_->Remove("_mta-sts.s.test");
  fetcher_.files.clear();
  clock_.Advance(absl::Seconds(604799));
  EXPECT_TRUE(Describe(Decide("s.test")).starts_with("verified"));
  Settle();
  EXPECT_TRUE(Describe(Decide("s.test")).starts_with("verified"));
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(Describe(Decide("s.test")).starts_with("opportunistic"));
}

TEST_F(PolicyBookTest, APolicySurvivesARestart) {
  Zone(kStsZone);
  fetcher_.files.insert_or_assign("s.test", PolicyText("enforce", "*.s.test"));
  Decide("s.test");
  fetcher_.files.clear();
  resolver_->Remove("_mta-sts.s.test");
  Start({});
  EXPECT_TRUE(Describe(Decide("s.test")).starts_with("verified"));
  EXPECT_EQ(fetcher_.fetches["s.test"], 1);
}

TEST_F(PolicyBookTest, AMismatchMakesItLookAgainSoon) {
  Zone(kStsZone);
  fetcher_.files.insert_or_assign("s.test", PolicyText("enforce", "old.s.test"));
  EXPECT_FALSE(Decide("s.test").AnyAllowed());
  resolver_->Remove("_mta-sts.s.test");
  Zone("_mta-sts.s.test TXT \"v=STSv1; id=2;\"\n");
  fetcher_.files.insert_or_assign("s.test", PolicyText("enforce", "*.s.test"));
  clock_.Advance(absl::Minutes(5));
  EXPECT_FALSE(Decide("s.test").AnyAllowed());
  Settle();
  EXPECT_TRUE(Decide("s.test").AnyAllowed());
}

TEST_F(PolicyBookTest, WithoutFetcherStoredPoliciesHold) {
  Zone(kStsZone);
  fetcher_.files.insert_or_assign("s.test", PolicyText("enforce", "*.s.test"));
  Decide("s.test");
  Stop();
  book_ = std::make_unique<PolicyBook>(io_, clock_, *resolver_, nullptr, &store_, PolicyBook::Options());
  EXPECT_TRUE(Describe(Decide("s.test")).starts_with("verified"));
  store_.states.clear();
  Stop();
  book_ = std::make_unique<PolicyBook>(io_, clock_, *resolver_, nullptr, nullptr, PolicyBook::Options());
  EXPECT_TRUE(Describe(Decide("s.test")).starts_with("opportunistic"));
}

TEST_F(PolicyBookTest, SearchesAreBounded) {
  Start({.lookups_max = 1});
  Zone(kStsZone);
  Zone("t.test MX 1 mx1.s.test\n_mta-sts.t.test TXT \"v=STSv1; id=1;\"\n");
  for (const char* domain : {"s.test", "t.test"}) {
    fetcher_.files.insert_or_assign(domain, PolicyText("enforce", "*.s.test"));
  }
  fetcher_.closed = true;
  std::optional<TlsDecision> first;
  Launch("s.test", &first);
  Settle();
  EXPECT_TRUE(Describe(Decide("t.test")).starts_with("opportunistic"));
  EXPECT_EQ(fetcher_.fetches["t.test"], 0);
  fetcher_.Open();
  RunUntil([&] { return first.has_value(); });
  EXPECT_TRUE(Describe(Decide("t.test")).starts_with("verified"));
}

}  // namespace
}  // namespace wavepost
