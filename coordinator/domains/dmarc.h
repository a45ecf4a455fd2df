// Reads DMARC policies (RFC 7489) and says whether our mail would pass them. Pure; they are hostile.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "coordinator/domains/verdict.h"

namespace wavepost {

struct DmarcRecord {
  enum Policy { kNone, kQuarantine, kReject };
  Policy policy = kNone;
  Policy subdomain_policy = kNone;  // as `policy` where it is not said
  bool dkim_strict = false;
  bool spf_strict = false;
  std::string reports;    // behind rua=, as it stands there
  std::string fault;      // empty: good; otherwise what is wrong, as the end of "... cannot be read: "
  std::string suggested;  // with a fault: what was probably meant
};

// What receivers take for a DMARC record: it begins with "v=DMARC1" (section 6.3).
bool IsDmarc(std::string_view text);
// A record that somebody meant as one.
bool LooksLikeDmarc(std::string_view text);
DmarcRecord ParseDmarc(std::string_view text);

// The part of a name that somebody can register: "customer.co.uk" of "news.customer.co.uk" (public suffix list; without
// one, the last two labels). A public suffix is its own.
std::string OrganizationalDomain(std::string_view domain);

// Whether two domains are aligned (section 3.1): strict, the same; relaxed, of one organisation.
bool DmarcAligned(std::string_view from_domain, std::string_view other, bool strict);

// What was seen of a domain's policy, and how our mail with it in From is authenticated.
struct DmarcSight {
  std::string domain;                     // in From
  std::vector<std::string> texts;         // TXT records at _dmarc.DOMAIN
  std::string organization;               // the organisational domain, if it is another one
  std::vector<std::string> parent_texts;  // TXT records there
  std::string dkim_domain;                // d= of our signatures; empty: they do not verify yet
  std::string return_path_domain;         // whose SPF is checked
  std::string reports = {};               // our address for reports; empty: none
};
Verdict JudgeDmarc(const DmarcSight& sight);

}  // namespace wavepost
