#include "coordinator/domains/return_path.h"

#include <algorithm>
#include <asio/ip/address.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr size_t kHostsShown = 8;

bool IsOurs(const ReturnPathSight& sight, const std::string& host) {
  return std::any_of(sight.mx_hosts.begin(), sight.mx_hosts.end(),
                     [&](const std::string& ours) { return EqualsIgnoreCase(ours, host); });
}

bool IsAddress(const std::string& host) {
  asio::error_code error;
  asio::ip::make_address(host, error);
  return !error;
}

std::string Hosts(const std::vector<MxRecord>& mx) {
  const auto end = mx.begin() + static_cast<std::ptrdiff_t>(std::min(mx.size(), kHostsShown));
  return absl::StrJoin(mx.begin(), end, ", ", [](std::string* out, const MxRecord& record) {
    absl::StrAppend(out, record.host.empty() ? "." : record.host);
  });
}

std::vector<std::string> Found(const ReturnPathSight& sight) {
  std::vector<std::string> found;
  if (!sight.cname.empty()) found.push_back("CNAME " + sight.cname);
  for (const MxRecord& record : sight.mx) {
    found.push_back(absl::StrCat(record.preference, " ", record.host.empty() ? "." : record.host));
  }
  return found;
}

Verdict JudgeMx(const ReturnPathSight& sight, const std::string& host) {
  const std::string set = absl::StrCat("an MX record with preference 10 and host ", host);
  if (!sight.cname.empty() && EqualsIgnoreCase(sight.cname, sight.return_path_domain)) return Fine();
  if (!sight.cname.empty() && sight.mx.empty()) {
    return Wrong("RETURN_PATH_CNAME_ELSEWHERE",
                 absl::StrCat("At ", sight.owner, " stands a CNAME record that leads to ", sight.cname,
                              ". Delete it and add ", set, "."));
  }
  if (sight.mx.empty() && sight.has_address) {
    return Wrong("RETURN_PATH_ADDRESS",
                 absl::StrCat("At ", sight.owner,
                              " stands an address (A or AAAA) and no MX record, so bounces go to that "
                              "machine. Delete the address and add ",
                              set, "."));
  }
  if (sight.mx.empty()) {
    return Missing("RETURN_PATH_MISSING", absl::StrCat("There is no MX record at ", sight.owner, ". Add ", set, "."));
  }
  if (sight.mx.size() == 1 && sight.mx.front().host.empty()) {
    return Wrong("RETURN_PATH_NULL_MX", absl::StrCat("The MX record at ", sight.owner,
                                                     " is \".\", which says that the name takes no mail (RFC 7505). "
                                                     "Replace it with ",
                                                     set, "."));
  }
  for (const MxRecord& record : sight.mx) {
    if (IsAddress(record.host)) {
      return Wrong(
          "RETURN_PATH_MX_ADDRESS",
          absl::StrCat("The MX record at ", sight.owner, " leads to the address ", record.host,
                       "; an MX record takes a host name (RFC 1035 section 3.3.9). Replace it with ", set, "."));
    }
    for (const std::string& ours : sight.mx_hosts) {
      if (record.host.starts_with(AsciiLower(ours) + ".")) {
        return Wrong(
            "RETURN_PATH_ZONE_APPENDED",
            absl::StrCat("The MX record at ", sight.owner, " leads to ", record.host,
                         ": your DNS panel has put your own domain behind the host. Enter the host with a final "
                         "dot: \"",
                         ours, ".\"."));
      }
    }
  }
  const bool any_ours =
      std::any_of(sight.mx.begin(), sight.mx.end(), [&](const MxRecord& record) { return IsOurs(sight, record.host); });
  if (!any_ours) {
    return Wrong("RETURN_PATH_MX_ELSEWHERE",
                 absl::StrCat("The MX record at ", sight.owner, " leads to ", Hosts(sight.mx),
                              ", so bounces do not reach us. Replace it with ", set, "."));
  }
  const auto foreign = std::find_if(sight.mx.begin(), sight.mx.end(),
                                    [&](const MxRecord& record) { return !IsOurs(sight, record.host); });
  if (foreign != sight.mx.end()) {
    return Wrong("RETURN_PATH_MX_MIXED",
                 absl::StrCat("Beside our host, ", sight.owner, " has an MX record that leads to ",
                              foreign->host.empty() ? "." : foreign->host,
                              "; bounces that go there are lost. Delete that one: the name is for bounces only."));
  }
  const bool there = std::any_of(sight.mx.begin(), sight.mx.end(),
                                 [&](const MxRecord& record) { return EqualsIgnoreCase(record.host, host); });
  if (!there) {
    return Missing("RETURN_PATH_MISSING", absl::StrCat("At ", sight.owner, " one of our hosts is missing beside ",
                                                       Hosts(sight.mx), ". Add ", set, "."));
  }
  return Fine();
}

Verdict JudgeAlias(const ReturnPathSight& sight) {
  const std::string set = absl::StrCat("a CNAME record that leads to ", sight.return_path_domain);
  if (sight.cname.empty()) {
    if (!sight.mx.empty()) {
      return Wrong("RETURN_PATH_MX_NOT_CNAME",
                   absl::StrCat("At ", sight.owner, " stands an MX record (", Hosts(sight.mx),
                                ") and no CNAME. Delete all "
                                "that stands there and add ",
                                set, "."));
    }
    const auto named = std::find_if(sight.texts.begin(), sight.texts.end(), [&](const std::string& text) {
      return EqualsIgnoreCase(text, sight.return_path_domain) || EqualsIgnoreCase(text, sight.return_path_domain + ".");
    });
    if (named != sight.texts.end()) {
      return Wrong("RETURN_PATH_TXT_NOT_CNAME",
                   absl::StrCat("At ", sight.owner, " the name ", sight.return_path_domain,
                                " stands in a TXT record, which leads nowhere. Delete it and add ", set, "."));
    }
    if (sight.has_address || !sight.texts.empty()) {
      return Wrong(
          "RETURN_PATH_NO_CNAME",
          absl::StrCat("At ", sight.owner, " stands ", sight.has_address ? "an address (A or AAAA)" : "a TXT record",
                       " and no CNAME. Delete all that stands there and add ", set, "."));
    }
    return Missing("RETURN_PATH_MISSING",
                   absl::StrCat("There is no CNAME record at ", sight.owner, ". Add ", set, "."));
  }
  if (sight.cname.starts_with(AsciiLower(sight.return_path_domain) + ".")) {
    return Wrong(
        "RETURN_PATH_ZONE_APPENDED",
        absl::StrCat("The CNAME record at ", sight.owner, " leads to ", sight.cname,
                     ": your DNS panel has put your own domain behind its target. Enter the target with a final "
                     "dot: \"",
                     sight.return_path_domain, ".\"."));
  }
  if (!EqualsIgnoreCase(sight.cname, sight.return_path_domain)) {
    return Wrong("RETURN_PATH_CNAME_ELSEWHERE",
                 absl::StrCat("The CNAME record at ", sight.owner, " leads to ", sight.cname, ". Change its target to ",
                              sight.return_path_domain, "."));
  }
  const bool other_mx = sight.mx != sight.target_mx;
  if (other_mx || sight.texts != sight.target_texts) {
    return Wrong(
        "RETURN_PATH_CNAME_BESIDE_OTHERS",
        absl::StrCat("At ", sight.owner, " stands ", other_mx ? "an MX" : "a TXT",
                     " record beside the CNAME; no other record may stand beside one (RFC 1034 section 3.6.2), and "
                     "some resolvers see the one, some the other. Keep the CNAME only."));
  }
  if (sight.target_mx.empty()) {
    return Wrong("RETURN_PATH_OUR_SIDE", absl::StrCat("The CNAME record at ", sight.owner,
                                                      " is right, but at its end, ", sight.return_path_domain,
                                                      ", no MX record stands. That is ours to mend: tell us; you need "
                                                      "not change anything."));
  }
  return Fine();
}

}  // namespace

Verdict JudgeReturnPathMx(const ReturnPathSight& sight, const std::string& wanted_host) {
  Verdict verdict = JudgeMx(sight, wanted_host);
  verdict.found = Found(sight);
  return verdict;
}

Verdict JudgeReturnPathAlias(const ReturnPathSight& sight) {
  Verdict verdict = JudgeAlias(sight);
  verdict.found = Found(sight);
  return verdict;
}

}  // namespace wavepost
