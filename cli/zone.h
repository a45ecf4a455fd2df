// DNS records as lines of a zone file (RFC 1035 section 5.1). Pure.
#pragma once

#include <string>

#include "wavepost/v1/domains_service.pb.h"

namespace wavepost::cli {

inline constexpr size_t kTxtStringBytesMax = 255;  // RFC 1035 section 3.3.14: one string of a TXT record

// "owner. 3600 IN TYPE data" and '\n'. Names end with their dot. The text of a TXT record is cut into strings of at
// most kTxtStringBytesMax bytes, which DNS puts together again, and quoted. Bytes that would mean something else to a
// zone file, and all that are not printable ASCII, are written as \DDD: a record of a hostile server stays one line.
std::string ZoneLine(const v1::DnsRecord& record);

}  // namespace wavepost::cli
