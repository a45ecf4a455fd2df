// No golden files: the wording may change, but each live fact has to be in each of the four sheets, and nothing that is
// not live.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "coordinator/identity/allow_list_facts.h"
#include "coordinator/identity/allow_list_sheet.h"
#include "coordinator/store/store_test_util.h"

namespace wavepost {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr SheetLanguage kLanguages[] = {SheetLanguage::kEnglish, SheetLanguage::kGerman};
constexpr SheetFormat kFormats[] = {SheetFormat::kMarkdown, SheetFormat::kHtml};

size_t CountOf(std::string_view text, std::string_view part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

std::string SheetOf(const AllowListFacts& facts, SheetLanguage language, SheetFormat format) {
  const auto sheet = WriteAllowListSheet(facts, language, format);
  EXPECT_TRUE(sheet.ok()) << sheet.status();
  return sheet.value_or("");
}

std::vector<std::string> AllSheets(const AllowListFacts& facts) {
  std::vector<std::string> out;
  for (const auto language : kLanguages) {
    for (const auto format : kFormats) out.push_back(SheetOf(facts, language, format));
  }
  return out;
}

class AllowListTest : public StoreTest {
 protected:
  void SetUp() override {
    Open();
    v1::Tenant tenant;
    tenant.set_name(kTenant);
    tenant.set_display_name("Acme & Söhne");
    tenant.set_fallback_from_address("umfrage@neutral.example");
    ASSERT_TRUE(store_->CreateTenant(tenant, {}).ok());
  }

  v1::EgressIp Ip(const std::string& address, const std::string& pool, const std::string& region = "eu") {
    v1::EgressIp ip;
    ip.set_address(address);
    ip.set_ehlo_name(absl::StrCat("out-", address.substr(address.find_last_of(".:") + 1), ".mail.example"));
    ip.set_pool(pool);
    ip.set_region(region);
    return ip;
  }
  void Attach(const std::vector<v1::EgressIp>& ips) {
    NodeAttach node;
    node.node_id = "sender-0";
    node.egress_ips = ips;
    ASSERT_TRUE(store_->AttachNode(node).ok());
  }
  void AddCampaign(const std::string& id, const std::string& from, const std::string& pool) {
    cluster::v1::StoredCampaign stored;
    stored.mutable_campaign()->set_name(absl::StrCat(kTenant, "/campaigns/", id));
    stored.mutable_campaign()->set_pool(pool);
    stored.mutable_campaign()->mutable_content()->set_from_address(from);
    const auto made = store_->CreateCampaign(stored, {});
    ASSERT_TRUE(made.ok()) << made.status();
  }
  void AddDomain(const std::string& domain, const std::string& return_path = "",
                 v1::SendingDomain::State state = v1::SendingDomain::VERIFIED) {
    cluster::v1::StoredSendingDomain stored;
    stored.mutable_domain()->set_state(state);
    stored.mutable_domain()->set_name(absl::StrCat(kTenant, "/sendingDomains/", domain));
    stored.mutable_domain()->set_return_path_domain(return_path);
    for (const auto& [selector, key_state] : {std::pair{"wpactive", v1::DkimKeyInfo::ACTIVE},
                                              {"wpretired", v1::DkimKeyInfo::RETIRED},
                                              {"wpcreated", v1::DkimKeyInfo::CREATED}}) {
      v1::DkimKeyInfo* key = stored.mutable_domain()->add_dkim_keys();
      key->set_selector(selector);
      key->set_algorithm("rsa-sha256");
      key->set_state(key_state);
    }
    ASSERT_TRUE(store_->CreateSendingDomain(kTenant, stored, {}).ok());
  }
  AllowListFacts Load() {
    const auto facts = LoadAllowListFacts(store_.get(), kTenant, ours_, "https://u.example/u/",
                                          absl::FromCivil(absl::CivilDay(2026, 11, 22), absl::UTCTimeZone()));
    EXPECT_TRUE(facts.ok()) << facts.status();
    return *facts;
  }

  OurNames ours_{.identity_domain = "mail.example", .return_path_domain = "bounce.mail.example", .mx_hosts = {}};
};

TEST_F(AllowListTest, EachLiveFactIsInEachSheet) {
  Attach({Ip("192.0.2.16", "bulk"), Ip("192.0.2.17", "bulk"), Ip("2001:db8::7", "bulk", "us"),
          Ip("198.51.100.9", "strangers")});
  AddCampaign("a", "survey@customer.example", "bulk");
  AddDomain("customer.example", "wpbounce.customer.example");
  AddDomain("neutral.example");
  AddDomain("unseen.example", "wpbounce.unseen.example", v1::SendingDomain::UNVERIFIED);
  AddCampaign("b", "boss@unseen.example", "bulk");
  AddCampaign("c", "boss@bank.example", "bulk");
  ASSERT_TRUE(store_
                  ->ChangeIdentity([](cluster::v1::StoredIdentity* stored, std::vector<v1::Event>*) {
                    stored->mutable_identity()->set_domain("mail.example");
                    v1::DkimKeyInfo* key = stored->mutable_own()->mutable_domain()->add_dkim_keys();
                    key->set_selector("wpown");
                    key->set_algorithm("ed25519-sha256");
                    key->set_state(v1::DkimKeyInfo::ACTIVE);
                    return absl::OkStatus();
                  })
                  .ok());
  for (const std::string& sheet : AllSheets(Load())) {
    for (const char* fact : {"192.0.2.16",
                             "192.0.2.17",
                             "2001:db8::7",
                             "192.0.2.16/31",
                             "out-16.mail.example",
                             "out-7.mail.example",
                             "bulk",
                             "us",
                             "survey@customer.example",
                             "umfrage@neutral.example",
                             "customer.example",
                             "neutral.example",
                             "b+TOKEN@bounce.mail.example",
                             "b+TOKEN@wpbounce.customer.example",
                             "_spf.mail.example",
                             "wpactive",
                             "wpown",
                             "rsa-sha256",
                             "ed25519-sha256",
                             "https://u.example/u/",
                             "TLS 1.2",
                             "MTA-STS",
                             "DANE",
                             "X-MS-Exchange-Organization-SkipSafeLinksProcessing"}) {
      EXPECT_THAT(sheet, HasSubstr(fact));
    }
    // Not of this tenant's campaigns, or not in force.
    for (const char* stranger :
         {"198.51.100.9", "out-9", "strangers", "unseen.example", "bank.example", "wpretired", "wpcreated"}) {
      EXPECT_THAT(sheet, Not(HasSubstr(stranger)));
    }
  }
}

TEST_F(AllowListTest, WhatIsTakenAwayIsGone) {
  Attach({Ip("192.0.2.16", "bulk"), Ip("192.0.2.17", "bulk")});
  AddCampaign("a", "survey@customer.example", "bulk");
  for (const std::string& sheet : AllSheets(Load())) EXPECT_THAT(sheet, HasSubstr("192.0.2.17"));
  Attach({Ip("192.0.2.16", "bulk")});
  for (const std::string& sheet : AllSheets(Load())) {
    EXPECT_THAT(sheet, Not(HasSubstr("192.0.2.17")));
    EXPECT_THAT(sheet, Not(HasSubstr("192.0.2.16/31")));
    EXPECT_THAT(sheet, HasSubstr("192.0.2.16"));
  }
}

TEST_F(AllowListTest, BothLanguagesSayTheSame) {
  Attach({Ip("192.0.2.16", "bulk"), Ip("192.0.2.19", "bulk"), Ip("2001:db8::7", "bulk", "us")});
  AddCampaign("a", "survey@customer.example", "bulk");
  AddDomain("customer.example", "wpbounce.customer.example");
  for (const AllowListFacts& facts : {Load(), AllowListFacts{}}) {
    for (const SheetFormat format : kFormats) {
      const std::string en = SheetOf(facts, SheetLanguage::kEnglish, format);
      const std::string de = SheetOf(facts, SheetLanguage::kGerman, format);
      EXPECT_NE(en, de);
      for (const char* mark : {"`", "<code>", "<li>", "\n- ", "\n1. ", "<ol>", "<h2>", "\n## ", "https://"}) {
        EXPECT_EQ(CountOf(en, mark), CountOf(de, mark)) << mark;
      }
    }
    for (const SheetLanguage language : kLanguages) {
      EXPECT_EQ(CountOf(SheetOf(facts, language, SheetFormat::kMarkdown), "`"),
                2 * CountOf(SheetOf(facts, language, SheetFormat::kHtml), "<code>"))
          << "facts of the two formats";
    }
  }
}

TEST_F(AllowListTest, WithoutCampaignsAllPools) {
  ASSERT_TRUE(store_
                  ->UpdateTenant(kTenant,
                                 [](v1::Tenant* tenant) {
                                   tenant->clear_fallback_from_address();
                                   return absl::OkStatus();
                                 })
                  .ok());
  Attach({Ip("192.0.2.16", "bulk"), Ip("198.51.100.9", "other")});
  AddDomain("customer.example");
  const AllowListFacts facts = Load();
  EXPECT_EQ(facts.ips.size(), 2u);
  EXPECT_THAT(facts.from_domains, ElementsAre("customer.example"));
  EXPECT_THAT(facts.from_addresses, IsEmpty());
  ASSERT_EQ(facts.dkim.size(), 1u);
  EXPECT_EQ(facts.dkim[0].selector, "wpactive");
}

TEST_F(AllowListTest, AddressesThatNobodySeesOnlyWhereThereAreNoOthers) {
  Attach({Ip("127.0.0.1", "bulk"), Ip("10.0.0.1", "bulk")});
  EXPECT_EQ(Load().ips.size(), 2u) << "a closed network";
  Attach({Ip("127.0.0.1", "bulk"), Ip("192.0.2.16", "bulk")});
  ASSERT_EQ(Load().ips.size(), 1u);
  EXPECT_EQ(Load().ips[0].address, "192.0.2.16");
}

TEST_F(AllowListTest, DefaultPoolHasTwoNames) {
  Attach({Ip("192.0.2.16", ""), Ip("192.0.2.17", "default"), Ip("192.0.2.18", "x")});
  AddCampaign("a", "a@b.example", "");
  EXPECT_EQ(Load().ips.size(), 2u);
}

TEST_F(AllowListTest, UnknownTenant) {
  EXPECT_TRUE(absl::IsNotFound(LoadAllowListFacts(store_.get(), "tenants/nobody", ours_, "", absl::Now()).status()));
}

TEST(AllowListSheetTest, EscapesEverything) {
  const std::string evil = "<script>alert(1)</script>&\"'`*_[x](y)\x1b\n# h";
  AllowListFacts facts;
  facts.tenant = evil;
  facts.ips.push_back({evil, evil, evil, evil});
  facts.blocks = facts.from_addresses = facts.from_domains = facts.return_paths = {evil};
  facts.dkim.push_back({evil, evil, evil});
  facts.spf_name = facts.unsubscribe_url = evil;
  for (const SheetLanguage language : kLanguages) {
    const std::string html = SheetOf(facts, language, SheetFormat::kHtml);
    EXPECT_THAT(html, Not(HasSubstr("<script")));
    EXPECT_THAT(html, HasSubstr("&lt;script&gt;"));
    EXPECT_THAT(html, Not(HasSubstr("\x1b")));
    EXPECT_EQ(CountOf(html, "<!DOCTYPE html>"), 1u);
    for (const char* outside : {"src=", "href=", "<link", "@import", "url(", "<script"}) {
      EXPECT_THAT(html, Not(HasSubstr(outside)));
    }
    const std::string markdown = SheetOf(facts, language, SheetFormat::kMarkdown);
    EXPECT_THAT(markdown, Not(HasSubstr("\n# h")));
    EXPECT_THAT(markdown, HasSubstr("`` <script>")) << "code that holds a backtick has a longer fence";
    EXPECT_THAT(markdown, HasSubstr("\\<script\\>"));
    EXPECT_EQ(markdown.find('\r'), std::string::npos);
  }
}

TEST(AllowListSheetTest, ThousandAddressesFit) {
  AllowListFacts facts;
  for (int i = 0; i < 1000; ++i) {
    facts.ips.push_back({absl::StrCat("198.51.", i / 250, ".", i % 250), "mail.example", "bulk", "eu"});
    facts.blocks.push_back(facts.ips.back().address);
  }
  for (const std::string& sheet : AllSheets(facts)) EXPECT_THAT(sheet, HasSubstr("198.51.3.249"));
}

}  // namespace
}  // namespace wavepost
