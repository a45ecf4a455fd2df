#include "coordinator/domains/neighbours.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr std::string_view kDomainKey = "._domainkey";

// What to type in a panel that puts the zone behind it.
std::string Relative(std::string_view owner, std::string_view zone) {
  if (owner == zone) return "@";
  return std::string(owner.substr(0, owner.size() - zone.size() - 1));
}

}  // namespace

std::vector<Neighbour> Neighbours(std::string_view owner, std::string_view domain, std::string_view organization) {
  std::vector<Neighbour> out;
  const auto add = [&](std::string name, const char* problem, std::string why) {
    if (out.size() < kNeighboursMax && Av(name) != Av(owner)) out.push_back({std::move(name), problem, std::move(why)});
  };
  const auto rename = [&](std::string_view reason) {
    return absl::StrCat(Av(reason), " Change its name to \"", Av(owner), "\".");
  };
  // "wp1._domainkey", "wpbounce", "_dmarc", "" (SPF)
  const std::string own = owner == domain ? "" : Relative(owner, domain);

  const auto twice = [&](std::string_view zone) {
    add(absl::StrCat(Av(owner), ".", Av(zone)), "ZONE_TWICE",
        absl::StrCat(", with \"", Av(zone), "\" twice: your DNS panel adds it by itself. Change its name to \"",
                     Relative(owner, zone), "\", or to \"", Av(owner), ".\" with a final dot."));
  };
  twice(domain);
  if (organization != domain) twice(organization);
  if (own.find('_') != std::string::npos) {
    add(absl::StrCat(absl::StrReplaceAll(own, {{"_", ""}}), ".", Av(domain)), "NO_UNDERSCORE",
        rename(", without the underscore."));
  }
  if (const size_t at = own.find(kDomainKey); at != std::string::npos) {
    const std::string selector = own.substr(0, at);
    add(absl::StrCat(selector, ".", Av(domain)), "NO_DOMAINKEY", rename(", without \"_domainkey\"."));
    add(absl::StrCat("_domainkey.", Av(domain)), "NO_SELECTOR", rename(", without \"" + selector + "\"."));
    add(absl::StrCat(selector, "_domainkey.", Av(domain)), "NO_DOT",
        rename(", without the dot before \"_domainkey\"."));
  }
  if (own.empty()) {
    for (std::string_view label : {"_spf", "spf"}) {
      add(absl::StrCat(Av(label), ".", Av(domain)), "AT_SUBNAME",
          absl::StrCat(", where receivers do not look. Change its name to \"", Av(owner), "\" (\"",
                       Relative(owner, organization), "\" in most DNS panels)."));
    }
  } else {
    add(std::string(domain), "AT_DOMAIN",
        rename(absl::StrCat(", the domain itself: the name \"", own, "\" has been left out.")));
  }
  if (organization != domain) {
    if (own.empty()) {
      add(std::string(organization), "AT_PARENT",
          absl::StrCat(", and SPF is not inherited. Add one of its own at \"", Av(owner), "\"."));
    } else {
      add(absl::StrCat(own, ".", Av(organization)), "AT_PARENT",
          rename(absl::StrCat(", which is not looked at for ", Av(domain), ".")));
    }
  }
  return out;
}

}  // namespace wavepost
