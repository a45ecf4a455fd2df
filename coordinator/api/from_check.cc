#include "coordinator/api/from_check.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/mail/address.h"
#include "common/rpc/status.h"
#include "coordinator/domains/look.h"
#include "coordinator/names/resource_names.h"
#include "coordinator/store/proto_time.h"
#include "coordinator/store/store.h"

namespace wavepost {
namespace {

constexpr int kCertificatesPage = 1000;  // more than a tenant can have

// The address as the rest of the system compares it; as given if it is none (CheckCampaign lets none such through).
std::string Normal(const std::string& address) {
  const auto parsed = ParseAddress(address);
  return parsed.ok() ? parsed->ToString() : address;
}

std::string DomainPart(const std::string& address) {
  const std::string normal = Normal(address);
  return normal.substr(normal.rfind('@') + 1);
}

bool IsVerified(const std::optional<v1::SendingDomain>& domain) {
  return domain.has_value() && domain->state() == v1::SendingDomain::VERIFIED;
}

// Why it is not, and what to do.
std::string NotVerified(const std::string& name, const std::optional<v1::SendingDomain>& domain) {
  if (!domain.has_value()) {
    return absl::StrCat(name, " is not a sending domain of the tenant: add it with 'wavepost domains add ", name,
                        "', publish its records, then run 'wavepost domains verify ", name, "'");
  }
  const std::string state =
      absl::StrCat(name, domain->state() == v1::SendingDomain::LOST ? " was verified and is lost" : " is not verified");
  const std::string verify = absl::StrCat("run 'wavepost domains verify ", name, "'");
  if (const std::string failure = FirstFailure(*domain); !failure.empty()) {
    return absl::StrCat(state, ". ", failure, absl::EndsWith(failure, ".") ? " Then " : ". Then ", verify);
  }
  for (const v1::DnsRecord& record : domain->dns_records()) {
    if (!record.required()) continue;
    return absl::StrCat(state, ", its records have not been seen yet. The first one to publish is ", record.owner(),
                        " ", record.type(), " ", record.data(), "; when all are there, ", verify);
  }
  return absl::StrCat(state, ": ", verify);
}

absl::Status Refuse(std::string_view reason, const std::string& sentence, const v1::Campaign& campaign) {
  return ApiError(absl::StatusCode::kFailedPrecondition, reason, sentence, {{"resource", campaign.name()}});
}

// OK if a certificate for the address holds from now for as long as mail may be under way.
absl::Status CheckCertificates(const FromFacts& facts, const std::string& from_address, absl::Time now) {
  const absl::Time needed = now + absl::Seconds(facts.campaign.max_age().seconds());
  absl::Time longest = absl::InfinitePast();
  bool any = false, later = false;
  for (const v1::Certificate& certificate : facts.certificates) {
    if (std::none_of(certificate.addresses().begin(), certificate.addresses().end(),
                     [&](const std::string& address) { return address == from_address; })) {
      continue;
    }
    any = true;
    if (FromProtoTime(certificate.not_before()) > now) {
      later = true;
      continue;
    }
    longest = std::max(longest, FromProtoTime(certificate.not_after()));
  }
  const char* const cure = "bring one with 'wavepost certificates add', or leave content.smime out";
  if (!any) {
    return Refuse("NO_CERTIFICATE",
                  absl::StrCat("the campaign is to be signed by S/MIME, and the tenant has no certificate for ",
                               from_address, ": ", cure),
                  facts.campaign);
  }
  if (longest >= needed) return absl::OkStatus();
  if (longest == absl::InfinitePast() && later) {
    return Refuse("NO_CERTIFICATE", absl::StrCat("the certificate for ", from_address, " does not hold yet: ", cure),
                  facts.campaign);
  }
  const std::string end = absl::FormatTime("%Y-%m-%d %H:%M UTC", longest, absl::UTCTimeZone());
  return Refuse("CERTIFICATE_EXPIRED",
                longest <= now ? absl::StrCat("the certificate for ", from_address, " ended on ", end, ": ", cure)
                               : absl::StrCat("the certificate for ", from_address, " ends on ", end,
                                              ", while mail of the campaign may still be on its way (max_age): ", cure),
                facts.campaign);
}

}  // namespace

FromChoice ChooseFrom(const FromFacts& facts, const DomainPolicy& policy, absl::Time now) {
  const v1::Content& content = facts.campaign.content();
  FromChoice out;
  out.from_address = Normal(content.from_address());
  const std::string name = DomainPart(content.from_address());
  const std::string& fallback = facts.tenant.fallback_from_address();
  if (IsVerified(facts.own)) {
    out.return_path_domain = facts.own->return_path_domain();
    if (facts.own->failed_checks() > 0) {
      out.warnings.push_back(absl::StrCat("the last look at ", name, " failed. ", FirstFailure(*facts.own)));
    }
  } else if (policy.allow_unverified) {
    if (facts.own.has_value()) out.return_path_domain = facts.own->return_path_domain();
    out.warnings.push_back(absl::StrCat(NotVerified(name, facts.own),
                                        ". Its mail leaves all the same: the operator "
                                        "allows unverified domains"));
  } else if (!fallback.empty() && IsVerified(facts.fallback)) {
    out.from_address = Normal(fallback);
    out.return_path_domain = facts.fallback->return_path_domain();
    out.warnings.push_back(absl::StrCat("mail leaves from ", out.from_address, " instead of ", content.from_address(),
                                        ", which gets the answers: ", NotVerified(name, facts.own)));
  } else {
    std::string sentence = NotVerified(name, facts.own);
    if (!fallback.empty()) {
      absl::StrAppend(&sentence, ". The tenant's fallback ", fallback,
                      " does not help either: ", NotVerified(DomainPart(fallback), facts.fallback));
    }
    out.refusal = Refuse("FROM_DOMAIN_NOT_VERIFIED", sentence, facts.campaign);
  }
  if (out.refusal.ok() && content.smime()) out.refusal = CheckCertificates(facts, out.from_address, now);
  if (!out.refusal.ok()) {
    out.warnings.push_back(absl::StrCat("waves do not start: ", out.refusal.message()));
  }
  return out;
}

absl::StatusOr<FromChoice> LookUpFrom(Store* store, const DomainPolicy& policy, absl::Time now,
                                      const v1::Campaign& campaign) {
  const auto name = CampaignName::Parse(campaign.name());
  if (!name.has_value()) return absl::InvalidArgumentError("a campaign without a name");
  const std::string tenant = TenantName{name->tenant}.ToString();
  const auto find = [&](const std::string& address) -> absl::StatusOr<std::optional<v1::SendingDomain>> {
    auto stored = store->GetSendingDomain(SendingDomainName{name->tenant, DomainPart(address)}.ToString());
    if (absl::IsNotFound(stored.status())) return std::optional<v1::SendingDomain>();
    RETURN_IF_ERROR(stored.status());
    return std::optional<v1::SendingDomain>(std::move(*stored->mutable_domain()));
  };
  FromFacts facts;
  facts.campaign = campaign;
  ASSIGN_OR_RETURN(auto stored, store->GetTenant(tenant));
  facts.tenant = std::move(*stored.mutable_tenant());
  ASSIGN_OR_RETURN(facts.own, find(campaign.content().from_address()));
  if (!facts.tenant.fallback_from_address().empty()) {
    ASSIGN_OR_RETURN(facts.fallback, find(facts.tenant.fallback_from_address()));
  }
  if (campaign.content().smime()) {
    ASSIGN_OR_RETURN(auto page, store->ListCertificates(tenant, kCertificatesPage, ""));
    for (auto& certificate : page.items) facts.certificates.push_back(std::move(*certificate.mutable_certificate()));
  }
  return ChooseFrom(facts, policy, now);
}

}  // namespace wavepost
