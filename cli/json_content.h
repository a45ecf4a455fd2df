// Tenants, domains, files, certificates and the cluster's identity as JSON for scripts; see json.h.
#pragma once

#include <string>

#include "cli/json.h"
#include "wavepost/v1/certificates_service.pb.h"
#include "wavepost/v1/domains_service.pb.h"
#include "wavepost/v1/files_service.pb.h"
#include "wavepost/v1/identity_service.pb.h"
#include "wavepost/v1/tenants_service.pb.h"

namespace wavepost::cli {

std::string StateWord(v1::SendingDomain::State state);  // "verified"
std::string StateWord(v1::DkimKeyInfo::State state);    // "active"
std::string ModeWord(v1::SendingDomain::Mode mode);     // "txt"

Json ToJson(const v1::Tenant& tenant);
Json ToJson(const v1::DnsRecord& record);
Json ToJson(const v1::RecordCheck& check);
Json ToJson(const v1::DkimKeyInfo& key);
Json ToJson(const v1::SendingDomain& domain);
Json ToJson(const v1::File& file);
Json ToJson(const v1::Certificate& certificate);
Json ToJson(const v1::EgressCheck& check);
Json ToJson(const v1::Identity& identity);

}  // namespace wavepost::cli
