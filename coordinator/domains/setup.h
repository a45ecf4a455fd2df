// What a customer publishes for a sending domain. Pure.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "wavepost/v1/domains_service.pb.h"

namespace wavepost {

// Our side of it, from the configuration.
struct OurNames {
  std::string identity_domain;        // "mail.example"; empty: no identity, TXT mode only, no SPF include
  std::string return_path_domain;     // "bounce.mail.example"
  std::vector<std::string> mx_hosts;  // of the return path domain; for MX records of customers in TXT mode
  std::string dmarc_reports = {};     // address for DMARC reports, "dmarc@bounce.mail.example"; empty: nobody wants any
  std::string tls_reports = {};       // the same for TLS reports about the return path domain
};

// Label of a customer's own return path: "wpbounce.customer.example".
inline constexpr std::string_view kReturnPathLabel = "wpbounce";

// "customer.example" of "tenants/{tenant}/sendingDomains/customer.example".
std::string DomainOf(const v1::SendingDomain& domain);

// "_spf.mail.example": what a customer's SPF record includes.
std::string SpfName(const OurNames& ours);

// "v=DMARC1; p=none", with rua= if somebody reads the reports that go to `reports`.
std::string DmarcProposal(std::string_view reports);

// The selectors that a domain in CNAME mode points at us, once and for all.
inline constexpr std::array<std::string_view, 4> kFixedSelectors = {"wp1", "wp1e", "wp2", "wp2e"};

// "wp1.k5zj2q3m4n5p6q7r._dkim.mail.example": where the CNAME of a fixed selector leads. domain_name:
// "tenants/{tenant}/sendingDomains/{domain}"; the second label is a hash of it, too long for anybody to make another
// name with the same one.
std::string DelegatedKeyName(const OurNames& ours, std::string_view domain_name, std::string_view selector);

// The records for the domain with the keys that it has (CREATED to RETIRED before remove_time), in the order in which a
// person would enter them: DKIM, return path, SPF, DMARC.
//
// TXT mode: one TXT per key; MX and SPF TXT for the return path name. CNAME mode: a CNAME per fixed selector; a CNAME
// for the return path name. Nothing that our configuration has no name for.
//
// Required: DKIM of the keys that sign, or will be the first to (not of the next ones, nor of those retired: a rotation
// costs no domain its verification). All else is advice: mail passes DMARC by DKIM alone.
std::vector<v1::DnsRecord> RecordsToPublish(const OurNames& ours, const v1::SendingDomain& domain);

}  // namespace wavepost
