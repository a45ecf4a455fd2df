#include "bench/sim/world.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <span>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "bench/sim/random.h"

namespace wavepost::sim {
namespace {

// Domains for ten million recipients; fewer recipients have fewer domains, so that each keeps its size.
constexpr double kFullAudience = 1e7;

// A family of domains with a share of the audience.
struct Family {
  const char* name;      // of the kind that is reported
  const char* provider;  // in the provider book; empty: none
  double share;
  std::vector<const char*> domains;  // in falling order; then zipf from zipf_from
  int zipf = 0;                      // so many made-up domains (for ten million recipients)
  const char* mx = "";               // '%' is the number of the domain; for all of them the same if there is none
  ReceiverSpec receiver;
};

struct Texts {
  const char* over_rate;
  Phase rate_phase;
  bool rate_closes;
  const char* over_connections;
};

ReceiverSpec Spec(int connections, int messages, double rate, double burst, double connect_s, double message_s) {
  ReceiverSpec spec;
  spec.connections = connections;
  spec.messages_per_connection = messages;
  spec.rate = rate;
  spec.burst = burst;
  spec.connect_s = connect_s;
  spec.message_s = message_s;
  return spec;
}

// What each says when it has had enough; lines as these providers send them.
Texts TextsOf(const std::string& provider) {
  if (provider == "google") {
    return {
        "421 4.7.28 Gmail has detected an unusual rate of mail originating from your IP address. To protect our "
        "users from spam, mail sent from your IP address has been temporarily rate limited.",
        Phase::kEndOfData, true, "421 4.3.2 Too many concurrent connections, try again later"};
  }
  if (provider == "outlook" || provider == "microsoft365") {
    return {"451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation. (S775)",
            Phase::kMail, false,
            "421 4.7.652 The mail server [192.0.2.1] has exceeded the maximum number of connections. (S844)"};
  }
  if (provider == "yahoo") {
    return {
        "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user "
        "complaints - 4.16.55.1",
        Phase::kMail, true, "421 4.7.0 Too many concurrent connections from 192.0.2.1"};
  }
  if (provider == "t-online") {
    return {"421 Too many mails from your address, try again later", Phase::kMail, true,
            "421 Too many connections from your address"};
  }
  if (provider == "gmx") {
    return {
        "450 Requested mail action not taken: mailbox unavailable. Send limit for this hour exceeded, too many "
        "messages",
        Phase::kMail, false,
        "421 gmx.net (mxgmx017) Nemesis ESMTP Service not available, too many connections from your address"};
  }
  return {"451 4.7.1 Rate limit exceeded, try again later", Phase::kRcpt, false,
          "421 4.7.0 Too many concurrent connections from your address"};
}

std::vector<Family> Families() {
  const double none = std::numeric_limits<double>::infinity();
  return {
      // Starting values are right or careful here: our connections are the limit.
      {"google",
       "google",
       0.19,
       {"gmail.com", "googlemail.com"},
       0,
       "gmail-smtp-in.l.google.com",
       Spec(20, 100, 30, 100, 0.6, 0.35)},
      {"google", "google", 0.06, {}, 20000, "aspmx.l.google.com", Spec(20, 100, 30, 100, 0.6, 0.35)},
      // Tolerates less than ten connections' worth: the message rate must be learned.
      {"outlook",
       "outlook",
       0.12,
       {"outlook.com", "hotmail.com", "live.com"},
       0,
       "outlook-com.olc.protection.outlook.com",
       Spec(20, 200, 4.0, 20, 0.7, 0.45)},
      {"microsoft365",
       "microsoft365",
       0.20,
       {},
       60000,
       "company%-example.mail.protection.outlook.com",
       Spec(20, 200, 20, 50, 0.7, 0.4)},
      {"yahoo",
       "yahoo",
       0.06,
       {"yahoo.com", "aol.com", "yahoo.de"},
       0,
       "mta5.am0.yahoodns.net",
       Spec(20, 20, 2.5, 30, 0.6, 0.4)},
      {"apple", "apple", 0.04, {"icloud.com", "me.com"}, 0, "mx01.mail.icloud.com", Spec(10, 5, 6, 20, 0.6, 0.4)},
      // Tolerates two connections where we start with four.
      {"gmx",
       "gmx",
       0.08,
       {"web.de", "gmx.de", "gmx.net", "mail.com"},
       0,
       "mx00.emig.gmx.net",
       Spec(2, 20, none, 20, 0.6, 0.4)},
      {"t-online", "t-online", 0.03, {"t-online.de"}, 0, "mx00.t-online.de", Spec(20, 100, 1.2, 10, 0.6, 0.4)},
      {"orange", "orange", 0.02, {"orange.fr", "wanadoo.fr"}, 0, "smtp-in.orange.fr", Spec(2, 100, none, 20, 0.6, 0.4)},
      // The long tail: half at hosters (many domains, one set of MX hosts), half with mail hosts of their own.
      {"hosters", "", 0.10, {}, 150000, "mx.hoster%.example", Spec(20, 100, 3, 20, 0.6, 0.5)},
      {"own hosts", "", 0.10, {}, 150000, "mx.domain%.example", Spec(10, 100, 2, 20, 0.6, 0.5)},
  };
}

constexpr int kHosters = 300;

std::string MxOf(const Family& family, int domain) {
  std::string mx = family.mx;
  const size_t at = mx.find('%');
  if (at == std::string::npos) return mx;
  const bool hoster = std::string_view(family.name) == "hosters";
  return mx.replace(at, 1, absl::StrCat(hoster ? domain % kHosters : domain));
}

struct GreylistKind {
  Greylisting by;
  double window_s;
  const char* text;
};

// Common settings: Postgrey, milter-greylist, rspamd, SQLgrey, appliances. Some say for how long.
constexpr std::array<GreylistKind, 6> kGreylistKinds = {{
    {Greylisting::kTriplet, 300, "450 4.2.0 <a@b.example>: Recipient address rejected: Greylisted, see postgrey help"},
    {Greylisting::kTriplet, 300, "451 4.7.1 Greylisting in action, please come back in 00:05:00"},
    {Greylisting::kTriplet, 60, "451 4.7.1 Greylisted, please try again in 60 seconds"},
    {Greylisting::kTriplet, 900, "450 4.7.1 Greylisted, please try again later"},
    {Greylisting::kClient, 300, "451 4.7.1 Greylisted, please try again later"},
    {Greylisting::kClient, 600, "450 4.7.1 Greylisted, please try again in 600 seconds"},
}};

class Builder {
 public:
  explicit Builder(const WorldOptions& options) : options_(options) { world_.book = ProviderBook::BuiltIn(); }

  World Build() {
    double shares = 0;
    std::vector<Family> families = Families();
    if (options_.big_providers_only) std::erase_if(families, [](const Family& f) { return f.zipf > 0; });
    for (const Family& family : families) shares += family.share;
    for (Family& family : families) {
      family.share /= shares;
      AddFamily(family);
    }
    return std::move(world_);
  }

 private:
  void AddFamily(const Family& family) {
    const ReceiverSpec* plain = AddReceiver(family, {});
    std::vector<const ReceiverSpec*> grey;
    if (options_.greylisted_tail > 0 && *family.provider == '\0') {
      for (const GreylistKind& kind : kGreylistKinds) grey.push_back(AddReceiver(family, kind));
    }
    const double size = static_cast<double>(options_.recipients) / kFullAudience;
    const int made_up = family.zipf == 0 ? 0 : std::max(1, static_cast<int>(family.zipf * std::min(1.0, size)));
    std::vector<double> weights;
    for (size_t i = 0; i < family.domains.size(); ++i) weights.push_back(1.0 / static_cast<double>(1 + i));
    // Zipf with a flat head: no company has a tenth of all companies' addresses.
    for (int i = 0; i < made_up; ++i) weights.push_back(std::pow(i + 40, -0.85));
    double sum = 0, before = 0;
    for (const double w : weights) sum += w;
    const double total = family.share * static_cast<double>(options_.recipients);
    for (size_t i = 0; i < weights.size(); ++i) {
      const double after = before + weights[i] / sum * total;
      const auto volume = static_cast<int64_t>(std::floor(after) - std::floor(before));
      before = after;
      if (volume > 0) AddDomain(family, static_cast<int>(i), volume, plain, grey);
    }
  }

  void AddDomain(const Family& family, int number, int64_t volume, const ReceiverSpec* plain,
                 const std::vector<const ReceiverSpec*>& grey) {
    const std::array<std::string, 1> mx = {MxOf(family, number)};
    ProviderBook::Site site = world_.book->SiteOf(mx, 1);
    std::string mx_set = site.mx_set;
    const auto [known, is_new] = by_name_.try_emplace(site.name, static_cast<uint32_t>(world_.sites.size()));
    if (is_new) {
      const uint64_t dice = HashPair(HashText(site.name), options_.seed);
      const bool greylists = !grey.empty() && static_cast<double>(dice % 1000) < 1000 * options_.greylisted_tail;
      const ReceiverSpec* receiver = greylists ? grey[dice / 1000 % grey.size()] : plain;
      world_.sites.push_back({std::move(site), receiver, KindOf(family.name)});
    }
    const bool named = static_cast<size_t>(number) < family.domains.size();
    world_.domains.push_back(
        {.name = named ? family.domains[static_cast<size_t>(number)] : absl::StrCat(family.name, number, ".example"),
         .mx_set = std::move(mx_set),
         .site = known->second,
         .volume = volume});
  }

  uint32_t KindOf(const std::string& name) {
    const auto it = std::find(world_.kinds.begin(), world_.kinds.end(), name);
    if (it != world_.kinds.end()) return static_cast<uint32_t>(it - world_.kinds.begin());
    world_.kinds.push_back(name);
    return static_cast<uint32_t>(world_.kinds.size() - 1);
  }

  const ReceiverSpec* AddReceiver(const Family& family, const std::optional<GreylistKind>& grey) {
    auto spec = std::make_unique<ReceiverSpec>(family.receiver);
    const std::string provider = family.provider;
    spec->name = family.name;
    if (!options_.halved.empty() && provider == options_.halved) {
      spec->change_at = options_.halved_at_s;
      spec->change_factor = 0.5;
    }
    const auto judge = [&](const char* text, Phase phase, bool closes) {
      return Judge(*world_.book, provider, text, phase, closes);
    };
    const Texts texts = TextsOf(provider);
    spec->over_rate = judge(texts.over_rate, texts.rate_phase, texts.rate_closes);
    spec->over_connections = judge(texts.over_connections, Phase::kGreeting, true);
    spec->over_connection_rate = judge("421 4.7.0 Connection rate limit exceeded", Phase::kGreeting, true);
    spec->over_messages = judge("421 4.7.0 Too many messages in this session, closing connection", Phase::kMail, true);
    spec->unknown_user = judge("550 5.1.1 User unknown", Phase::kRcpt, false);
    if (grey.has_value()) {
      spec->greylisting = grey->by;
      spec->window_s = grey->window_s;
      spec->greylisted = judge(grey->text, Phase::kRcpt, false);
    }
    world_.receivers.push_back(std::move(spec));
    return world_.receivers.back().get();
  }

  const WorldOptions options_;
  World world_;
  absl::flat_hash_map<std::string, uint32_t> by_name_;
};

}  // namespace

World MakeWorld(const WorldOptions& options) {
  return Builder(options).Build();
}

}  // namespace wavepost::sim
