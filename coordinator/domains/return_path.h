// Judges what stands at the name that a customer lends us for return paths ("wpbounce.customer.example"). Pure.
#pragma once

#include <string>
#include <vector>

#include "common/dns/records.h"
#include "coordinator/domains/verdict.h"

namespace wavepost {

struct ReturnPathSight {
  std::string owner;                  // "wpbounce.customer.example"
  std::string domain;                 // "customer.example"
  std::string return_path_domain;     // ours
  std::vector<std::string> mx_hosts;  // ours
  std::string cname;                  // at the owner; empty: none
  std::vector<MxRecord> mx;           // there, aliases followed
  std::vector<MxRecord> target_mx;    // at the end of the alias, if there is one
  std::vector<std::string> texts;     // TXT there, aliases followed
  std::vector<std::string> target_texts;
  bool has_address = false;  // asked for only where there is no MX
};

// wanted_host: the MX host of the record that is checked, one of sight.mx_hosts.
Verdict JudgeReturnPathMx(const ReturnPathSight& sight, const std::string& wanted_host);
// CNAME mode.
Verdict JudgeReturnPathAlias(const ReturnPathSight& sight);

}  // namespace wavepost
