#include "tests/testnet/decide.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "tests/testnet/stable_hash.h"

namespace wavepost::testnet {
namespace {

constexpr size_t kAddressInReplyBytesMax = 200;

std::string_view DomainOf(std::string_view address) {
  const size_t at = address.rfind('@');
  return at == std::string_view::npos ? std::string_view{} : address.substr(at + 1);
}

std::string_view LocalOf(std::string_view address) {
  return address.substr(0, address.rfind('@'));
}

std::string Rejected(std::string_view status, std::string_view address, std::string_view text) {
  return absl::StrCat(Av(status), " <", Printable(address, kAddressInReplyBytesMax),
                      ">: Recipient address rejected: ", Av(text));
}

Action FromFate(const Fate& fate, std::string text) {
  // RFC 5321 section 4.2.1: after a 421 the server closes.
  const Action::Kind kind = fate.code == 421 ? Action::Kind::kReplyAndClose : Action::Kind::kReply;
  return {.kind = kind, .code = fate.code, .text = std::move(text)};
}

}  // namespace

Decider::Decider(const Scenario* scenario) : scenario_(*scenario) {
  for (const Profile& profile : scenario_.profiles) reached_.emplace_back(profile.disconnects.size(), 0);
}

Action Decider::Limited(std::string text) {
  ++counts_.limited;
  return {.kind = Action::Kind::kReplyAndClose, .code = 421, .text = std::move(text)};
}

Action Decider::OnConnect(size_t site, uint32_t client_ip, absl::Time now) {
  switch (limits_.Open(ProfileOf(site).limits, site, client_ip, now)) {
    case LimitBook::Verdict::kOk:
      return {};
    case LimitBook::Verdict::kTooManyOpen:
      return Limited(absl::StrCat("4.7.0 Too many concurrent connections from ", Ipv4Text(client_ip)));
    case LimitBook::Verdict::kTooFast:
      return Limited(absl::StrCat("4.7.0 Connection rate limit exceeded for ", Ipv4Text(client_ip)));
  }
  return {};
}

Action Decider::OnMail(size_t site, uint32_t client_ip, int messages_before, absl::Time now) {
  const LimitPolicy& limits = ProfileOf(site).limits;
  if (limits.messages_per_connection > 0 && messages_before >= limits.messages_per_connection) {
    return Limited("4.7.0 Too many messages on this connection, open a new one");
  }
  if (limits_.Message(limits, site, client_ip, now) != LimitBook::Verdict::kOk) {
    return Limited(absl::StrCat("4.7.0 Message rate limit exceeded for ", Ipv4Text(client_ip), ", slow down"));
  }
  return {};
}

Fate Decider::FateOf(size_t site, std::string_view address) const {
  if (const Fate* listed = scenario_.fate_table.Find(address); listed != nullptr) return *listed;
  const Profile& profile = ProfileOf(site);
  if (profile.local_part_fates) {
    if (std::optional<Fate> asked = FateOfLocalPart(LocalOf(address)); asked.has_value()) return *std::move(asked);
  }
  if (profile.fates.empty()) return {};
  double left = UnitOf(StableHash(scenario_.seed, address));
  for (const FateRule& rule : profile.fates) {
    if (left < rule.share) return rule.fate;
    left -= rule.share;
  }
  return {};
}

Action Decider::OnRcpt(const Recipient& recipient, absl::Time now, Fate* fate) {
  *fate = {};
  const Profile& profile = ProfileOf(recipient.site);
  const std::string_view domain = DomainOf(recipient.address);
  if (profile.greylist.enabled) {
    const Greylist::Result result =
        greylist_.Check(profile.greylist, domain, recipient.client_ip, recipient.mail_from, recipient.address, now);
    if (!result.pass) {
      ++counts_.greylisted;
      if (result.early) ++counts_.greylisted_early;
      std::string text = profile.greylist.text;
      if (text.empty()) {
        text = absl::StrCat("Greylisted, see http://greylist.testnet.invalid/help/", Printable(domain, 100), ".html");
      }
      if (profile.greylist.hint) {
        // In the words of the unscaled policy, as a real server would say it; a sender under the same clock_scale
        // divides what it reads. Rounded up: who comes exactly then must pass.
        const double seconds = absl::ToDoubleSeconds(result.remaining) * scenario_.clock_scale;
        absl::StrAppend(&text, "; try again in ", static_cast<int64_t>(std::ceil(seconds - 1e-6)), " seconds");
      }
      return {.kind = Action::Kind::kReply, .code = 450, .text = Rejected("4.2.0", recipient.address, text)};
    }
  }
  Fate found = FateOf(recipient.site, recipient.address);
  if (found.times > 0) {
    if (attempts_.size() >= kAttemptsMax) attempts_.clear();
    if (++attempts_[StableHash(scenario_.seed, recipient.address)] > found.times) return {};
  }
  if (found.kind != Fate::Kind::kReplyAtRcpt) {
    *fate = std::move(found);
    return {};
  }
  return FromFate(found, Rejected(found.status, recipient.address, found.text));
}

Action Decider::OnDot(const Fate& fate) {
  if (fate.kind != Fate::Kind::kReplyAfterData) return {};
  return FromFate(fate, absl::StrCat(fate.status, " ", fate.text));
}

bool Decider::Disconnects(size_t site, Phase phase) {
  const Profile& profile = ProfileOf(site);
  std::vector<uint64_t>& reached = reached_[scenario_.sites[site].profile];
  bool cut = false;
  for (size_t i = 0; i < profile.disconnects.size(); ++i) {
    const DisconnectRule& rule = profile.disconnects[i];
    if (rule.phase != phase) continue;
    const uint64_t count = ++reached[i];
    if (rule.every > 0) {
      cut = cut || count % rule.every == 0;
    } else {
      const uint64_t hash = StableHash(scenario_.seed, absl::StrCat(profile.name, " ", i, " ", count));
      cut = cut || UnitOf(hash) < rule.share;
    }
  }
  return cut;
}

}  // namespace wavepost::testnet
