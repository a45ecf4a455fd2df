#include "tests/testnet/site_config.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/strings.h"

namespace wavepost::testnet {
namespace {

constexpr size_t kHostsMax = 20;  // of one site

class SiteReader {
 public:
  SiteReader(const ConfigNode& root, Scenario* scenario) : root_(root), scenario_(*scenario) {
    for (size_t i = 0; i < scenario_.profiles.size(); ++i) profile_by_name_[scenario_.profiles[i].name] = i;
    const ConfigNode range = root_.Child("address_range");
    const std::string first = range.String("first", "127.1.0.1");
    const size_t count = static_cast<size_t>(range.Int("count", 256, 1, kReceiversMax));
    const std::optional<uint32_t> address = ParseLoopback(first);
    if (!address.has_value()) range.Problem("first", absl::StrCat("'", first, "' is no address in 127.0.0.0/8"));
    range_next_ = address.value_or(0x7f010001);
    range_end_ = static_cast<uint64_t>(range_next_) + count;
    if (range_end_ > 0x7fffffff) range.Problem("count", "the range leaves 127.0.0.0/8");
  }

  void Read() {
    const std::vector<ConfigNode> nodes = root_.List("domains");
    for (const ConfigNode& node : nodes) ReadEntry(node);
    // Addresses that the file gives are taken before the range is handed out.
    for (const Pending& pending : pending_) AssignAddresses(pending);
    for (Site& site : scenario_.sites) AddRecordsOfHosts(site);
    for (auto& [address, receiver] : receivers_) scenario_.receivers.push_back(std::move(receiver));
    if (scenario_.receivers.size() > kReceiversMax) {
      root_.Problem("domains", absl::StrCat("need more than ", kReceiversMax, " addresses"));
    }
  }

 private:
  struct Pending {
    ConfigNode node;
    size_t site;
  };

  void ReadEntry(const ConfigNode& node) {
    const std::vector<std::string> names = ReadNames(node);
    const std::string profile_name = node.String("profile", "default");
    const auto profile = profile_by_name_.find(profile_name);
    if (profile == profile_by_name_.end()) {
      std::string known;
      for (const Profile& one : scenario_.profiles) absl::StrAppend(&known, known.empty() ? "" : ", ", one.name);
      node.Problem("profile", absl::StrCat("no profile '", profile_name, "'; there are: ", known));
    }
    const bool null_mx = node.Bool("null_mx", false);
    const bool no_mx = node.Bool("no_mx", false);
    const bool shared = node.Bool("shared", false);
    std::vector<MailHost> hosts = ReadHosts(node);
    std::optional<uint32_t> address;
    if (node.Has("address")) {
      const std::string text = node.String("address", "");
      address = ParseLoopback(text);
      if (!address.has_value()) node.Problem("address", absl::StrCat("'", text, "' is no address in 127.0.0.0/8"));
    }
    if (null_mx + no_mx + !hosts.empty() > 1) node.Problem("", "null_mx, no_mx and mx exclude each other");
    if (!hosts.empty() && address.has_value()) node.Problem("address", "belongs into the items of mx");
    if (names.empty() || profile == profile_by_name_.end()) return;

    if (null_mx) {
      for (const std::string& name : names) scenario_.records.push_back(MxRecord(name, 0, ".", scenario_.dns_ttl));
      return;
    }
    if (no_mx && shared) node.Problem("shared", "domains without MX cannot share one");
    if (!hosts.empty() || shared) {
      if (hosts.empty()) hosts = {{.name = HostName(names[0]), .address = address.value_or(0)}};
      AddSite(node, names, profile->second, hosts, false);
      return;
    }
    for (const std::string& name : names) {
      const std::vector<MailHost> own = {{.name = no_mx ? name : HostName(name), .address = address.value_or(0)}};
      AddSite(node, {name}, profile->second, own, no_mx);
    }
  }

  std::vector<std::string> ReadNames(const ConfigNode& node) {
    std::vector<std::string> raw = node.StringList("names");
    if (node.Has("name")) raw.push_back(node.RequiredString("name"));
    if (node.Has("file")) {
      const std::string path = node.RequiredString("file");
      std::ifstream in(path);
      if (!in) node.Problem("file", absl::StrCat(path, " cannot be read"));
      for (std::string line; std::getline(in, line) && raw.size() <= kDomainsMax;) {
        while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
        if (!line.empty() && line[0] != '#') raw.push_back(std::move(line));
      }
    }
    if (raw.empty()) node.Problem("", "wants name, names or file");
    std::vector<std::string> names;
    for (const std::string& text : raw) {
      std::string_view bare = text;
      if (bare == "*") {
        bare = "any.invalid";  // stands in for the check below
      } else if (bare.substr(0, 2) == "*.") {
        bare.remove_prefix(2);
      }
      if (!NormalDomain(bare).has_value()) {
        node.Problem("",
                     absl::StrCat("'", Printable(text, 80), "' is no domain name; write IDNs as A-labels (xn--...)"));
      } else if (seen_.size() >= kDomainsMax) {
        node.Problem("", absl::StrCat("more than ", kDomainsMax, " domains"));
        break;
      } else if (std::string name = AsciiLower(text); !seen_.insert(name).second) {
        node.Problem("", absl::StrCat("domain '", name, "' is listed twice"));
      } else {
        names.push_back(std::move(name));
      }
    }
    return names;
  }

  std::vector<MailHost> ReadHosts(const ConfigNode& node) {
    std::vector<MailHost> hosts;
    for (const ConfigNode& item : node.List("mx")) {
      MailHost host;
      const std::string name = item.RequiredString("host");
      const std::optional<std::string> normal = NormalDomain(name);
      if (!normal.has_value() && !name.empty()) item.Problem("host", "is no host name");
      host.name = normal.value_or("");
      host.preference = static_cast<int>(item.Int("preference", 10, 0, 65535));
      host.listens = item.Bool("listen", true);
      if (item.Has("address")) {
        const std::optional<uint32_t> address = ParseLoopback(item.String("address", ""));
        if (!address.has_value()) item.Problem("address", "is no address in 127.0.0.0/8");
        host.address = address.value_or(0);
      }
      hosts.push_back(std::move(host));
    }
    if (hosts.size() > kHostsMax) node.Problem("mx", absl::StrCat("more than ", kHostsMax, " hosts"));
    return hosts;
  }

  static std::string HostName(const std::string& domain) {
    if (domain == "*") return "mx.testnet.invalid";
    return absl::StrCat("mx.", domain.substr(0, 2) == "*." ? domain.substr(2) : domain);
  }

  void AddSite(const ConfigNode& node, const std::vector<std::string>& names, size_t profile,
               const std::vector<MailHost>& hosts, bool no_mx) {
    const size_t index = scenario_.sites.size();
    scenario_.sites.push_back({.name = names[0], .profile = profile, .hosts = hosts});
    for (const std::string& name : names) {
      if (name == "*") {
        scenario_.wildcards[""] = static_cast<uint32_t>(index);
      } else if (name.substr(0, 2) == "*.") {
        scenario_.wildcards[name.substr(2)] = static_cast<uint32_t>(index);
      } else {
        scenario_.domains[name] = static_cast<uint32_t>(index);
      }
      if (no_mx) continue;  // the host's own A record is the domain's
      for (const MailHost& host : hosts) {
        scenario_.records.push_back(MxRecord(name, host.preference, host.name, scenario_.dns_ttl));
      }
    }
    for (const MailHost& host : hosts) {
      if (host.address == 0) continue;
      given_.insert(host.address);
      address_by_host_.emplace(host.name, host.address);
    }
    pending_.push_back({node, index});
  }

  void AssignAddresses(const Pending& pending) {
    Site& site = scenario_.sites[pending.site];
    for (MailHost& host : site.hosts) {
      const auto known = address_by_host_.find(host.name);
      if (host.address == 0 && known != address_by_host_.end()) host.address = known->second;
      if (host.address == 0) host.address = NextAddress(site.profile);
      if (host.address == 0) {
        pending.node.Problem("", "address_range is used up and no earlier site has this profile; raise its count");
        return;
      }
      address_by_host_.emplace(host.name, host.address);
      if (!host.listens) {
        deaf_.insert(host.address);
      } else if (receivers_
                     .try_emplace(host.address,
                                  Receiver{.address = host.address, .site = pending.site, .host = host.name})
                     .second) {
        by_profile_[site.profile].push_back(host.address);
      }
      if (deaf_.contains(host.address) && receivers_.contains(host.address)) {
        pending.node.Problem("", absl::StrCat(Ipv4Text(host.address), " both listens and does not"));
      }
    }
  }

  uint32_t NextAddress(size_t profile) {
    while (range_next_ < range_end_ && given_.contains(range_next_)) ++range_next_;
    if (range_next_ < range_end_) return range_next_++;
    const std::vector<uint32_t>& own = by_profile_[profile];
    return own.empty() ? 0 : own[reused_++ % own.size()];
  }

  void AddRecordsOfHosts(const Site& site) {
    for (const MailHost& host : site.hosts) {
      if (host.address != 0 && host_records_.insert(host.name).second) {
        scenario_.records.push_back(ARecord(host.name, host.address, scenario_.dns_ttl));
      }
    }
  }

  const ConfigNode root_;
  Scenario& scenario_;
  std::map<std::string, size_t, std::less<>> profile_by_name_;
  std::set<std::string> seen_;
  std::vector<Pending> pending_;
  std::set<uint32_t> given_, deaf_;
  std::map<std::string, uint32_t> address_by_host_;
  std::map<uint32_t, Receiver> receivers_;
  std::map<size_t, std::vector<uint32_t>> by_profile_;
  std::set<std::string> host_records_;
  uint32_t range_next_ = 0;
  uint64_t range_end_ = 0;
  size_t reused_ = 0;
};

}  // namespace

void ReadSites(const ConfigNode& root, Scenario* scenario) {
  SiteReader(root, scenario).Read();
}

}  // namespace wavepost::testnet
