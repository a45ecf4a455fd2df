// What has to stand in our own domain's DNS. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "coordinator/domains/setup.h"
#include "wavepost/v1/domains_service.pb.h"
#include "wavepost/v1/nodes_service.pb.h"

namespace wavepost {

// Keys of customers' domains in CNAME mode stand with us. More than so many are left out of the list, with a warning.
inline constexpr size_t kDelegatedRecordsMax = 1500;

// Where it stands that other domains' DMARC reports may come to an address of ours (RFC 7489 section 7.1). Only an
// address at or below the identity or return path domain is ours.
inline constexpr std::string_view kReportWelcome = "*._report._dmarc.";
// Where senders learn who wants their TLS reports (RFC 8460 section 3).
inline constexpr std::string_view kTlsReportName = "_smtp._tls.";

struct OwnRecords {
  std::vector<v1::DnsRecord> records;  // SPF, DKIM, return path, DMARC, reports, then customers' keys
  // Checks that need no look: what could not be put into records (state WRONG), with what to do.
  std::vector<v1::RecordCheck> problems;
  // What the operator should know of the SPF record though it is right: addresses that were left out. May be empty.
  std::string spf_note;
};

// own:       SendingDomain of our own keys.
// delegated: customers' domains in CNAME mode; others are skipped.
OwnRecords MakeOwnRecords(const OurNames& ours, const v1::SendingDomain& own, const std::vector<v1::EgressIp>& ips,
                          const std::vector<v1::SendingDomain>& delegated);

}  // namespace wavepost
