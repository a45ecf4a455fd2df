// The life of keys, told as what happens at which hour.
#include "coordinator/domains/rotation.h"

#include <gmock/gmock.h>

#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "coordinator/store/proto_time.h"

namespace wavepost {
namespace {

using Key = v1::DkimKeyInfo;

const absl::Time kStart = absl::FromCivil(absl::CivilHour(2026, 1, 1, 12), absl::UTCTimeZone());
constexpr absl::Duration kDay = absl::Hours(24);

class RotationTest : public testing::Test {
 protected:
  explicit RotationTest(v1::SendingDomain::Mode mode = v1::SendingDomain::TXT) {
    domain_.set_name("tenants/a/sendingDomains/a.example");
    domain_.set_mode(mode);
  }

  SelectorPair Make(absl::Time at) {
    const SelectorPair pair = NextSelectors(domain_, at);
    for (const auto& [selector, algorithm] :
         {std::pair(pair.rsa, "rsa-sha256"), std::pair(pair.ed25519, "ed25519-sha256")}) {
      Key& key = *domain_.add_dkim_keys();
      key.set_selector(selector);
      key.set_algorithm(algorithm);
      key.set_state(Key::CREATED);
      *key.mutable_create_time() = ToProtoTime(at);
    }
    return pair;
  }

  void See(std::string_view selector, v1::RecordCheck::State state) {
    const std::string owner = absl::StrCat(std::string(selector), "._domainkey.a.example");
    v1::RecordCheck* found = nullptr;
    for (v1::RecordCheck& check : *domain_.mutable_checks()) {
      if (check.record().owner() == owner) found = &check;
    }
    if (found == nullptr) found = domain_.add_checks();
    found->mutable_record()->set_owner(owner);
    found->mutable_record()->set_purpose(v1::DnsRecord::DKIM);
    found->set_state(state);
  }
  void See(const SelectorPair& pair, v1::RecordCheck::State state = v1::RecordCheck::OK) {
    See(pair.rsa, state);
    See(pair.ed25519, state);
  }

  // "wp1 CREATED>PUBLISHED, ... destroy wp0"
  std::string Go(absl::Duration after) {
    std::vector<std::string> out, destroy;
    for (const KeyStep& step : AdvanceKeys(&domain_, kStart + after, &destroy)) {
      out.push_back(absl::StrCat(step.selector, " ", Name(step.from), ">", Name(step.to)));
    }
    for (const std::string& selector : destroy) out.push_back("destroy " + selector);
    return absl::StrJoin(out, ", ");
  }
  static std::string Name(Key::State state) {
    return state == Key::STATE_UNSPECIFIED ? "removed" : Key::State_Name(state);
  }
  std::string States() const {
    std::vector<std::string> out;
    for (const Key& key : domain_.dkim_keys()) out.push_back(absl::StrCat(key.selector(), " ", Name(key.state())));
    return absl::StrJoin(out, ", ");
  }

  v1::SendingDomain domain_;
};

class DelegatedRotationTest : public RotationTest {
 protected:
  DelegatedRotationTest() : RotationTest(v1::SendingDomain::CNAME) {}
};

TEST_F(RotationTest, AWholeLife) {
  EXPECT_TRUE(RotationDue(domain_, kStart)) << "no key at all";
  const SelectorPair first = Make(kStart);
  EXPECT_EQ(first.rsa, "wp20260101");
  EXPECT_EQ(first.ed25519, "wp20260101e");
  EXPECT_TRUE(RotationUnderWay(domain_));
  EXPECT_FALSE(RotationDue(domain_, kStart + 1000 * kDay)) << "TXT mode: the owner decides";
  EXPECT_EQ(Go(absl::Hours(1)), "") << "not looked at";
  EXPECT_EQ(domain_.dkim_selector(), "wp20260101") << "the one that will be";

  See(first, v1::RecordCheck::MISSING);
  EXPECT_EQ(Go(absl::Hours(2)), "");
  See(first.rsa, v1::RecordCheck::OK);
  EXPECT_EQ(Go(absl::Hours(3)), "wp20260101 CREATED>PUBLISHED") << "half a pair does not sign";
  See(first);
  EXPECT_EQ(Go(absl::Hours(4)),
            "wp20260101e CREATED>PUBLISHED, wp20260101 PUBLISHED>ACTIVE, wp20260101e PUBLISHED>ACTIVE")
      << "the first keys sign at once";
  EXPECT_EQ(FromProtoTime(domain_.dkim_keys(0).published_time()), kStart + absl::Hours(3));
  EXPECT_EQ(FromProtoTime(domain_.dkim_keys(0).active_time()), kStart + absl::Hours(4));
  EXPECT_FALSE(RotationUnderWay(domain_));

  const SelectorPair second = Make(kStart + 10 * kDay);
  EXPECT_EQ(second.rsa, "wp20260111");
  EXPECT_EQ(Go(10 * kDay), "");
  EXPECT_EQ(domain_.dkim_selector(), "wp20260101") << "still signs";
  See(second);
  EXPECT_EQ(Go(11 * kDay), "wp20260111 CREATED>PUBLISHED, wp20260111e CREATED>PUBLISHED");
  EXPECT_EQ(Go(11 * kDay + absl::Minutes(59)), "") << "resolvers may remember that there was none";
  EXPECT_EQ(Go(11 * kDay + absl::Minutes(60)),
            "wp20260111 PUBLISHED>ACTIVE, wp20260111e PUBLISHED>ACTIVE, wp20260101 ACTIVE>RETIRED, wp20260101e "
            "ACTIVE>RETIRED");
  EXPECT_EQ(domain_.dkim_selector(), "wp20260111");
  const absl::Duration retired = 11 * kDay + absl::Hours(1);
  EXPECT_EQ(FromProtoTime(domain_.dkim_keys(0).remove_time()), kStart + retired + 30 * kDay);
  EXPECT_EQ(Go(retired + 7 * kDay - absl::Seconds(1)), "");
  EXPECT_EQ(Go(retired + 7 * kDay), "destroy wp20260101, destroy wp20260101e");
  EXPECT_EQ(Go(retired + 30 * kDay - absl::Seconds(1)), "destroy wp20260101, destroy wp20260101e");
  EXPECT_EQ(Go(retired + 30 * kDay),
            "wp20260101 RETIRED>removed, wp20260101e RETIRED>removed, destroy wp20260101, destroy wp20260101e");
  EXPECT_EQ(States(), "wp20260111 ACTIVE, wp20260111e ACTIVE");
  EXPECT_EQ(Go(1000 * kDay), "") << "an active key stays";
}

TEST_F(RotationTest, APairWaitsForItsLaterHalf) {
  See(Make(kStart));
  Go(absl::Hours(0));
  const SelectorPair second = Make(kStart + kDay);
  See(second.rsa, v1::RecordCheck::OK);
  EXPECT_EQ(Go(kDay), "wp20260102 CREATED>PUBLISHED");
  EXPECT_EQ(Go(3 * kDay), "");
  See(second);
  EXPECT_EQ(Go(4 * kDay), "wp20260102e CREATED>PUBLISHED");
  EXPECT_EQ(Go(4 * kDay + absl::Minutes(30)), "");
  EXPECT_THAT(Go(4 * kDay + absl::Hours(1)), testing::StartsWith("wp20260102 PUBLISHED>ACTIVE"));
}

struct Glitch {
  const char* name;
  v1::RecordCheck::State seen;
  const char* steps;
  bool signs_an_hour_after_the_first_look;
};

class GlitchTest : public RotationTest, public testing::WithParamInterface<Glitch> {};

TEST_P(GlitchTest, WhatIsSeenBeforeAKeySigns) {
  See(Make(kStart));
  Go(absl::Hours(0));
  const SelectorPair second = Make(kStart + kDay);
  See(second);
  Go(kDay);
  See(second.rsa, GetParam().seen);
  EXPECT_EQ(Go(kDay + absl::Minutes(30)), GetParam().steps);
  See(second);
  Go(kDay + absl::Hours(1));
  EXPECT_EQ(domain_.dkim_selector() == second.rsa, GetParam().signs_an_hour_after_the_first_look) << States();
  Go(kDay + absl::Hours(2));
  EXPECT_EQ(domain_.dkim_selector(), second.rsa);
}

INSTANTIATE_TEST_SUITE_P(
    Looks, GlitchTest,
    testing::Values(Glitch{"Ok", v1::RecordCheck::OK, "", true}, Glitch{"Unknown", v1::RecordCheck::UNKNOWN, "", true},
                    Glitch{"Missing", v1::RecordCheck::MISSING, "wp20260102 PUBLISHED>CREATED", false},
                    Glitch{"Wrong", v1::RecordCheck::WRONG, "wp20260102 PUBLISHED>CREATED", false}),
    [](const auto& row) { return row.param.name; });

TEST_F(RotationTest, SelectorsOfOneDayAreNumbered) {
  const char* const expected[] = {"wp20260101", "wp20260101-2", "wp20260101-3", "wp20260101-4"};
  for (const char* selector : expected) {
    const SelectorPair pair = Make(kStart);
    EXPECT_EQ(pair.rsa, selector);
    EXPECT_EQ(pair.ed25519, std::string(selector) + "e");
  }
  EXPECT_EQ(NextSelectors(domain_, kStart + kDay).rsa, "wp20260102");
  domain_.mutable_dkim_keys()->DeleteSubrange(2, 1);  // half of the second pair
  EXPECT_EQ(NextSelectors(domain_, kStart).rsa, "wp20260101-5");
}

TEST_F(RotationTest, TheDayIsThatOfUtc) {
  EXPECT_EQ(NextSelectors(domain_, kStart + absl::Hours(11) + absl::Minutes(59)).rsa, "wp20260101");
  EXPECT_EQ(NextSelectors(domain_, kStart + absl::Hours(12)).rsa, "wp20260102");
}

TEST_F(DelegatedRotationTest, TwoPairsTakeTurns) {
  const SelectorPair first = Make(kStart);
  EXPECT_EQ(first.rsa, "wp1");
  EXPECT_EQ(first.ed25519, "wp1e");
  EXPECT_FALSE(RotationDue(domain_, kStart + 500 * kDay)) << "never seen: nothing to replace";
  See(first);
  Go(absl::Hours(0));
  EXPECT_FALSE(RotationDue(domain_, kStart + 180 * kDay - absl::Seconds(1)));
  EXPECT_TRUE(RotationDue(domain_, kStart + 180 * kDay));

  const SelectorPair second = Make(kStart + 180 * kDay);
  EXPECT_EQ(second.rsa, "wp2");
  EXPECT_FALSE(RotationDue(domain_, kStart + 400 * kDay)) << "one is under way";
  See(second);
  Go(180 * kDay);
  Go(180 * kDay + absl::Hours(1));
  EXPECT_EQ(States(), "wp1 RETIRED, wp1e RETIRED, wp2 ACTIVE, wp2e ACTIVE");
  EXPECT_EQ(NextSelectors(domain_, kStart + 200 * kDay).rsa, "") << "both are in use";
  EXPECT_EQ(NextSelectors(domain_, kStart + 200 * kDay).ed25519, "");
  EXPECT_FALSE(RotationDue(domain_, kStart + 500 * kDay)) << "no selector is free";
  Go(211 * kDay);
  EXPECT_EQ(States(), "wp2 ACTIVE, wp2e ACTIVE");
  EXPECT_TRUE(RotationDue(domain_, kStart + 361 * kDay));
  EXPECT_EQ(Make(kStart + 361 * kDay).rsa, "wp1");
}

}  // namespace
}  // namespace wavepost
