// When soft bounces add up to a suppression. Pure: no disk, no clock.
//
// The history of an address at a tenant is a list of entries, one per recipient: it bounced softly, or it was delivered
// after it had bounced before. Soft bounces count back from the newest to the last delivery, once per campaign, within
// the window. A delivery is kept as an entry, and does not wipe the list at once, because a soft report may still take
// it back: the host had said 250, and gave up later.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "common/base/recipient_id.h"
#include "wavepost/cluster/v1/coordinator_records.pb.h"
#include "wavepost/v1/tenants_service.pb.h"

namespace wavepost {

inline constexpr int kSoftCampaignsDefault = 3;
inline constexpr int kSoftCampaignsMax = 100;
inline constexpr absl::Duration kSoftWindowDefault = absl::Hours(24 * 90);
inline constexpr absl::Duration kSoftWindowMin = absl::Hours(1);
inline constexpr absl::Duration kSoftWindowMax = absl::Hours(24 * 365 * 3);
// No host tries longer to pass a message on (RFC 5321 section 4.5.4.1 asks for 4 to 5 days): a delivery that is older
// is not taken back any more, and what lies before it is forgotten.
inline constexpr absl::Duration kTakenBackWithin = absl::Hours(24 * 10);
// Beyond it a campaign that bounced in several waves loses its older bounces first, which count for nothing: so
// kSoftCampaignsMax campaigns fit, whatever their waves.
inline constexpr int kSoftEntriesMax = 200;

// SuppressionPolicy with its defaults filled in.
struct SoftPolicy {
  int campaigns = kSoftCampaignsDefault;
  absl::Duration window = kSoftWindowDefault;
  bool never = false;
};
SoftPolicy SoftPolicyOf(const v1::Tenant& tenant);

// What an outcome or a report says about the address.
enum class AddressSign { kNone, kSoftBounce, kDelivery };

// Enters a sign; true if the history has changed. One recipient has one entry: a bounce takes its delivery back, and a
// delivery after its bounce changes nothing. Without entries a delivery leaves none.
bool EnterSign(AddressSign sign, std::string_view campaign, RecipientId id, absl::Time now, const SoftPolicy& policy,
               cluster::v1::SoftBounces* history);

// The campaigns that count at `now`, oldest first, each once with its newest bounce.
std::vector<cluster::v1::SoftBounces::Entry> CountedBounces(const cluster::v1::SoftBounces& history, absl::Time now,
                                                            const SoftPolicy& policy);

// "bounced softly in 3 campaigns without a delivery in between: spring (2026-05-01), summer (...), fall (...); the last
// time: 452 mailbox full". At most 1024 bytes, of the campaigns the newest.
std::string SoftEvidence(const std::vector<cluster::v1::SoftBounces::Entry>& counted, std::string_view last_text);

// Nothing in it counts any more, whatever comes: the row may go.
bool IsStale(const cluster::v1::SoftBounces& history, absl::Time now, const SoftPolicy& policy);

}  // namespace wavepost
