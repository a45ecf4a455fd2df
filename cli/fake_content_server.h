// The part of the fake coordinator that knows tenants, domains, files, certificates, identity and nodes: what it says
// is what a test puts here; what it was asked is kept.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "wavepost/v1/certificates_service.pb.h"
#include "wavepost/v1/domains_service.pb.h"
#include "wavepost/v1/files_service.pb.h"
#include "wavepost/v1/identity_service.pb.h"
#include "wavepost/v1/nodes_service.pb.h"
#include "wavepost/v1/reports_service.pb.h"
#include "wavepost/v1/tenants_service.pb.h"

namespace wavepost::cli {

struct FakeContent {
  std::map<std::string, v1::Tenant> tenants;
  std::vector<std::string> masks;  // of updates, paths joined by commas

  std::map<std::string, v1::SendingDomain> domains;
  std::vector<v1::DnsRecord> records;    // what a new domain has to publish
  std::deque<v1::SendingDomain> looks;   // one per verification; the last one stays. Its name is set here.
  std::deque<std::string> broken_looks;  // reasons; while there are any, a verification fails with the first one
  int verifications = 0;

  std::map<std::string, v1::File> files;
  std::vector<size_t> chunk_bytes;  // of uploads, in order
  bool spoil_uploads = false;       // says that it stored something else
  int files_max = 1000;

  std::map<std::string, v1::Certificate> certificates;
  std::string certificate_password;  // the right one
  std::string pkcs12;                // the last one that came

  v1::Identity identity;
  int identity_checks = 0;
  std::string sheet = "# Allow-list\n";
  v1::GetAllowListSheetRequest sheet_request;

  std::vector<v1::Node> nodes;

  v1::ListDmarcSourcesResponse dmarc;
  v1::ListTlsResultsResponse tls;
  v1::ListAggregateReportsResponse reports;
  std::string report_parent;  // the last one asked for
  int report_days = 0;        // likewise
};

}  // namespace wavepost::cli
