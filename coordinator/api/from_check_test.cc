#include "coordinator/api/from_check.h"

#include <gmock/gmock.h>

#include "common/rpc/status.h"
#include "coordinator/store/proto_time.h"

namespace wavepost {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Domain = v1::SendingDomain;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr absl::Duration kDay = absl::Hours(24);

Domain MakeDomain(const std::string& name, Domain::State state) {
  Domain domain;
  domain.set_name("tenants/t/sendingDomains/" + name);
  domain.set_state(state);
  domain.set_return_path_domain("wpbounce." + name);
  v1::DnsRecord& record = *domain.add_dns_records();
  record.set_owner("wp1._domainkey." + name);
  record.set_type("TXT");
  record.set_data("v=DKIM1; p=abc");
  record.set_required(true);
  return domain;
}

Domain WithFailedCheck(Domain domain) {
  v1::RecordCheck& check = *domain.add_checks();
  *check.mutable_record() = domain.dns_records(0);
  check.set_state(v1::RecordCheck::WRONG);
  check.set_advice("The key is truncated: publish it whole.");
  return domain;
}

FromFacts Facts() {
  FromFacts facts;
  facts.campaign.set_name("tenants/t/campaigns/c");
  facts.campaign.mutable_content()->set_from_address("News@A.example");
  facts.campaign.mutable_max_age()->set_seconds(3 * 86400);
  facts.tenant.set_name("tenants/t");
  return facts;
}

TEST(FromCheckTest, AVerifiedDomainSendsFromItself) {
  FromFacts facts = Facts();
  facts.own = MakeDomain("a.example", Domain::VERIFIED);
  facts.tenant.set_fallback_from_address("neutral@op.example");
  facts.fallback = MakeDomain("op.example", Domain::VERIFIED);
  const FromChoice choice = ChooseFrom(facts, {}, kNow);
  EXPECT_TRUE(choice.refusal.ok()) << choice.refusal;
  EXPECT_EQ(choice.from_address, "News@a.example");
  EXPECT_EQ(choice.return_path_domain, "wpbounce.a.example");
  EXPECT_THAT(choice.warnings, IsEmpty());

  facts.own = WithFailedCheck(*facts.own);
  facts.own->set_failed_checks(1);
  EXPECT_TRUE(ChooseFrom(facts, {}, kNow).refusal.ok());
  EXPECT_THAT(ChooseFrom(facts, {}, kNow).warnings, testing::ElementsAre(HasSubstr("The key is truncated")));
}

struct Refused {
  const char* name;
  std::optional<Domain> own;
  std::string fallback_address;
  std::optional<Domain> fallback;
  std::vector<std::string> sentence;
};

class FromRefusedTest : public testing::TestWithParam<Refused> {};

TEST_P(FromRefusedTest, SaysWhyAndWhatToDo) {
  FromFacts facts = Facts();
  facts.own = GetParam().own;
  facts.tenant.set_fallback_from_address(GetParam().fallback_address);
  facts.fallback = GetParam().fallback;
  const FromChoice choice = ChooseFrom(facts, {}, kNow);
  EXPECT_EQ(choice.refusal.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(choice.refusal), "FROM_DOMAIN_NOT_VERIFIED");
  for (const std::string& part : GetParam().sentence) {
    EXPECT_THAT(std::string(choice.refusal.message()), HasSubstr(part));
  }
  EXPECT_THAT(std::string(choice.refusal.message()), HasSubstr("wavepost domains verify a.example"));
  ASSERT_THAT(choice.warnings, SizeIs(1));
  EXPECT_THAT(choice.warnings[0], testing::StartsWith("waves do not start: "));

  DomainPolicy lenient;
  lenient.allow_unverified = true;
  const FromChoice allowed = ChooseFrom(facts, lenient, kNow);
  EXPECT_TRUE(allowed.refusal.ok()) << allowed.refusal;
  EXPECT_EQ(allowed.from_address, "News@a.example");
  EXPECT_THAT(allowed.warnings, SizeIs(1));
}

INSTANTIATE_TEST_SUITE_P(
    Rows, FromRefusedTest,
    testing::Values(
        Refused{"Unknown", std::nullopt, "", std::nullopt, {"not a sending domain", "wavepost domains add a.example"}},
        Refused{"NeverSeen",
                MakeDomain("a.example", Domain::UNVERIFIED),
                "",
                std::nullopt,
                {"a.example is not verified", "wp1._domainkey.a.example TXT v=DKIM1; p=abc"}},
        Refused{"SeenWrong",
                WithFailedCheck(MakeDomain("a.example", Domain::UNVERIFIED)),
                "",
                std::nullopt,
                {"wp1._domainkey.a.example TXT: The key is truncated: publish it whole. Then run"}},
        Refused{"Lost", WithFailedCheck(MakeDomain("a.example", Domain::LOST)), "", std::nullopt, {"is lost. wp1."}},
        Refused{"FallbackUnverified",
                MakeDomain("a.example", Domain::UNVERIFIED),
                "neutral@op.example",
                MakeDomain("op.example", Domain::UNVERIFIED),
                {"fallback neutral@op.example does not help either"}},
        Refused{"FallbackLost",
                MakeDomain("a.example", Domain::UNVERIFIED),
                "neutral@op.example",
                MakeDomain("op.example", Domain::LOST),
                {"op.example was verified and is lost"}},
        Refused{"FallbackGone",
                MakeDomain("a.example", Domain::UNVERIFIED),
                "neutral@op.example",
                std::nullopt,
                {"op.example is not a sending domain"}}),
    [](const auto& row) { return row.param.name; });

TEST(FromCheckTest, OtherwiseTheTenantsFallback) {
  FromFacts facts = Facts();
  facts.own = MakeDomain("a.example", Domain::LOST);
  facts.tenant.set_fallback_from_address("neutral@op.example");
  facts.fallback = MakeDomain("op.example", Domain::VERIFIED);
  const FromChoice choice = ChooseFrom(facts, {}, kNow);
  EXPECT_TRUE(choice.refusal.ok()) << choice.refusal;
  EXPECT_EQ(choice.from_address, "neutral@op.example");
  EXPECT_EQ(choice.return_path_domain, "wpbounce.op.example");
  ASSERT_THAT(choice.warnings, SizeIs(1));
  EXPECT_THAT(choice.warnings[0], HasSubstr("neutral@op.example instead of News@A.example"));
}

struct Signed {
  const char* name;
  const char* address;
  absl::Duration from, until;
  const char* reason;  // empty: starts
};

class FromSmimeTest : public testing::TestWithParam<Signed> {};

TEST_P(FromSmimeTest, NeedsACertificateForAsLongAsMailIsUnderWay) {
  FromFacts facts = Facts();
  facts.own = MakeDomain("a.example", Domain::VERIFIED);
  v1::Certificate& other = facts.certificates.emplace_back();  // ended long ago
  other.add_addresses("News@a.example");
  *other.mutable_not_after() = ToProtoTime(kNow - 100 * kDay);
  v1::Certificate& certificate = facts.certificates.emplace_back();
  certificate.add_addresses("somebody@else.example");
  certificate.add_addresses(GetParam().address);
  *certificate.mutable_not_before() = ToProtoTime(kNow + GetParam().from);
  *certificate.mutable_not_after() = ToProtoTime(kNow + GetParam().until);
  EXPECT_TRUE(ChooseFrom(facts, {}, kNow).refusal.ok()) << "not asked for";
  facts.campaign.mutable_content()->set_smime(true);
  EXPECT_EQ(ReasonOf(ChooseFrom(facts, {}, kNow).refusal), GetParam().reason) << ChooseFrom(facts, {}, kNow).refusal;
}

INSTANTIATE_TEST_SUITE_P(
    Rows, FromSmimeTest,
    testing::Values(Signed{"Good", "News@a.example", -kDay, 3 * kDay, ""},
                    Signed{"EndsOnTheWay", "News@a.example", -kDay, 3 * kDay - absl::Seconds(1), "CERTIFICATE_EXPIRED"},
                    Signed{"Ended", "News@a.example", -9 * kDay, -kDay, "CERTIFICATE_EXPIRED"},
                    Signed{"OfSomebodyElse", "other@a.example", -kDay, 30 * kDay, "CERTIFICATE_EXPIRED"}),
    [](const auto& row) { return row.param.name; });

TEST(FromCheckTest, ACertificateIsWantedForTheAddressThatIsUsed) {
  FromFacts facts = Facts();
  facts.campaign.mutable_content()->set_smime(true);
  facts.tenant.set_fallback_from_address("neutral@op.example");
  facts.fallback = MakeDomain("op.example", Domain::VERIFIED);
  v1::Certificate& certificate = facts.certificates.emplace_back();
  certificate.add_addresses("News@a.example");
  *certificate.mutable_not_after() = ToProtoTime(kNow + 100 * kDay);
  const FromChoice choice = ChooseFrom(facts, {}, kNow);
  EXPECT_EQ(ReasonOf(choice.refusal), "NO_CERTIFICATE");
  EXPECT_THAT(std::string(choice.refusal.message()), HasSubstr("neutral@op.example"));
  certificate.add_addresses("neutral@op.example");
  *certificate.mutable_not_before() = ToProtoTime(kNow + kDay);
  EXPECT_EQ(ReasonOf(ChooseFrom(facts, {}, kNow).refusal), "NO_CERTIFICATE") << "does not hold yet";
  *certificate.mutable_not_before() = ToProtoTime(kNow);
  EXPECT_TRUE(ChooseFrom(facts, {}, kNow).refusal.ok());
}

}  // namespace
}  // namespace wavepost
