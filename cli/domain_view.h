// A sending domain as text for people. Pure. Texts of the server are made printable.
#pragma once

#include <cstddef>
#include <string>

#include "wavepost/v1/domains_service.pb.h"

namespace wavepost::cli {

// The domain's name, fit for a terminal and a command line.
std::string NameOf(const v1::SendingDomain& domain);

// After 'add' and 'rotate': what to publish, and the next step.
std::string SetupText(const v1::SendingDomain& domain);

// Everything: state, keys, records, the last look at them.
std::string DomainText(const v1::SendingDomain& domain, size_t columns);

// A look at the records: each of them, then the state and what it means. Lines are wrapped to `columns`.
std::string VerifyText(const v1::SendingDomain& domain, size_t columns);

// Records to publish for a zone file, with the next step as a comment.
std::string DomainZone(const v1::SendingDomain& domain);

}  // namespace wavepost::cli
