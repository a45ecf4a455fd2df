#include "coordinator/identity/dnsbl_zones.h"

#include <asio/ip/address_v4.hpp>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/config/config.h"
#include "common/dns/names.h"

namespace wavepost {
namespace {

constexpr size_t kZoneNameMax = 180;  // 32 nibbles with their dots stand before it, and a name has 253 bytes
constexpr size_t kRefusalsMax = 20;
constexpr size_t kTextMax = 500;

DnsblZone ReadZone(const ConfigNode& node) {
  DnsblZone zone;
  const std::string name = node.RequiredString("zone");
  const std::optional<std::string> normal = NormalizeHostName(name);
  if (!normal.has_value() || normal->size() > kZoneNameMax || !absl::StrContains(*normal, ".")) {
    node.Problem("zone", absl::StrCat("must be a domain name such as bl.example.org, is '", Printable(name, 100), "'"));
  } else {
    zone.zone = *normal;
  }
  zone.removal_url = node.String("removal_url", "");
  if (!zone.removal_url.empty() &&
      ((!absl::StartsWith(zone.removal_url, "https://") && !absl::StartsWith(zone.removal_url, "http://")) ||
       zone.removal_url.size() > kTextMax || zone.removal_url.find_first_of(" \t\r\n<>\"") != std::string::npos)) {
    node.Problem("removal_url", "must be a web address, e.g. https://bl.example.org/remove");
  }
  zone.refusals = node.StringList("refusals");
  if (zone.refusals.size() > kRefusalsMax) {
    node.Problem("refusals", absl::StrCat("may have ", kRefusalsMax, " addresses at most"));
  }
  for (const std::string& refusal : zone.refusals) {
    asio::error_code error;
    asio::ip::make_address_v4(refusal, error);
    if (error) {
      node.Problem("refusals",
                   absl::StrCat("'", Printable(refusal, 60), "' is no IPv4 address such as 127.255.255.254"));
    }
  }
  zone.ipv6 = node.Bool("ipv6", false);
  zone.test_entries = node.Bool("test_entries", true);
  zone.note = node.String("note", "");
  if (zone.note.size() > kTextMax || Printable(zone.note) != zone.note) {
    node.Problem("note", absl::StrCat("must be one line of at most ", kTextMax, " bytes"));
  }
  return zone;
}

}  // namespace

const DnsblZones& BuiltInDnsblZones() {
  // Lists that are alive, used by receivers, and say how to be removed. README.md says how to use others.
  static const auto* const zones = new DnsblZones{
      {.zone = "zen.spamhaus.org",
       .removal_url = "https://check.spamhaus.org/",
       .refusals = {"127.255.255.252", "127.255.255.254", "127.255.255.255"},
       .ipv6 = true,
       .note = "127.0.0.10 and 127.0.0.11 mean that the network was declared as one that sends no mail: the hoster, or "
               "you, can take the address out."},
      {.zone = "bl.spamcop.net",
       .removal_url = "https://www.spamcop.net/bl.shtml",
       .note = "A listing ends by itself a day after the last report."},
      {.zone = "b.barracudacentral.org",
       .removal_url = "https://www.barracudacentral.org/rbl/removal-request",
       .note = "It answers only resolvers whose addresses have been registered with it."},
      {.zone = "psbl.surriel.com",
       .removal_url = "https://psbl.org/remove",
       .note = "Anyone may remove an address, at once."},
      // No test entries are promised by these two: a clean answer of theirs is worth a little less.
      {.zone = "dnsbl.dronebl.org",
       .removal_url = "https://dronebl.org/lookup",
       .ipv6 = true,
       .test_entries = false,
       .note = "It lists machines that have been taken over: look for the cause on the machine first."},
      {.zone = "bl.mailspike.net", .removal_url = "https://mailspike.io/ip_verify", .test_entries = false},
  };
  return *zones;
}

absl::StatusOr<DnsblZones> LoadDnsblZones(const std::string& path) {
  ASSIGN_OR_RETURN(const ConfigFile file, ConfigFile::Load(path));
  const ConfigNode root = file.root();
  DnsblZones zones;
  std::set<std::string> names;
  if (!root.Has("zones")) root.Problem("zones", "is missing: a list of block lists, which may be empty");
  for (const ConfigNode& node : root.List("zones")) {
    DnsblZone zone = ReadZone(node);
    if (zones.size() == kDnsblZonesMax) {
      node.Problem("", absl::StrCat("more than ", kDnsblZonesMax, " zones"));
      break;
    }
    if (!zone.zone.empty() && !names.insert(zone.zone).second) {
      node.Problem("zone", absl::StrCat("'", zone.zone, "' stands here twice"));
    }
    zones.push_back(std::move(zone));
  }
  RETURN_IF_ERROR(file.Finish());
  return zones;
}

}  // namespace wavepost
