#include "coordinator/domains/setup.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace wavepost {
namespace {

const OurNames kOurs = {"mail.example", "bounce.mail.example", {"mx1.mail.example", "mx2.mail.example"}};

void AddKey(v1::SendingDomain* domain, const char* selector, const char* algorithm, v1::DkimKeyInfo::State state) {
  v1::DkimKeyInfo* key = domain->add_dkim_keys();
  key->set_selector(selector);
  key->set_algorithm(algorithm);
  key->set_state(state);
  key->set_public_txt(absl::StrCat("v=DKIM1; p=", selector));
}

v1::SendingDomain Customer(v1::SendingDomain::Mode mode) {
  v1::SendingDomain domain;
  domain.set_name("tenants/acme/sendingDomains/customer.example");
  domain.set_mode(mode);
  return domain;
}

// One line per record; '!' marks the required ones.
std::vector<std::string> Lines(const OurNames& ours, const v1::SendingDomain& domain) {
  std::vector<std::string> lines;
  for (const v1::DnsRecord& record : RecordsToPublish(ours, domain)) {
    lines.push_back(absl::StrCat(v1::DnsRecord::Purpose_Name(record.purpose()), record.required() ? "! " : " ",
                                 record.owner(), " ", record.type(), " ", record.data()));
  }
  return lines;
}

TEST(RecordsToPublish, TxtMode) {
  v1::SendingDomain domain = Customer(v1::SendingDomain::TXT);
  AddKey(&domain, "wp20261122", "rsa-sha256", v1::DkimKeyInfo::CREATED);
  AddKey(&domain, "wp20261122e", "ed25519-sha256", v1::DkimKeyInfo::CREATED);
  EXPECT_EQ(Lines(kOurs, domain), (std::vector<std::string>{
                                      "DKIM! wp20261122._domainkey.customer.example TXT v=DKIM1; p=wp20261122",
                                      "DKIM! wp20261122e._domainkey.customer.example TXT v=DKIM1; p=wp20261122e",
                                      "RETURN_PATH wpbounce.customer.example MX 10 mx1.mail.example",
                                      "RETURN_PATH wpbounce.customer.example MX 10 mx2.mail.example",
                                      "RETURN_PATH wpbounce.customer.example TXT v=spf1 include:_spf.mail.example ~all",
                                      "SPF customer.example TXT v=spf1 include:_spf.mail.example ~all",
                                      "DMARC _dmarc.customer.example TXT v=DMARC1; p=none",
                                  }));
}

TEST(RecordsToPublish, ARotationDoesNotMakeTheNextKeyRequired) {
  v1::SendingDomain domain = Customer(v1::SendingDomain::TXT);
  AddKey(&domain, "retired", "rsa-sha256", v1::DkimKeyInfo::RETIRED);
  AddKey(&domain, "active", "rsa-sha256", v1::DkimKeyInfo::ACTIVE);
  AddKey(&domain, "next", "rsa-sha256", v1::DkimKeyInfo::CREATED);
  AddKey(&domain, "first", "ed25519-sha256", v1::DkimKeyInfo::CREATED);
  AddKey(&domain, "seen", "rsa-sha256", v1::DkimKeyInfo::PUBLISHED);
  std::vector<std::string> required;
  for (const v1::DnsRecord& record : RecordsToPublish(kOurs, domain)) {
    if (record.required()) required.push_back(record.owner().substr(0, record.owner().find('.')));
  }
  EXPECT_EQ(absl::StrJoin(required, " "), "active first seen");
}

TEST(RecordsToPublish, CnameMode) {
  v1::SendingDomain domain = Customer(v1::SendingDomain::CNAME);
  AddKey(&domain, "wp2", "rsa-sha256", v1::DkimKeyInfo::ACTIVE);
  const std::string hash = DelegatedKeyName(kOurs, domain.name(), "wp1").substr(4, 16);
  EXPECT_EQ(Lines(kOurs, domain),
            (std::vector<std::string>{
                "DKIM wp1._domainkey.customer.example CNAME wp1." + hash + "._dkim.mail.example",
                "DKIM wp1e._domainkey.customer.example CNAME wp1e." + hash + "._dkim.mail.example",
                "DKIM! wp2._domainkey.customer.example CNAME wp2." + hash + "._dkim.mail.example",
                "DKIM wp2e._domainkey.customer.example CNAME wp2e." + hash + "._dkim.mail.example",
                "RETURN_PATH wpbounce.customer.example CNAME bounce.mail.example",
                "SPF customer.example TXT v=spf1 include:_spf.mail.example ~all",
                "DMARC _dmarc.customer.example TXT v=DMARC1; p=none",
            }));
}

TEST(RecordsToPublish, NothingWithoutANameOfOurs) {
  v1::SendingDomain domain = Customer(v1::SendingDomain::TXT);
  AddKey(&domain, "wp1", "rsa-sha256", v1::DkimKeyInfo::CREATED);
  EXPECT_EQ(Lines({}, domain), (std::vector<std::string>{"DKIM! wp1._domainkey.customer.example TXT v=DKIM1; p=wp1",
                                                         "DMARC _dmarc.customer.example TXT v=DMARC1; p=none"}));
  domain.set_mode(v1::SendingDomain::CNAME);
  EXPECT_EQ(Lines({}, domain), (std::vector<std::string>{"DMARC _dmarc.customer.example TXT v=DMARC1; p=none"}));
}

TEST(DelegatedKeyName, IsOfOneDomainAndStable) {
  const std::string name = DelegatedKeyName(kOurs, "tenants/acme/sendingDomains/customer.example", "wp1");
  EXPECT_EQ(name, "wp1.3fdyp3u3cjpsf5nj._dkim.mail.example");
  EXPECT_NE(name, DelegatedKeyName(kOurs, "tenants/other/sendingDomains/customer.example", "wp1"));
}

TEST(DmarcProposal, NamesWhoReadsReports) {
  OurNames ours = kOurs;
  ours.dmarc_reports = "dmarc@bounce.mail.example";
  EXPECT_EQ(Lines(ours, Customer(v1::SendingDomain::TXT)).back(),
            "DMARC _dmarc.customer.example TXT v=DMARC1; p=none; rua=mailto:dmarc@bounce.mail.example");
}

}  // namespace
}  // namespace wavepost
