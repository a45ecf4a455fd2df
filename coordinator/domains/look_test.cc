// What one look does to a domain, row by row; the keeper's test has the days in a row.
#include "coordinator/domains/look.h"

#include <gmock/gmock.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/store/proto_time.h"

namespace wavepost {
namespace {

using Domain = v1::SendingDomain;
using Check = v1::RecordCheck;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr absl::Duration kDay = absl::Hours(24);
const OurNames kOurs = {.identity_domain = "op.example", .return_path_domain = "b.op.example", .mx_hosts = {}};

Check MakeCheck(v1::DnsRecord::Purpose purpose, bool required, Check::State state) {
  Check check;
  check.mutable_record()->set_purpose(purpose);
  check.mutable_record()->set_required(required);
  check.mutable_record()->set_owner(absl::StrCat("record", static_cast<int>(purpose), ".a.example"));
  check.mutable_record()->set_type("TXT");
  check.set_state(state);
  if (state != Check::OK) check.set_advice("Publish it.");
  return check;
}

struct LookRow {
  const char* name;
  std::vector<Check::State> required;
  Domain::State before;
  int failed_before;
  absl::Duration age;    // of the domain
  absl::Duration early;  // how long before the look was due
  Domain::State after;
  int failed_after;
  absl::Duration next;  // from now; negative: stays
  const char* event;    // empty: none
};

class LookTest : public testing::TestWithParam<LookRow> {};

TEST_P(LookTest, StateCounterNextLookAndEvent) {
  const LookRow& row = GetParam();
  cluster::v1::StoredSendingDomain stored;
  Domain& domain = *stored.mutable_domain();
  domain.set_name("tenants/t/sendingDomains/a.example");
  domain.set_state(row.before);
  domain.set_failed_checks(row.failed_before);
  *domain.mutable_create_time() = ToProtoTime(kNow - row.age);
  v1::DkimKeyInfo& key = *domain.add_dkim_keys();
  key.set_selector("wp1");
  key.set_algorithm("rsa-sha256");
  key.set_state(v1::DkimKeyInfo::ACTIVE);
  *stored.mutable_next_check_time() = ToProtoTime(kNow + row.early);
  std::vector<Check> checks = {MakeCheck(v1::DnsRecord::DMARC, false, Check::WRONG)};
  for (const Check::State state : row.required) checks.push_back(MakeCheck(v1::DnsRecord::DKIM, true, state));
  std::vector<v1::Event> events;
  ApplyLook(kOurs, {}, kNow, checks, &stored, &events);
  EXPECT_EQ(domain.state(), row.after);
  EXPECT_EQ(domain.failed_checks(), row.failed_after);
  EXPECT_EQ(domain.checks_size(), static_cast<int>(checks.size()));
  EXPECT_EQ(FromProtoTime(domain.check_time()), kNow);
  EXPECT_EQ(FromProtoTime(stored.next_check_time()) - kNow, row.next);
  EXPECT_GT(domain.dns_records_size(), 0);
  if (*row.event == '\0') {
    EXPECT_TRUE(events.empty()) << events[0].text();
  } else {
    ASSERT_EQ(events.size(), 1u);
    EXPECT_THAT(events[0].text(), testing::HasSubstr(row.event));
    EXPECT_EQ(events[0].kind(), v1::Event::DOMAIN_CHANGED);
  }
}

constexpr auto kOk = Check::OK;
constexpr auto kGone = Check::MISSING;
constexpr auto kBad = Check::WRONG;
constexpr auto kMute = Check::UNKNOWN;
constexpr auto kH = absl::Hours(1);
constexpr auto kZero = absl::ZeroDuration();

INSTANTIATE_TEST_SUITE_P(
    Looks, LookTest,
    testing::Values(
        LookRow{"FirstOk", {kOk, kOk}, Domain::UNVERIFIED, 2, kH, kZero, Domain::VERIFIED, 0, kDay, "is verified"},
        LookRow{"HalfIsNotEnough", {kOk, kGone}, Domain::UNVERIFIED, 0, kH, kZero, Domain::UNVERIFIED, 1, kH, ""},
        LookRow{"HalfKnownIsNotEnough", {kOk, kMute}, Domain::UNVERIFIED, 0, kH, kZero, Domain::UNVERIFIED, 0, kH, ""},
        LookRow{"NothingRequired", {}, Domain::UNVERIFIED, 0, kH, kZero, Domain::UNVERIFIED, 0, kH, ""},
        LookRow{"OldRecord", {kGone}, Domain::STATE_UNSPECIFIED, 0, 9 * kDay, kZero, Domain::UNVERIFIED, 1, kDay, ""},
        LookRow{"NewIsLookedAtHourly",
                {kGone},
                Domain::UNVERIFIED,
                9,
                3 * kDay - kH,
                kZero,
                Domain::UNVERIFIED,
                10,
                kH,
                ""},
        LookRow{"ThenDaily", {kGone}, Domain::UNVERIFIED, 9, 3 * kDay, kZero, Domain::UNVERIFIED, 10, kDay, ""},
        LookRow{"StaysVerified", {kOk}, Domain::VERIFIED, 0, 9 * kDay, kZero, Domain::VERIFIED, 0, kDay, ""},
        LookRow{"FirstFailure",
                {kOk, kBad},
                Domain::VERIFIED,
                0,
                9 * kDay,
                kDay,
                Domain::VERIFIED,
                1,
                kH,
                "a.example: a record is not in order any more. record1.a.example TXT: Publish it."},
        LookRow{"SecondFailureTooEarly",
                {kGone},
                Domain::VERIFIED,
                1,
                9 * kDay,
                absl::Minutes(1),
                Domain::VERIFIED,
                1,
                absl::Minutes(1),
                ""},
        LookRow{"SecondFailure", {kGone}, Domain::VERIFIED, 1, 9 * kDay, kZero, Domain::VERIFIED, 2, kH, ""},
        LookRow{"ThirdFailureTooEarly",
                {kGone},
                Domain::VERIFIED,
                2,
                9 * kDay,
                absl::Seconds(1),
                Domain::VERIFIED,
                2,
                absl::Seconds(1),
                ""},
        LookRow{"ThirdFailure",
                {kGone},
                Domain::VERIFIED,
                2,
                9 * kDay,
                kZero,
                Domain::LOST,
                3,
                kH,
                "a.example is lost: 3 looks in a row failed. record1.a.example TXT: Publish it. Campaigns"},
        LookRow{"NoAnswerDoesNotCount", {kMute}, Domain::VERIFIED, 2, 9 * kDay, kZero, Domain::VERIFIED, 2, kH, ""},
        LookRow{"NoAnswerBesideAFailure",
                {kMute, kGone},
                Domain::VERIFIED,
                2,
                9 * kDay,
                kZero,
                Domain::LOST,
                3,
                kH,
                "is lost"},
        LookRow{"BackInOrder",
                {kOk},
                Domain::VERIFIED,
                2,
                9 * kDay,
                kDay,
                Domain::VERIFIED,
                0,
                kDay,
                "a.example is in order again"},
        LookRow{"LostStaysLost", {kGone}, Domain::LOST, 5, 9 * kDay, kZero, Domain::LOST, 6, kH, ""},
        LookRow{"LostForLongIsLookedAtDaily", {kGone}, Domain::LOST, 71, 9 * kDay, kZero, Domain::LOST, 72, kDay, ""},
        LookRow{"LostWithoutAnswer", {kMute}, Domain::LOST, 5, 9 * kDay, kZero, Domain::LOST, 5, kH, ""},
        LookRow{"FoundAgain", {kOk}, Domain::LOST, 5, 9 * kDay, kH, Domain::VERIFIED, 0, kDay, "is verified again"}),
    [](const auto& row) { return row.param.name; });

struct PathRow {
  const char* name;
  std::vector<Check::State> seen;
  const char* before;
  const char* after;
};

class ReturnPathChoiceTest : public testing::TestWithParam<PathRow> {};

TEST_P(ReturnPathChoiceTest, FollowsItsRecords) {
  cluster::v1::StoredSendingDomain stored;
  stored.mutable_domain()->set_name("tenants/t/sendingDomains/a.example");
  stored.mutable_domain()->set_return_path_domain(GetParam().before);
  std::vector<Check> checks;
  for (const Check::State state : GetParam().seen) {
    checks.push_back(MakeCheck(v1::DnsRecord::RETURN_PATH, false, state));
  }
  std::vector<v1::Event> events;
  ApplyLook(kOurs, {}, kNow, checks, &stored, &events);
  EXPECT_EQ(stored.domain().return_path_domain(), GetParam().after);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, ReturnPathChoiceTest,
    testing::Values(PathRow{"Ok", {kOk, kOk}, "", "wpbounce.a.example"},
                    PathRow{"HalfWrong", {kOk, kBad}, "wpbounce.a.example", ""},
                    PathRow{"Missing", {kGone, kMute}, "wpbounce.a.example", ""},
                    PathRow{"NoAnswerLeavesIt", {kOk, kMute}, "wpbounce.a.example", "wpbounce.a.example"},
                    PathRow{"NoAnswerSetsNothing", {kOk, kMute}, "", ""},
                    PathRow{"NoneToPublish", {}, "wpbounce.a.example", ""}),
    [](const auto& row) { return row.param.name; });

TEST(LookAtKeysTest, APublishedKeyIsLookedAtWhenItIsDueAndADestroyedOneIsGone) {
  cluster::v1::StoredSendingDomain stored;
  Domain& domain = *stored.mutable_domain();
  domain.set_name("tenants/t/sendingDomains/a.example");
  domain.set_state(Domain::VERIFIED);
  for (const auto& [selector, state] :
       {std::pair("wp1", v1::DkimKeyInfo::RETIRED), std::pair("wp2", v1::DkimKeyInfo::ACTIVE),
        std::pair("wp3", v1::DkimKeyInfo::PUBLISHED)}) {
    v1::DkimKeyInfo& key = *domain.add_dkim_keys();
    key.set_selector(selector);
    key.set_algorithm("rsa-sha256");
    key.set_state(state);
    stored.add_keys()->set_selector(selector);
  }
  *domain.mutable_dkim_keys(0)->mutable_retire_time() = ToProtoTime(kNow - 7 * kDay);
  *domain.mutable_dkim_keys(0)->mutable_remove_time() = ToProtoTime(kNow + 23 * kDay);
  *domain.mutable_dkim_keys(2)->mutable_published_time() = ToProtoTime(kNow - absl::Minutes(20));
  std::vector<v1::Event> events;
  ApplyLook(kOurs, {}, kNow, {MakeCheck(v1::DnsRecord::DKIM, true, kOk)}, &stored, &events);
  EXPECT_EQ(FromProtoTime(stored.next_check_time()), kNow + absl::Minutes(40));
  cluster::v1::StoredSendingDomain failing = stored;
  ApplyLook(kOurs, {}, kNow, {MakeCheck(v1::DnsRecord::DKIM, true, kGone)}, &failing, &events);
  EXPECT_EQ(FromProtoTime(failing.next_check_time()), kNow + absl::Hours(1)) << "looks that count are an hour apart";
  ASSERT_EQ(stored.keys_size(), 2);
  EXPECT_EQ(stored.keys(0).selector(), "wp2");
  EXPECT_EQ(domain.dkim_keys_size(), 3);
}

}  // namespace
}  // namespace wavepost
