#include "sender/delivery/holds.h"

#include <gtest/gtest.h>

namespace wavepost {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr HoldSubject kSubject = {.tenant = "tenants/acme",
                                  .campaign = "tenants/acme/campaigns/spring",
                                  .domain = "example.org",
                                  .site = "mimecast-eu",
                                  .provider = "mimecast",
                                  .egress_ip = "192.0.2.1"};

struct SelectCase {
  const char* name;
  v1::QueueSelector selector;
  bool selects;
};

v1::QueueSelector Make(std::string tenant, std::string campaign, std::string domain, std::string site, std::string ip) {
  v1::QueueSelector selector;
  selector.set_tenant(std::move(tenant));
  selector.set_campaign(std::move(campaign));
  selector.set_domain(std::move(domain));
  selector.set_site(std::move(site));
  selector.set_egress_ip(std::move(ip));
  return selector;
}

class SelectsTest : public ::testing::TestWithParam<SelectCase> {};

TEST_P(SelectsTest, Selects) {
  EXPECT_EQ(Selects(GetParam().selector, kSubject), GetParam().selects);
}

INSTANTIATE_TEST_SUITE_P(
    Selectors, SelectsTest,
    ::testing::Values(SelectCase{"Tenant", Make("tenants/acme", "", "", "", ""), true},
                      SelectCase{"OtherTenant", Make("tenants/acm", "", "", "", ""), false},
                      SelectCase{"Campaign", Make("", "tenants/acme/campaigns/spring", "", "", ""), true},
                      SelectCase{"OtherCampaign", Make("", "tenants/acme/campaigns/summer", "", "", ""), false},
                      SelectCase{"Domain", Make("", "", "example.org", "", ""), true},
                      SelectCase{"Site", Make("", "", "", "mimecast-eu", ""), true},
                      SelectCase{"SiteByProvider", Make("", "", "", "mimecast", ""), true},
                      SelectCase{"OtherSite", Make("", "", "", "mimecast-us", ""), false},
                      SelectCase{"EgressIp", Make("", "", "", "", "192.0.2.1"), true},
                      SelectCase{"AllMustFit", Make("tenants/acme", "", "example.net", "", ""), false},
                      SelectCase{"AllFit", Make("tenants/acme", "", "example.org", "mimecast", "192.0.2.1"), true},
                      SelectCase{"AnEmptyOneTakesNothing", Make("", "", "", "", ""), false}),
    [](const auto& param_info) { return param_info.param.name; });

TEST(HoldsTest, APauseEndsByItself) {
  v1::Pause pause;
  pause.set_name("pauses/1");
  pause.mutable_selector()->set_domain("example.org");
  pause.mutable_end_time()->set_seconds(absl::ToUnixSeconds(kNow) + 60);
  Holds holds;
  holds.Set({pause});
  ASSERT_NE(holds.Find(kSubject, kNow), nullptr);
  EXPECT_EQ(holds.NextEnd(kNow), kNow + absl::Seconds(60));
  EXPECT_EQ(holds.Find(kSubject, kNow + absl::Seconds(60)), nullptr);
  EXPECT_EQ(holds.NextEnd(kNow + absl::Seconds(60)), absl::InfiniteFuture());
}

}  // namespace
}  // namespace wavepost
