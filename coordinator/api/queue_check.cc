#include "coordinator/api/queue_check.h"

#include <google/protobuf/repeated_field.h>

#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/mail/address.h"
#include "common/rpc/status.h"
#include "coordinator/names/resource_names.h"

namespace wavepost {
namespace {

constexpr size_t kSiteBytesMax = 1000;
constexpr size_t kIpBytesMax = 64;
constexpr absl::Duration kPauseMax = absl::Hours(24 * 366);

absl::Status Forbidden(std::string_view field, std::string_view what) {
  return ApiError(absl::StatusCode::kPermissionDenied, "FOREIGN_MAIL",
                  absl::StrCat(Av(field), ": ", Av(what), "; a tenant acts on its own mail only"),
                  {{"field", std::string(field)}});
}

bool IsPlain(const std::string& text, size_t bytes_max) {
  return text.size() <= bytes_max && Printable(text) == text;
}

// The wave's number of "w{number}-{index}"; 0: it is none.
uint32_t WaveOf(std::string_view recipient) {
  uint32_t wave = 0;
  const size_t dash = recipient.find('-');
  if (recipient.empty() || recipient[0] != 'w' || dash == std::string_view::npos) return 0;
  return absl::SimpleAtoi(Av(recipient.substr(1, dash - 1)), &wave) ? wave : 0;
}

template <class Message, class Keep>
void KeepIf(google::protobuf::RepeatedPtrField<Message>* list, Keep keep) {
  google::protobuf::RepeatedPtrField<Message> kept;
  for (Message& message : *list) {
    if (keep(message)) kept.Add(std::move(message));
  }
  list->Swap(&kept);
}

// One sentence from what is in the path, nothing else.
std::string SummaryOf(const v1::PathExplanation& path) {
  if (!path.dns_problem().empty()) {
    return absl::StrCat("No host takes mail for ", path.domain(), ": ", path.dns_problem());
  }
  if (path.pauses_size() > 0) return absl::StrCat("Held by ", path.pauses(0).name(), ".");
  if (path.has_stopped_until()) {
    return absl::StrCat("Nothing starts from this address before its stop ends: ", path.stopped_reason());
  }
  return path.waiting().empty() ? "Nothing of yours waits." : "Waits; see each recipient.";
}

}  // namespace

std::string CreatorOf(const Caller& caller) {
  return caller.is_operator ? "operator" : caller.tenant;
}

absl::StatusOr<v1::QueueSelector> CheckSelector(const Caller& caller, std::string_view field,
                                                const v1::QueueSelector& selector) {
  const auto at = [&](std::string_view name) { return absl::StrCat(Av(field), ".", Av(name)); };
  const v1::QueueSelector& s = selector;
  if (s.tenant().empty() && s.campaign().empty() && s.domain().empty() && s.site().empty() && s.egress_ip().empty()) {
    return BadFields("BAD_SELECTOR", {{std::string(field), "must name a tenant, campaign, domain, site or egress_ip"}});
  }
  std::vector<FieldViolation> bad;
  v1::QueueSelector out = selector;
  const auto campaign = CampaignName::Parse(s.campaign());
  if (!s.tenant().empty() && !TenantName::Parse(s.tenant()).has_value()) {
    bad.push_back({at("tenant"), absl::StrCat("must be tenants/{tenant}, is '", Printable(s.tenant(), 200), "'")});
  }
  if (!s.campaign().empty() && !campaign.has_value()) {
    bad.push_back({at("campaign"), absl::StrCat("must be tenants/{tenant}/campaigns/{campaign}, is '",
                                                Printable(s.campaign(), 200), "'")});
  }
  if (!s.domain().empty()) {
    absl::StatusOr<std::string> domain = ParseDomain(s.domain());
    if (domain.ok()) {
      out.set_domain(*std::move(domain));
    } else {
      bad.push_back({at("domain"), std::string(domain.status().message())});
    }
  }
  if (!IsPlain(s.site(), kSiteBytesMax)) {
    bad.push_back({at("site"), absl::StrCat("must be at most ", kSiteBytesMax, " printable bytes")});
  }
  if (!IsPlain(s.egress_ip(), kIpBytesMax)) bad.push_back({at("egress_ip"), "must be an address"});
  if (!bad.empty()) return BadFields("BAD_SELECTOR", bad);

  if (!caller.is_operator) {
    if (!s.tenant().empty() && s.tenant() != caller.tenant) return Forbidden(at("tenant"), "is another tenant");
    if (!s.campaign().empty() && !caller.MaySee(s.campaign())) return Forbidden(at("campaign"), "is another tenant's");
    if (!s.site().empty()) return Forbidden(at("site"), "is for operators");
    if (!s.egress_ip().empty()) return Forbidden(at("egress_ip"), "is for operators");
    out.set_tenant(caller.tenant);
  }
  if (campaign.has_value()) {
    const std::string owner = TenantName{campaign->tenant}.ToString();
    if (!out.tenant().empty() && out.tenant() != owner) {
      return BadFields("BAD_SELECTOR", {{at("campaign"), absl::StrCat("is not a campaign of ", out.tenant())}});
    }
    out.set_tenant(owner);
  }
  return out;
}

absl::Status CheckReason(std::string_view field, const std::string& reason) {
  if (IsPlain(reason, kQueueReasonBytesMax)) return absl::OkStatus();
  return BadFields("BAD_REASON",
                   {{std::string(field), absl::StrCat("must be at most ", kQueueReasonBytesMax, " printable bytes")}});
}

absl::Status CheckEndTime(std::string_view field, const google::protobuf::Timestamp& end_time, absl::Time now) {
  const absl::Time end = absl::FromUnixSeconds(end_time.seconds()) + absl::Nanoseconds(end_time.nanos());
  if (end > now && end <= now + kPauseMax) return absl::OkStatus();
  return BadFields("BAD_END_TIME", {{std::string(field), "must be in the future, and within a year"}});
}

absl::StatusOr<std::string> CheckAddressOrDomain(const std::string& text) {
  if (text.empty()) return BadFields("BAD_ADDRESS", {{"address", "is required: local@domain, or a domain"}});
  if (text.find('@') == std::string::npos) {
    absl::StatusOr<std::string> domain = ParseDomain(text);
    if (domain.ok()) return domain;
    return BadFields("BAD_ADDRESS", {{"address", std::string(domain.status().message())}});
  }
  const absl::StatusOr<Address> address = ParseAddress(text);
  if (address.ok()) return address->ToString();
  return BadFields("BAD_ADDRESS", {{"address", std::string(address.status().message())}});
}

void HideForeign(const Caller& caller, const std::function<std::optional<std::string>(uint32_t wave)>& tenant_of_wave,
                 v1::PathExplanation* path) {
  if (caller.is_operator) return;
  const int before = path->waiting_size() + path->pauses_size();
  KeepIf(path->mutable_waiting(), [&](const v1::WaitingRecipient& waiting) {
    const uint32_t wave = WaveOf(waiting.recipient());
    return wave != 0 && tenant_of_wave(wave) == caller.tenant;
  });
  KeepIf(path->mutable_pauses(), [&](const v1::Pause& pause) {
    return pause.creator() == caller.tenant || pause.selector().tenant().empty() ||
           pause.selector().tenant() == caller.tenant;
  });
  // The node's sentence was about all of it.
  if (path->waiting_size() + path->pauses_size() != before) path->set_summary(SummaryOf(*path));
}

}  // namespace wavepost
