// Which TLSA records an SMTP client can use (RFC 7672 section 3), and how they are written. Pure.
#pragma once

#include <string>
#include <vector>

#include "common/dns/records.h"

namespace wavepost {

// DANE-TA or DANE-EE, known selector and matching type, data as long as its digest. Others are ignored by SMTP clients
// (RFC 7672 section 3.1.3 for PKIX usages).
bool IsUsableTlsa(const TlsaRecord& record);

std::vector<TlsaRecord> UsableTlsa(const std::vector<TlsaRecord>& records);

// "3 1 1 C0FFEE..." (RFC 6698 section 2.2)
std::string TlsaText(const TlsaRecord& record);

// "_25._tcp.mx.example"
std::string TlsaName(int port, const std::string& host);

}  // namespace wavepost
