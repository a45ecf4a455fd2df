#include "coordinator/api/queue_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/rpc/status.h"

namespace wavepost {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

const Caller kOperator{.is_operator = true};
const Caller kAcme{.tenant = "tenants/acme"};

struct SelectorRow {
  const char* name;
  const char* tenant;
  const char* campaign;
  const char* domain;
  const char* site;
  const char* egress_ip;
  const char* operator_says;  // "" good; else the reason
  const char* tenant_says;
};

class CheckSelectorTest : public testing::TestWithParam<SelectorRow> {};

TEST_P(CheckSelectorTest, Decides) {
  const SelectorRow& row = GetParam();
  v1::QueueSelector selector;
  selector.set_tenant(row.tenant);
  selector.set_campaign(row.campaign);
  selector.set_domain(row.domain);
  selector.set_site(row.site);
  selector.set_egress_ip(row.egress_ip);
  const auto by_operator = CheckSelector(kOperator, "selector", selector);
  EXPECT_EQ(ReasonOf(by_operator.status()), row.operator_says) << by_operator.status();
  const auto by_tenant = CheckSelector(kAcme, "selector", selector);
  EXPECT_EQ(ReasonOf(by_tenant.status()), row.tenant_says) << by_tenant.status();
  if (by_tenant.ok()) {
    EXPECT_EQ(by_tenant->tenant(), "tenants/acme");
  }
}

INSTANTIATE_TEST_SUITE_P(
    Rows, CheckSelectorTest,
    testing::Values(SelectorRow{"Nothing", "", "", "", "", "", "BAD_SELECTOR", "BAD_SELECTOR"},
                    SelectorRow{"OwnTenant", "tenants/acme", "", "", "", "", "", ""},
                    SelectorRow{"OtherTenant", "tenants/other", "", "", "", "", "", "FOREIGN_MAIL"},
                    SelectorRow{"OwnCampaign", "", "tenants/acme/campaigns/c", "", "", "", "", ""},
                    SelectorRow{"OtherCampaign", "", "tenants/other/campaigns/c", "", "", "", "", "FOREIGN_MAIL"},
                    SelectorRow{"CampaignOfAnother", "tenants/acme", "tenants/other/campaigns/c", "", "", "",
                                "BAD_SELECTOR", "FOREIGN_MAIL"},
                    SelectorRow{"Domain", "", "", "Example.COM", "", "", "", ""},
                    SelectorRow{"BadDomain", "", "", "no spaces.example", "", "", "BAD_SELECTOR", "BAD_SELECTOR"},
                    SelectorRow{"BadTenant", "acme", "", "", "", "", "BAD_SELECTOR", "BAD_SELECTOR"},
                    SelectorRow{"BadCampaign", "", "c", "", "", "", "BAD_SELECTOR", "BAD_SELECTOR"},
                    SelectorRow{"Site", "", "", "", "google", "", "", "FOREIGN_MAIL"},
                    SelectorRow{"BadSite", "", "", "", "goo\ngle", "", "BAD_SELECTOR", "BAD_SELECTOR"},
                    SelectorRow{"Ip", "", "", "", "", "192.0.2.1", "", "FOREIGN_MAIL"}),
    [](const auto& row) { return row.param.name; });

TEST(CheckSelectorTest, NormalisesAndFillsIn) {
  v1::QueueSelector selector;
  selector.set_campaign("tenants/acme/campaigns/c");
  selector.set_domain(
      "B\xc3\xbc"
      "cher.Example");
  const auto checked = CheckSelector(kOperator, "selector", selector);
  ASSERT_TRUE(checked.ok()) << checked.status();
  EXPECT_EQ(checked->tenant(), "tenants/acme");
  EXPECT_EQ(checked->domain(), "xn--bcher-kva.example");
}

TEST(QueueCheckTest, EndTimesAndReasons) {
  google::protobuf::Timestamp end;
  end.set_seconds(1'700'000'000);
  EXPECT_EQ(ReasonOf(CheckEndTime("end_time", end, kNow)), "BAD_END_TIME");
  end.set_nanos(1);
  EXPECT_TRUE(CheckEndTime("end_time", end, kNow).ok());
  end.set_seconds(1'800'000'000);
  EXPECT_EQ(ReasonOf(CheckEndTime("end_time", end, kNow)), "BAD_END_TIME");
  EXPECT_TRUE(CheckReason("reason", std::string(500, 'x')).ok());
  EXPECT_EQ(ReasonOf(CheckReason("reason", std::string(501, 'x'))), "BAD_REASON");
  EXPECT_EQ(ReasonOf(CheckReason("reason", "a\nb")), "BAD_REASON");
}

TEST(QueueCheckTest, AddressesAndDomains) {
  EXPECT_EQ(*CheckAddressOrDomain("Jane@Example.COM"), "Jane@example.com");
  EXPECT_EQ(*CheckAddressOrDomain("Example.COM"), "example.com");
  for (const char* bad : {"", "@", "a@", "a b", "example"}) {
    EXPECT_EQ(ReasonOf(CheckAddressOrDomain(bad).status()), "BAD_ADDRESS") << bad;
  }
}

TEST(QueueCheckTest, ATenantSeesNobodyElse) {
  v1::PathExplanation path;
  for (const char* recipient : {"w1-5", "w2-5", "w3-1", "x", "", "w99999999999-1"}) {
    path.add_waiting()->set_recipient(recipient);
  }
  path.add_pauses()->set_creator("tenants/acme");
  v1::Pause* about_other = path.add_pauses();
  about_other->set_creator("operator");
  about_other->mutable_selector()->set_tenant("tenants/other");
  v1::Pause* about_all = path.add_pauses();
  about_all->set_creator("operator");
  about_all->mutable_selector()->set_domain("example.com");
  const auto tenant_of = [](uint32_t wave) -> std::optional<std::string> {
    if (wave == 1) return "tenants/acme";
    if (wave == 2) return "tenants/other";
    return std::nullopt;
  };
  v1::PathExplanation all = path;
  HideForeign(kOperator, tenant_of, &all);
  EXPECT_EQ(all.waiting_size(), 6);
  HideForeign(kAcme, tenant_of, &path);
  ASSERT_EQ(path.waiting_size(), 1);
  EXPECT_EQ(path.waiting(0).recipient(), "w1-5");
  EXPECT_EQ(path.pauses_size(), 2);
}

struct SummaryRow {
  const char* name;
  void (*change)(v1::PathExplanation*);
  const char* summary;
};

class HiddenSummaryTest : public testing::TestWithParam<SummaryRow> {};

// w1 is acme's; everything else is somebody else's.
TEST_P(HiddenSummaryTest, SaysOnlyWhatIsLeft) {
  v1::PathExplanation path;
  path.set_domain("example.com");
  path.set_summary("About others.");
  GetParam().change(&path);
  HideForeign(
      kAcme, [](uint32_t wave) { return std::optional<std::string>(wave == 1 ? "tenants/acme" : "tenants/other"); },
      &path);
  EXPECT_EQ(path.summary(), GetParam().summary);
}

void AddPause(v1::PathExplanation* path, const char* name, const char* tenant) {
  v1::Pause* pause = path->add_pauses();
  pause->set_name(name);
  pause->set_creator("operator");
  pause->mutable_selector()->set_tenant(tenant);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, HiddenSummaryTest,
    testing::Values(SummaryRow{"NothingTakenOut",
                               [](v1::PathExplanation* p) { p->add_waiting()->set_recipient("w1-1"); },
                               "About others."},
                    SummaryRow{"NothingLeft", [](v1::PathExplanation* p) { p->add_waiting()->set_recipient("w2-1"); },
                               "Nothing of yours waits."},
                    SummaryRow{"OwnWaits",
                               [](v1::PathExplanation* p) {
                                 p->add_waiting()->set_recipient("w2-1");
                                 p->add_waiting()->set_recipient("w1-1");
                               },
                               "Waits; see each recipient."},
                    SummaryRow{"ForeignPause",
                               [](v1::PathExplanation* p) {
                                 AddPause(p, "pauses/2", "tenants/other");
                                 p->add_waiting()->set_recipient("w1-1");
                               },
                               "Waits; see each recipient."},
                    SummaryRow{"OwnPauseBehindAForeignOne",
                               [](v1::PathExplanation* p) {
                                 AddPause(p, "pauses/2", "tenants/other");
                                 AddPause(p, "pauses/3", "tenants/acme");
                               },
                               "Held by pauses/3."},
                    SummaryRow{"Stopped",
                               [](v1::PathExplanation* p) {
                                 p->add_waiting()->set_recipient("w2-1");
                                 p->mutable_stopped_until()->set_seconds(5);
                                 p->set_stopped_reason("throttled");
                               },
                               "Nothing starts from this address before its stop ends: throttled"},
                    SummaryRow{"NoHost",
                               [](v1::PathExplanation* p) {
                                 p->add_waiting()->set_recipient("w2-1");
                                 p->set_dns_problem("no such domain");
                               },
                               "No host takes mail for example.com: no such domain"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace wavepost
