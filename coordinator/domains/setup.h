// What a customer publishes for a sending domain. Pure.
#pragma once

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
};

// Label of a customer's own return path: "wpbounce.customer.example".
inline constexpr std::string_view kReturnPathLabel = "wpbounce";

// "_spf.mail.example": what a customer's SPF record includes.
std::string SpfName(const OurNames& ours);

// "wp1.K5ZJ2Q3M._dkim.mail.example": where the CNAME of a fixed selector ("wp1", "wp2", "wp1e", "wp2e") leads.
// domain_name: "tenants/{tenant}/sendingDomains/{domain}"; the middle label is a hash of it.
std::string DelegatedKeyName(const OurNames& ours, std::string_view domain_name, std::string_view selector);

// The records for the domain with the keys that it has (CREATED to RETIRED before remove_time), in the order in which a
// person would enter them: DKIM, return path, SPF, DMARC.
//
// TXT mode: one TXT per key; MX and SPF TXT for the return path name. CNAME mode: a CNAME per fixed selector; a CNAME
// for the return path name. Required: DKIM. All else is advice: mail passes DMARC by DKIM alone.
std::vector<v1::DnsRecord> RecordsToPublish(const OurNames& ours, const v1::SendingDomain& domain);

}  // namespace wavepost
