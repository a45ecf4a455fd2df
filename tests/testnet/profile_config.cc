#include "tests/testnet/profile_config.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/strings.h"

namespace wavepost::testnet {
namespace {

constexpr std::array<std::string_view, kPhases> kPhaseNames = {
    "connect", "greeting", "ehlo", "mail", "rcpt", "data", "in_data", "after_dot", "lost_reply", "after_reply"};
constexpr size_t kGreylistTextBytesMax = 200;

std::vector<FateRule> ReadFates(const ConfigNode& node) {
  std::vector<FateRule> rules;
  double sum = 0;
  for (const ConfigNode& item : node.List("fates")) {
    FateRule rule;
    rule.share = item.Double("share", 0, 0, 1);
    if (!item.Has("share")) item.Problem("share", "is required: the part of all addresses, from 0 to 1");
    absl::StatusOr<Fate> fate = ParseFate(item.RequiredString("fate"));
    if (!fate.ok() && item.Has("fate")) item.Problem("fate", Sv(fate.status().message()));
    if (fate.ok()) rule.fate = *std::move(fate);
    sum += rule.share;
    rules.push_back(std::move(rule));
  }
  if (sum > 1.000001) node.Problem("fates", absl::StrCat("the shares add up to ", sum, ", which is more than all"));
  return rules;
}

std::vector<DisconnectRule> ReadDisconnects(const ConfigNode& node) {
  std::vector<DisconnectRule> rules;
  for (const ConfigNode& item : node.List("disconnect")) {
    DisconnectRule rule;
    const std::string name = item.RequiredString("phase");
    const std::optional<Phase> phase = PhaseFromName(name);
    if (!phase.has_value() && !name.empty()) {
      std::string known;
      for (const std::string_view one : kPhaseNames) absl::StrAppend(&known, known.empty() ? "" : ", ", Av(one));
      item.Problem("phase", absl::StrCat("'", name, "' is no phase; known: ", known));
    }
    rule.phase = phase.value_or(Phase::kConnect);
    rule.share = item.Double("share", 0, 0, 1);
    rule.every = static_cast<uint64_t>(item.Int("every", 0, 0, 1'000'000'000));
    if ((rule.share > 0) == (rule.every > 0)) item.Problem("", "wants either share or every, above 0");
    rules.push_back(rule);
  }
  return rules;
}

LimitPolicy ReadLimits(const ConfigNode& node, double clock_scale) {
  const auto number = [&](std::string_view key) { return static_cast<int>(node.Int(key, 0, 0, 1'000'000'000)); };
  LimitPolicy limits;
  limits.connections_open = number("connections_open");
  limits.connections = number("connections");
  limits.messages = number("messages");
  limits.messages_per_connection = number("messages_per_connection");
  limits.window = node.DurationOf("window", limits.window, absl::Milliseconds(1)) / clock_scale;
  return limits;
}

GreylistPolicy ReadGreylist(const ConfigNode& profile, double clock_scale) {
  const ConfigNode node = profile.Child("greylist");
  GreylistPolicy greylist;
  greylist.enabled = node.Bool("enabled", profile.Has("greylist"));
  greylist.delay = node.DurationOf("delay", greylist.delay) / clock_scale;
  greylist.retry_window = node.DurationOf("retry_window", greylist.retry_window) / clock_scale;
  greylist.whitelist_after = static_cast<int>(node.Int("whitelist_after", 1, 0, 1'000'000));
  greylist.hint = node.Bool("hint", true);
  greylist.text = node.String("text", "");
  if (greylist.text.size() > kGreylistTextBytesMax) node.Problem("text", "must have at most 200 bytes");
  return greylist;
}

Profile ReadProfile(const ConfigNode& node, const std::string& name, double clock_scale) {
  Profile profile;
  profile.name = name;
  profile.greylist = ReadGreylist(node, clock_scale);
  profile.limits = ReadLimits(node.Child("limits"), clock_scale);
  const ConfigNode delays = node.Child("delays");
  for (size_t i = 0; i < kPhases; ++i) {
    // Where no reply follows there is nothing to delay.
    const Phase phase = static_cast<Phase>(i);
    if (phase == Phase::kInData || phase == Phase::kGreeting || phase > Phase::kAfterDot) continue;
    profile.delays[i] = delays.DurationOf(kPhaseNames[i], absl::ZeroDuration(), absl::ZeroDuration(), absl::Hours(1));
  }
  profile.disconnects = ReadDisconnects(node);
  profile.fates = ReadFates(node);
  profile.local_part_fates = node.Bool("local_part_fates", true);
  const std::string tls = node.String("starttls", "off");
  if (tls == "offer") {
    profile.starttls = StartTls::kOffer;
  } else if (tls == "broken") {
    profile.starttls = StartTls::kBroken;
  } else if (tls != "off") {
    node.Problem("starttls", "must be off, offer or broken");
  }
  profile.pipelining = node.Bool("pipelining", true);
  profile.eight_bit_mime = node.Bool("8bitmime", true);
  profile.smtputf8 = node.Bool("smtputf8", true);
  return profile;
}

}  // namespace

std::string_view PhaseName(Phase phase) {
  return kPhaseNames[static_cast<size_t>(phase)];
}

std::optional<Phase> PhaseFromName(std::string_view name) {
  const auto found = std::find(kPhaseNames.begin(), kPhaseNames.end(), name);
  if (found == kPhaseNames.end()) return std::nullopt;
  return static_cast<Phase>(found - kPhaseNames.begin());
}

std::vector<Profile> ReadProfiles(const ConfigNode& root, double clock_scale) {
  const ConfigNode node = root.Child("profiles");
  std::vector<Profile> profiles = {ReadProfile(node.Child("default"), "default", clock_scale)};
  for (const std::string& name : node.Keys()) {
    if (name != "default") profiles.push_back(ReadProfile(node.Child(name), name, clock_scale));
  }
  const std::vector<FateRule> common = ReadFates(root);
  for (Profile& profile : profiles) {
    profile.fates.insert(profile.fates.end(), common.begin(), common.end());
  }
  return profiles;
}

}  // namespace wavepost::testnet
