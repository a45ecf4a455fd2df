#include "coordinator/identity/own_keys.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/mail/dkim_keys.h"
#include "common/seal/seal.h"
#include "coordinator/domains/rotation.h"
#include "coordinator/store/proto_time.h"

namespace wavepost {
namespace {

absl::Status Add(const v1::SendingDomain& own, const Sealer& sealer, absl::Time now, const std::string& selector,
                 std::string_view algorithm, const DkimKey& key, OwnKeyPair* pair) {
  ASSIGN_OR_RETURN(std::string sealed,
                   sealer.Seal(key.private_key_pem, absl::StrCat("dkim/", own.name(), "/", selector)));
  v1::DkimKeyInfo& info = pair->infos.emplace_back();
  info.set_selector(selector);
  info.set_algorithm(std::string(algorithm));
  info.set_state(v1::DkimKeyInfo::CREATED);
  info.set_public_txt(key.public_txt);
  *info.mutable_create_time() = ToProtoTime(now);
  cluster::v1::SealedKey& half = pair->sealed.emplace_back();
  half.set_selector(selector);
  half.set_sealed_pem(std::move(sealed));
  return absl::OkStatus();
}

std::string_view WhatBecameOf(const KeyStep& step) {
  switch (step.to) {
    case v1::DkimKeyInfo::CREATED:
      return "is not in DNS any more, so it does not come into use";
    case v1::DkimKeyInfo::PUBLISHED:
      return "has been seen in DNS, and signs soon";
    case v1::DkimKeyInfo::ACTIVE:
      return "signs now";
    case v1::DkimKeyInfo::RETIRED:
      return "signs no more; leave its record for 30 days";
    default:
      return "is gone; its record may go too";
  }
}

}  // namespace

std::string OwnDomainName(std::string_view identity_domain) {
  return absl::StrCat("identity/", Av(identity_domain));
}

bool OwnKeysDue(const v1::SendingDomain& own, absl::Time now) {
  bool old = own.dkim_keys().empty();
  for (const v1::DkimKeyInfo& key : own.dkim_keys()) {
    if (key.state() == v1::DkimKeyInfo::CREATED || key.state() == v1::DkimKeyInfo::PUBLISHED) return false;
    if (key.state() == v1::DkimKeyInfo::ACTIVE && FromProtoTime(key.active_time()) + kOwnKeysRenewAfter <= now) {
      old = true;
    }
  }
  return old;
}

absl::StatusOr<OwnKeyPair> MakeOwnKeys(const v1::SendingDomain& own, const Sealer& sealer, absl::Time now) {
  const SelectorPair selectors = NextSelectors(own, now);
  ASSIGN_OR_RETURN(const DkimKey rsa, MakeRsaKey());
  ASSIGN_OR_RETURN(const DkimKey ed25519, MakeEd25519Key());
  OwnKeyPair pair;
  RETURN_IF_ERROR(Add(own, sealer, now, selectors.rsa, "rsa-sha256", rsa, &pair));
  RETURN_IF_ERROR(Add(own, sealer, now, selectors.ed25519, "ed25519-sha256", ed25519, &pair));
  return pair;
}

std::vector<std::string> MoveOwnKeys(const std::vector<v1::RecordCheck>& checks, absl::Time now,
                                     cluster::v1::StoredSendingDomain* own) {
  v1::SendingDomain* const domain = own->mutable_domain();
  const std::string suffix = absl::StrCat("._domainkey.", domain->name().substr(domain->name().rfind('/') + 1));
  // The checks are lent for the step only: stored with the identity, they would be there twice.
  for (const v1::RecordCheck& check : checks) {
    if (check.record().purpose() == v1::DnsRecord::DKIM && check.record().owner().ends_with(suffix)) {
      *domain->add_checks() = check;
    }
  }
  std::vector<std::string> destroy;
  const std::vector<KeyStep> steps = AdvanceKeys(domain, now, &destroy);
  domain->clear_checks();
  auto& halves = *own->mutable_keys();
  halves.erase(std::remove_if(halves.begin(), halves.end(),
                              [&](const cluster::v1::SealedKey& half) {
                                return std::find(destroy.begin(), destroy.end(), half.selector()) != destroy.end();
                              }),
               halves.end());
  std::vector<std::string> sentences;
  for (const KeyStep& step : steps) {
    sentences.push_back(absl::StrCat("Our own DKIM key ", step.selector, suffix, " ", Av(WhatBecameOf(step)), "."));
  }
  return sentences;
}

}  // namespace wavepost
