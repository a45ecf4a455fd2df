#include "coordinator/store/soft_bounces.h"

#include <algorithm>
#include <cstdint>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "coordinator/store/proto_time.h"

namespace wavepost {
namespace {

using cluster::v1::SoftBounces;

constexpr size_t kEvidenceBytesMax = 1024;
constexpr size_t kCampaignsNamed = 8;
constexpr size_t kLastTextBytes = 300;

std::string_view LastPart(std::string_view name) {
  return name.substr(name.rfind('/') + 1);  // without a slash: all of it
}

// The entry to give up when there are too many: the oldest bounce whose campaign has a newer one behind it, with no
// delivery in between, because a campaign counts once; else the oldest entry.
int Expendable(const SoftBounces& history) {
  absl::flat_hash_set<std::string_view> newer;
  int found = 0;
  for (int i = history.entries_size() - 1; i >= 0; --i) {
    const SoftBounces::Entry& entry = history.entries(i);
    if (entry.delivered()) {
      newer.clear();
    } else if (!newer.insert(entry.campaign()).second) {
      found = i;
    }
  }
  return found;
}

// Forgets what cannot count any more. An aged delivery ends what lies before it, too. An aged bounce goes alone:
// entries are in order of time, but a report that takes a delivery back keeps its place, so that what lies before an
// aged bounce may be younger.
bool Trim(absl::Time now, const SoftPolicy& policy, SoftBounces* history) {
  auto* const entries = history->mutable_entries();
  const int before = entries->size();
  const auto age = [&](int i) { return now - FromProtoTime(entries->Get(i).time()); };
  int first = 0;
  for (int i = 0; i < entries->size(); ++i) {
    if (entries->Get(i).delivered() && age(i) > kTakenBackWithin) first = i + 1;
  }
  entries->DeleteSubrange(0, first);
  for (int i = entries->size() - 1; i >= 0; --i) {
    if (!entries->Get(i).delivered() && age(i) > policy.window) entries->DeleteSubrange(i, 1);
  }
  // A delivery with nothing before it says nothing; should a report take it back, that makes a new entry.
  first = 0;
  while (first < entries->size() && entries->Get(first).delivered()) ++first;
  entries->DeleteSubrange(0, first);
  while (entries->size() > kSoftEntriesMax) entries->DeleteSubrange(Expendable(*history), 1);
  return entries->size() != before;
}

}  // namespace

SoftPolicy SoftPolicyOf(const v1::Tenant& tenant) {
  const v1::SuppressionPolicy& given = tenant.suppression_policy();
  SoftPolicy policy;
  policy.never = given.soft_never();
  if (given.soft_campaigns() > 0) policy.campaigns = std::min(given.soft_campaigns(), kSoftCampaignsMax);
  if (given.soft_window().seconds() > 0) {
    policy.window = std::clamp(absl::Seconds(given.soft_window().seconds()), kSoftWindowMin, kSoftWindowMax);
  }
  return policy;
}

bool EnterSign(AddressSign sign, std::string_view campaign, RecipientId id, absl::Time now, const SoftPolicy& policy,
               SoftBounces* history) {
  if (sign == AddressSign::kNone) return false;
  const bool delivered = sign == AddressSign::kDelivery;
  bool changed = Trim(now, policy, history);
  auto& entries = *history->mutable_entries();
  const auto had = std::find_if(entries.begin(), entries.end(),
                                [&](const SoftBounces::Entry& entry) { return entry.recipient_id() == id.packed(); });
  if (had != entries.end()) {
    if (had->delivered() && !delivered) {
      changed = true;
      had->set_delivered(false);
      *had->mutable_time() = ToProtoTime(now);
    }
  } else {
    changed = true;
    SoftBounces::Entry& entry = *history->add_entries();
    entry.set_campaign(std::string(campaign));
    entry.set_recipient_id(id.packed());
    entry.set_delivered(delivered);
    *entry.mutable_time() = ToProtoTime(now);
  }
  return Trim(now, policy, history) || changed;
}

std::vector<SoftBounces::Entry> CountedBounces(const SoftBounces& history, absl::Time now, const SoftPolicy& policy) {
  std::vector<SoftBounces::Entry> counted;
  absl::flat_hash_set<std::string> campaigns;
  for (int i = history.entries_size() - 1; i >= 0; --i) {
    const SoftBounces::Entry& entry = history.entries(i);
    if (entry.delivered()) break;
    if (now - FromProtoTime(entry.time()) > policy.window) continue;
    if (campaigns.insert(entry.campaign()).second) counted.push_back(entry);
  }
  std::reverse(counted.begin(), counted.end());
  return counted;
}

std::string SoftEvidence(const std::vector<SoftBounces::Entry>& counted, std::string_view last_text) {
  std::string out = absl::StrCat("bounced softly in ", counted.size(), counted.size() == 1 ? " campaign" : " campaigns",
                                 counted.size() == 1 ? ": " : " without a delivery in between: ");
  const size_t first = counted.size() - std::min(counted.size(), kCampaignsNamed);
  if (first > 0) absl::StrAppend(&out, first, " more, ");
  for (size_t i = first; i < counted.size(); ++i) {
    absl::StrAppend(&out, i > first ? ", " : "", Av(LastPart(counted[i].campaign())), " (",
                    absl::FormatTime("%Y-%m-%d", FromProtoTime(counted[i].time()), absl::UTCTimeZone()), ")");
  }
  if (!last_text.empty()) absl::StrAppend(&out, "; the last time: ", Printable(last_text, kLastTextBytes));
  return Printable(out, kEvidenceBytesMax);
}

bool IsStale(const SoftBounces& history, absl::Time now, const SoftPolicy& policy) {
  SoftBounces left = history;
  Trim(now, policy, &left);
  return left.entries().empty();
}

}  // namespace wavepost
