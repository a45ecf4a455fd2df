#include "coordinator/names/resource_names.h"

#include <gtest/gtest.h>

#include <string>

namespace wavepost {
namespace {

struct NameRow {
  const char* name;
  std::string text;
  std::string kind;  // which Parse takes it; empty: none
};

class NameTest : public testing::TestWithParam<NameRow> {};

// The kind of name that `text` is; checks that it formats back to itself.
template <class Name>
void Try(const std::string& text, const std::string& kind, std::string* found) {
  const auto parsed = Name::Parse(text);
  if (!parsed.has_value()) return;
  EXPECT_EQ(*found, "") << text << " is a " << *found << " and a " << kind;
  EXPECT_EQ(parsed->ToString(), text);
  *found = kind;
}

TEST_P(NameTest, IsOfOneKindAndFormatsBack) {
  std::string found;
  Try<TenantName>(GetParam().text, "tenant", &found);
  Try<SendingDomainName>(GetParam().text, "domain", &found);
  Try<SuppressionName>(GetParam().text, "suppression", &found);
  Try<FileName>(GetParam().text, "file", &found);
  Try<CertificateName>(GetParam().text, "certificate", &found);
  Try<CampaignName>(GetParam().text, "campaign", &found);
  Try<WaveName>(GetParam().text, "wave", &found);
  Try<RecipientName>(GetParam().text, "recipient", &found);
  EXPECT_EQ(found, GetParam().kind);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, NameTest,
    testing::Values(NameRow{"Tenant", "tenants/default", "tenant"}, NameRow{"TenantDash", "tenants/a-1", "tenant"},
                    NameRow{"TenantLongest", "tenants/" + std::string(63, 'a'), "tenant"},
                    NameRow{"TenantTooLong", "tenants/" + std::string(64, 'a'), ""},
                    NameRow{"TenantDigitFirst", "tenants/1a", ""}, NameRow{"TenantUpper", "tenants/Default", ""},
                    NameRow{"TenantEmpty", "tenants/", ""}, NameRow{"TenantSlash", "tenants/a/", ""},
                    NameRow{"NoCollection", "default", ""}, NameRow{"Empty", "", ""},
                    NameRow{"LeadingSlash", "/tenants/a", ""}, NameRow{"Nul", std::string("tenants/a\0b", 11), ""},
                    NameRow{"Campaign", "tenants/a/campaigns/2026-spring", "campaign"},
                    NameRow{"CampaignUnderscore", "tenants/a/campaigns/x_y", ""},
                    NameRow{"CampaignDashFirst", "tenants/a/campaigns/-x", ""},
                    NameRow{"CampaignEmpty", "tenants/a/campaigns/", ""},
                    NameRow{"CampaignBadTenant", "tenants/A/campaigns/x", ""},
                    NameRow{"Wave", "tenants/a/campaigns/c/waves/w1", "wave"},
                    NameRow{"WaveSlash", "tenants/a/campaigns/c/waves/w1/", ""},
                    NameRow{"WaveWithoutCampaign", "tenants/a/waves/w1", ""},
                    NameRow{"Recipient", "tenants/a/campaigns/c/waves/w/recipients/w12-0", "recipient"},
                    NameRow{"RecipientLeadingZero", "tenants/a/campaigns/c/waves/w/recipients/w12-01", ""},
                    NameRow{"RecipientTooLarge", "tenants/a/campaigns/c/waves/w/recipients/w12-4294967296", ""},
                    NameRow{"RecipientTail", "tenants/a/campaigns/c/waves/w/recipients/w12-1/x", ""},
                    NameRow{"Domain", "tenants/a/sendingDomains/mail.example.com", "domain"},
                    NameRow{"DomainUpper", "tenants/a/sendingDomains/Example.com", ""},
                    NameRow{"Suppression", "tenants/a/suppressions/jane@example.com", "suppression"},
                    NameRow{"SuppressionWithSlash", "tenants/a/suppressions/a/b@example.com", "suppression"},
                    NameRow{"SuppressionEmpty", "tenants/a/suppressions/", ""},
                    NameRow{"File", "tenants/a/files/" + std::string(64, 'f'), "file"},
                    NameRow{"FileUpper", "tenants/a/files/" + std::string(64, 'F'), ""},
                    NameRow{"FileShort", "tenants/a/files/" + std::string(63, '0'), ""},
                    NameRow{"FileLong", "tenants/a/files/" + std::string(65, '0'), ""},
                    NameRow{"FileTail", "tenants/a/files/" + std::string(64, '0') + "/x", ""},
                    NameRow{"FileNotHex", "tenants/a/files/" + std::string(63, '0') + "g", ""},
                    NameRow{"Certificate", "tenants/a/certificates/" + std::string(64, '9'), "certificate"},
                    NameRow{"CertificateShort", "tenants/a/certificates/" + std::string(40, '9'), ""},
                    NameRow{"TooLong", "tenants/a/suppressions/" + std::string(2000, 'x'), ""}),
    [](const auto& row) { return row.param.name; });

TEST(NameTest, TenantPartOfAnyName) {
  EXPECT_EQ(TenantPartOf("tenants/a/campaigns/c/waves/w"), "tenants/a");
  EXPECT_EQ(TenantPartOf("tenants/a"), "tenants/a");
  EXPECT_EQ(TenantPartOf("nodes/a"), std::nullopt);
  EXPECT_EQ(TenantPartOf("tenants/a/"), std::nullopt);
  EXPECT_EQ(TenantPartOf("tenants/../a"), std::nullopt);
}

TEST(NameTest, Ids) {
  EXPECT_TRUE(IsResourceId("0"));
  EXPECT_TRUE(IsResourceId("a-"));
  EXPECT_FALSE(IsResourceId(""));
  EXPECT_FALSE(IsResourceId("a.b"));
  EXPECT_FALSE(IsTenantId("0"));
}

}  // namespace
}  // namespace wavepost
