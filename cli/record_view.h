// DNS records to publish, and what a look at them showed, as text for people. Pure. Texts of the server are made
// printable.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "wavepost/v1/domains_service.pb.h"

namespace wavepost::cli {

using DnsRecords = google::protobuf::RepeatedPtrField<v1::DnsRecord>;
using RecordChecks = google::protobuf::RepeatedPtrField<v1::RecordCheck>;

// A table with purpose, need, type, name and value, the value last and whole so that it can be copied; below it why
// each kind is needed, a phrase each.
std::string RecordsText(const DnsRecords& records);

// Lines for a zone file, a comment with need and reason above each.
std::string RecordsZone(const DnsRecords& records);

// Per record how it stands; where that is not OK, or OK has a catch, what was found and the advice, wrapped to
// `columns`.
std::string ChecksText(const RecordChecks& checks, size_t columns);

// "OK", "missing", "wrong"; else "no answer".
std::string_view StateText(v1::RecordCheck::State state);

// Required records that were missing or wrong; unanswered ones too.
int RequiredNotOk(const RecordChecks& checks);

}  // namespace wavepost::cli
